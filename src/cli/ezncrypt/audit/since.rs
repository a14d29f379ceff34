//! Times as people type them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

/// What is wrong with a time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Not of any form.
    #[error("a time is 10m, 2h or 3d, or 2026-01-31, '2026-01-31 15:00' (UTC), or RFC 3339")]
    Form,
}

/// The time in `10m` (ago), `2026-01-31`, `2026-01-31 15:00:00`, or RFC 3339.
pub fn parse(text: &str) -> Result<Timestamp, Error> {
    let text = text.trim();
    if let Some(ago) = ago(text) {
        return Timestamp::now().checked_sub(ago).map_err(|_| Error::Form);
    }
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let time: DateTime = text.parse().map_err(|_| Error::Form)?;
    Ok(time.to_zoned(TimeZone::UTC).map_err(|_| Error::Form)?.timestamp())
}

fn ago(text: &str) -> Option<SignedDuration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return None,
    };
    let number = text.get(..text.len() - 1)?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(unit).map(SignedDuration::from_secs)
}

/// Whether a line is not older; one without a proper time is shown.
pub fn is_since(fields: &Map<String, Value>, since: Timestamp) -> bool {
    let time = fields.get("time").and_then(Value::as_str).unwrap_or_default();
    time.parse::<Timestamp>().map_or(true, |time| time >= since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_in_each_form() {
        let at = |text: &str| parse(text).unwrap().to_string();
        assert_eq!(at("2026-01-31"), "2026-01-31T00:00:00Z");
        assert_eq!(at("2026-01-31 15:04"), "2026-01-31T15:04:00Z");
        assert_eq!(at("2026-01-31 15:04:05"), "2026-01-31T15:04:05Z");
        assert_eq!(at("2026-01-31T15:04:05Z"), "2026-01-31T15:04:05Z");
        assert_eq!(at("2026-01-31T15:04:05.5+02:00"), "2026-01-31T13:04:05.5Z");
        for (text, seconds) in [("90s", 90), ("10m", 600), ("2h", 7200), ("3d", 259_200)] {
            let ago = Timestamp::now().duration_since(parse(text).unwrap()).as_secs();
            assert!((seconds - 1..seconds + 5).contains(&ago), "{text}: {ago}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "m", "-5m", "+5m", "5", "5y", "yesterday", "2026-13-01", "99999999999999999d"]
        {
            assert_eq!(parse(text), Err(Error::Form), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = parse(&text);
        }
    }
}
