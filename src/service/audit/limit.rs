//! How many lines of one event are written in a second: whoever is denied in a loop must not fill the
//! disk. What is left out is counted.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// Lines of one event of one user in a second at most, and in a minute: a long flood must not push older
/// lines out by rotation.
const A_SECOND: u32 = 50;
const A_MINUTE: u32 = 600;

/// Of processes that were let in there is one line each, and all are wanted: ten times as many.
const WANTED: (&str, u32) = ("allowed", 10);

/// A flood has ended when nothing was left out for so long.
const QUIET: Duration = Duration::from_secs(2);

/// The limits of each event and each user, so that none crowds out another.
#[derive(Default)]
pub struct Limits(HashMap<(String, Option<u64>), Limit>);

/// Users that are told apart; the rest, who are many, have their limits together.
const USERS: usize = 1024;

struct Limit {
    second: Window,
    minute: Window,
    /// Lines left out since the last one that was written, and when the latest was.
    left_out: u64,
    latest: Instant,
}

/// When a span of time began in which lines are counted, and how many there were in it.
struct Window {
    began: Instant,
    lines: u32,
}

impl Window {
    fn new(now: Instant) -> Self {
        Self { began: now, lines: 0 }
    }

    fn count(&mut self, now: Instant, span: Duration, at_most: u32) -> bool {
        if now.saturating_duration_since(self.began) >= span {
            *self = Self::new(now);
        }
        self.lines = self.lines.saturating_add(1);
        self.lines <= at_most
    }
}

impl Limit {
    fn new(now: Instant) -> Self {
        Self { second: Window::new(now), minute: Window::new(now), left_out: 0, latest: now }
    }
}

impl Limits {
    /// Whether a line may be written now, and then how many were left out before it.
    pub fn admit(&mut self, event: &str, user: Option<u64>, now: Instant) -> Option<u64> {
        let mut key = (event.to_owned(), user);
        if !self.0.contains_key(&key) && self.0.len() >= USERS {
            key.1 = None;
        }
        let limit = self.0.entry(key).or_insert_with(|| Limit::new(now));
        let times = if event == WANTED.0 { WANTED.1 } else { 1 };
        let admitted = limit.second.count(now, Duration::from_secs(1), times * A_SECOND)
            && limit.minute.count(now, Duration::from_secs(60), times * A_MINUTE);
        if !admitted {
            limit.left_out += 1;
            limit.latest = now;
            return None;
        }
        Some(std::mem::take(&mut limit.left_out))
    }

    /// Takes what was left out of each event whose flood has ended, or of all.
    pub fn left_out(&mut self, all: bool, now: Instant) -> Vec<(String, u64)> {
        let is_over = |limit: &Limit| now.saturating_duration_since(limit.latest) >= QUIET;
        let due = |limit: &Limit| limit.left_out > 0 && (all || is_over(limit));
        let floods = self.0.iter_mut().filter(|(_, limit)| due(limit));
        let mut sums = BTreeMap::new();
        for ((event, _), limit) in floods {
            *sums.entry(event.clone()).or_insert(0) += std::mem::take(&mut limit.left_out);
        }
        sums.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_once_and_of_each_event_by_itself() {
        let (mut limits, start) = (Limits::default(), Instant::now());
        let admitted = (0..1000).filter(|_| limits.admit("denied", None, start).is_some()).count();
        assert_eq!(admitted, 50);
        assert_eq!(limits.admit("other", None, start), Some(0));
        let soon = start + QUIET / 2;
        assert_eq!(limits.left_out(false, soon), [], "the flood goes on");
        assert_eq!(limits.left_out(true, soon), [("denied".to_owned(), 950)]);
        assert_eq!(limits.left_out(true, soon), []);
    }

    #[test]
    fn the_next_line_tells_what_was_left_out_before_it_or_the_end_of_the_flood_does() {
        let (mut limits, start) = (Limits::default(), Instant::now());
        let later = |millis| start + Duration::from_millis(millis);
        let admitted = |limits: &mut Limits, at| {
            (0..60).filter(|_| limits.admit("denied", None, at).is_some()).count()
        };
        assert_eq!(admitted(&mut limits, later(0)), 50);
        assert_eq!(limits.admit("denied", None, later(999)), None);
        assert_eq!(limits.admit("denied", None, later(1000)), Some(11));
        assert_eq!(admitted(&mut limits, later(1000)), 49);
        assert_eq!(limits.left_out(false, later(3000)), [("denied".to_owned(), 11)]);
    }

    #[test]
    fn a_long_flood_has_a_limit_of_its_own_and_what_is_wanted_has_a_higher_one() {
        for (event, lines) in [("denied", 600), ("allowed", 6000)] {
            let (mut limits, start) = (Limits::default(), Instant::now());
            let admit = |second| {
                let now = start + Duration::from_secs(second);
                (0..1000).filter(|_| limits.admit(event, None, now).is_some()).count()
            };
            assert_eq!((0..60).map(admit).sum::<usize>(), lines);
        }
    }

    #[test]
    fn a_flood_of_one_user_hides_nobody_elses_lines() {
        let (mut limits, start) = (Limits::default(), Instant::now());
        let flood = |limits: &mut Limits, user| {
            (0..100).filter(|_| limits.admit("denied", Some(user), start).is_some()).count()
        };
        assert_eq!(flood(&mut limits, 1000), 50);
        assert_eq!(flood(&mut limits, 0), 50);
        assert_eq!(limits.left_out(true, start), [("denied".to_owned(), 100)]);
        for user in 0..10_000 {
            let _ = limits.admit("denied", Some(user), start);
        }
        assert!(limits.0.len() <= USERS + 1, "it grows without end");
    }
}
