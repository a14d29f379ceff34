//! Numbers of bytes as they are typed: `20M`, `512K`, `1GiB`.

/// What is wrong with a number of bytes as typed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// No number, or an unknown unit.
    #[error("a rate is a number of bytes a second with K, M or G, as in 20M, or 'unlimited'")]
    Form,
    /// More than can be counted.
    #[error("this is too much")]
    Range,
}

/// Bytes a second; 0 where there is no limit. Units are powers of 1024.
///
/// # Errors
/// [`Error`] for anything else.
pub fn rate(typed: &str) -> Result<u64, Error> {
    if typed == "unlimited" {
        return Ok(0);
    }
    let digits = typed.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = typed.split_at(digits);
    let shift = match unit {
        "" | "B" => 0,
        "K" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        _ => return Err(Error::Form),
    };
    if number.is_empty() {
        return Err(Error::Form);
    }
    let number = number.parse::<u64>().map_err(|_| Error::Range)?;
    number.checked_mul(1 << shift).ok_or(Error::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_with_a_unit_or_no_limit() {
        let read = [("0", 0), ("unlimited", 0), ("1", 1), ("7B", 7), ("3K", 3 << 10)];
        let more = [("20M", 20 << 20), ("64MiB", 64 << 20), ("1G", 1 << 30), ("2GiB", 2 << 30)];
        for (typed, bytes) in read.into_iter().chain(more) {
            assert_eq!(rate(typed), Ok(bytes), "{typed}");
        }
        for typed in ["", "M", "-1", "1.5M", "1 M", "1T", "1m", "all", "0x10"] {
            assert_eq!(rate(typed), Err(Error::Form), "{typed}");
        }
        for typed in ["99999999999999999999", "18446744073709551615K"] {
            assert_eq!(rate(typed), Err(Error::Range), "{typed}");
        }
    }
}
