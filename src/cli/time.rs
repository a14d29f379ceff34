//! Points in time as people read them.

/// The day of a time in seconds since 1970, in UTC.
pub fn day(seconds: u64) -> String {
    let stamp = i64::try_from(seconds).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    stamp.map_or_else(|| "-".into(), |stamp| stamp.strftime("%F").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_iso_8601_does() {
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(1_795_000_000), "2026-11-18");
        assert_eq!(day(u64::MAX), "-");
    }
}
