//! Permits: more freedom for one run of one guard, for a limited time. Kept in memory only.

use super::wire::Permit;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest permit, in seconds.
pub const LONGEST: u64 = 86_400;

/// The permits in force, one a guard.
#[derive(Default)]
pub struct Permits(Mutex<HashMap<PathBuf, Held>>);

struct Held {
    permit: Permit,
    /// Decides: a clock that nobody sets.
    until: Instant,
}

impl Permits {
    /// Gives a guard a permit, in place of the one it has. `id` tells it from all others.
    pub fn give(&self, guard: &Path, id: u64, settings: &[String], seconds: u64, now: Instant) {
        let lasting = Duration::from_secs(seconds.min(LONGEST));
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let permit = Permit { id, settings: settings.to_vec(), until: (clock + lasting).as_secs() };
        self.held().insert(guard.into(), Held { permit, until: now + lasting });
    }

    /// The guard's permit, while it lasts.
    pub fn of(&self, guard: &Path, now: Instant) -> Option<Permit> {
        let held = self.held();
        let lasting = held.get(guard).filter(|held| now < held.until);
        lasting.map(|held| held.permit.clone())
    }

    /// Uses the guard's permit up; false when it has none of that id any more.
    #[must_use]
    pub fn take(&self, guard: &Path, id: u64, now: Instant) -> bool {
        let mut held = self.held();
        let lasting = held.get(guard).is_some_and(|held| held.permit.id == id && now < held.until);
        lasting && held.remove(guard).is_some()
    }

    /// Takes a guard's permit away.
    pub fn withdraw(&self, guard: &Path) {
        self.held().remove(guard);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<PathBuf, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_is_for_one_guard_one_run_and_its_time() {
        let (permits, now) = (Permits::default(), Instant::now());
        let (guard, other) = (Path::new("/guard"), Path::new("/other"));
        permits.give(guard, 1, &["allow init_file".into()], 10, now);
        assert_eq!(permits.of(guard, now).unwrap().settings, ["allow init_file"]);
        assert_eq!(permits.of(other, now), None);
        let over = now + Duration::from_secs(10);
        assert_eq!(permits.of(guard, over), None);
        assert!(!permits.take(guard, 1, over));
        assert!(!permits.take(guard, 2, now));
        assert!(permits.take(guard, 1, now));
        assert!(!permits.take(guard, 1, now));
        assert_eq!(permits.of(guard, now), None);
    }

    #[test]
    fn a_new_permit_replaces_the_old_one() {
        let (permits, now, guard) = (Permits::default(), Instant::now(), Path::new("/guard"));
        permits.give(guard, 1, &[], 10, now);
        permits.give(guard, 2, &[], 10, now);
        assert!(!permits.take(guard, 1, now));
        assert!(permits.take(guard, 2, now));
        permits.give(guard, 3, &[], 10, now);
        permits.withdraw(guard);
        assert_eq!(permits.of(guard, now), None);
    }
}
