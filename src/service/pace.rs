//! At most so many bytes a second.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long is slept in one go, so that whoever is stopped notices soon.
const NAP: Duration = Duration::from_millis(20);

/// What was not used up in a longer time is not made up for.
const SLACK: Duration = Duration::from_millis(500);

/// Keeps work to a rate, that of all threads together.
pub(super) struct Pace(Mutex<Account>);

struct Account {
    rate: u64,
    /// When the bytes so far are paid for.
    due: Instant,
}

impl Pace {
    /// `rate` bytes a second; 0 for any number.
    pub fn new(rate: u64) -> Self {
        Self(Mutex::new(Account { rate, due: Instant::now() }))
    }

    /// Waits until `bytes` more are within the rate, which `rate` tells again and again, or until `stopped`
    /// says so. Nothing is owed when the rate is another.
    pub fn spend(&self, bytes: u64, rate: impl Fn() -> u64, stopped: impl Fn() -> bool) {
        if self.is_changed(rate()) {
            return;
        }
        let Some(due) = self.book(bytes) else { return };
        while let Some(left) = due.checked_duration_since(Instant::now()) {
            if left.is_zero() || stopped() || self.is_changed(rate()) {
                return;
            }
            std::thread::sleep(left.min(NAP));
        }
    }

    /// When these bytes will be paid for, after those that others booked; none without a rate.
    fn book(&self, bytes: u64) -> Option<Instant> {
        let now = Instant::now();
        let mut account = self.account();
        let cost = (account.rate > 0).then(|| cost(bytes, account.rate))?;
        account.due = account.due.max(now.checked_sub(SLACK).unwrap_or(now)) + cost;
        Some(account.due)
    }

    fn is_changed(&self, rate: u64) -> bool {
        let mut account = self.account();
        let is_changed = rate != account.rate;
        if is_changed {
            *account = Account { rate, due: Instant::now() };
        }
        is_changed
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn whoever_comes_later_pays_after_those_before() {
        let pace = Pace::new(1 << 20);
        let first = pace.book(1 << 20).unwrap();
        assert_eq!(pace.book(2 << 20).unwrap() - first, Duration::from_secs(2));
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
        let pace = Pace::new(1);
        pace.spend(u64::MAX, rate, || false);
        assert_eq!((pace.account().rate, asked.get()), (1 << 30, 3));
    }
}
