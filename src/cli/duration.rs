//! Times as they are typed: `90s`, `15m`, `2h`.

/// Longest time that something is permitted for, in seconds.
const LONGEST: u64 = 86_400;

/// What is wrong with a time as typed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// No number, or no unit.
    #[error("a time is a number with s, m or h, as in 15m")]
    Form,
    /// Nothing, or more than a day.
    #[error("this lasts from 1s to 24h")]
    Range,
}

/// The seconds in a time of at least a second and at most a day.
///
/// # Errors
/// [`Error`] for anything else.
pub fn seconds(typed: &str) -> Result<u64, Error> {
    let seconds = any(typed)?;
    seconds.filter(|seconds| (1..=LONGEST).contains(seconds)).ok_or(Error::Range)
}

/// The seconds in a time however long; none where they cannot be counted.
///
/// # Errors
/// [`Error::Form`].
pub fn any(typed: &str) -> Result<Option<u64>, Error> {
    let unit = typed.chars().last().ok_or(Error::Form)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(Error::Form),
    };
    let digits = &typed[..typed.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Form);
    }
    Ok(digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_ends_within_a_day() {
        for (typed, read) in [("1s", 1), ("15m", 900), ("24h", LONGEST), ("0090s", 90)] {
            assert_eq!(seconds(typed), Ok(read), "{typed}");
        }
        for typed in ["", "15", "m", "-1m", "+1m", "1 m", "15 min", "1d", "½h", "1M"] {
            assert_eq!(seconds(typed), Err(Error::Form), "{typed}");
        }
        for typed in ["0s", "25h", "86401s", "99999999999999999999h", "18446744073709551615h"] {
            assert_eq!(seconds(typed), Err(Error::Range), "{typed}");
        }
    }
}
