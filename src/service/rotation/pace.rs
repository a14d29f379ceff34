//! At most so many bytes a second.

use std::time::{Duration, Instant};

/// How long is slept in one go, so that whoever is stopped notices soon.
const NAP: Duration = Duration::from_millis(20);

/// What was not used up in a longer time is not made up for.
const SLACK: Duration = Duration::from_millis(500);

/// Keeps work to a rate.
pub(super) struct Pace {
    rate: u64,
    /// When the bytes so far are paid for.
    due: Instant,
}

impl Pace {
    /// `rate` bytes a second; 0 for any number.
    pub fn new(rate: u64) -> Self {
        Self { rate, due: Instant::now() }
    }

    /// Waits until `bytes` more are within the rate, or until `stopped` says so.
    pub fn spend(&mut self, bytes: u64, stopped: impl Fn() -> bool) {
        if self.rate == 0 {
            return;
        }
        let now = Instant::now();
        self.due = self.due.max(now.checked_sub(SLACK).unwrap_or(now)) + cost(bytes, self.rate);
        while let Some(left) = self.due.checked_duration_since(Instant::now()) {
            if left.is_zero() || stopped() {
                return;
            }
            std::thread::sleep(left.min(NAP));
        }
    }
}

fn cost(bytes: u64, rate: u64) -> Duration {
    let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX).min(u64::MAX / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_cost_time_by_the_rate() {
        assert_eq!(cost(1 << 20, 1 << 20), Duration::from_secs(1));
        assert_eq!(cost(1 << 20, 1 << 21), Duration::from_millis(500));
        assert_eq!(cost(0, 1), Duration::ZERO);
    }

    #[test]
    fn a_wait_for_ever_ends_when_it_is_stopped_and_no_rate_waits_for_nothing() {
        Pace::new(1).spend(u64::MAX, || true);
        Pace::new(0).spend(u64::MAX, || false);
    }
}
