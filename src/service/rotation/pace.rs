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

    /// Waits until `bytes` more are within the rate, which `rate` tells again and again, or until `stopped`
    /// says so. Nothing is owed when the rate is another.
    pub fn spend(&mut self, bytes: u64, rate: impl Fn() -> u64, stopped: impl Fn() -> bool) {
        if self.is_changed(rate()) || self.rate == 0 {
            return;
        }
        let now = Instant::now();
        self.due = self.due.max(now.checked_sub(SLACK).unwrap_or(now)) + cost(bytes, self.rate);
        while let Some(left) = self.due.checked_duration_since(Instant::now()) {
            if left.is_zero() || stopped() || self.is_changed(rate()) {
                return;
            }
            std::thread::sleep(left.min(NAP));
        }
    }

    fn is_changed(&mut self, rate: u64) -> bool {
        let is_changed = rate != self.rate;
        if is_changed {
            *self = Self::new(rate);
        }
        is_changed
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
        Pace::new(1).spend(u64::MAX, || 1, || true);
        Pace::new(0).spend(u64::MAX, || 0, || false);
    }

    #[test]
    fn a_wait_for_ever_ends_when_the_rate_is_another() {
        let asked = std::cell::Cell::new(0);
        let rate = || {
            asked.set(asked.get() + 1);
            if asked.get() < 3 { 1 } else { 1 << 30 }
        };
        let mut pace = Pace::new(1);
        pace.spend(u64::MAX, rate, || false);
        assert_eq!((pace.rate, asked.get()), (1 << 30, 3));
    }
}
