//! How many lines of one event are written in a second: whoever is denied in a loop must not fill the
//! disk. What is left out is counted.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Lines of one event in a second at most, and in a minute: a long flood must not push older lines out by
/// rotation.
const A_SECOND: u32 = 50;
const A_MINUTE: u32 = 600;

/// Of processes that were let in there is one line each, and all are wanted: ten times as many.
const WANTED: (&str, u32) = ("allowed", 10);

/// A flood has ended when nothing was left out for so long.
const QUIET: Duration = Duration::from_secs(2);

/// The limits of each event, so that none crowds out another.
#[derive(Default)]
pub struct Limits(HashMap<String, Limit>);

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
    fn count(&mut self, span: Duration, at_most: u32) -> bool {
        if self.began.elapsed() >= span {
            (self.began, self.lines) = (Instant::now(), 0);
        }
        self.lines = self.lines.saturating_add(1);
        self.lines <= at_most
    }
}

impl Default for Window {
    fn default() -> Self {
        Self { began: Instant::now(), lines: 0 }
    }
}

impl Default for Limit {
    fn default() -> Self {
        let (second, minute) = (Window::default(), Window::default());
        Self { second, minute, left_out: 0, latest: Instant::now() }
    }
}

impl Limits {
    /// Whether a line may be written now, and then how many were left out before it.
    pub fn admit(&mut self, event: &str) -> Option<u64> {
        if !self.0.contains_key(event) {
            self.0.insert(event.to_owned(), Limit::default());
        }
        let limit = self.0.get_mut(event)?;
        let times = if event == WANTED.0 { WANTED.1 } else { 1 };
        let admitted = limit.second.count(Duration::from_secs(1), times * A_SECOND)
            && limit.minute.count(Duration::from_secs(60), times * A_MINUTE);
        if !admitted {
            limit.left_out += 1;
            limit.latest = Instant::now();
            return None;
        }
        Some(std::mem::take(&mut limit.left_out))
    }

    /// Takes what was left out of each event whose flood has ended, or of all.
    pub fn left_out(&mut self, all: bool) -> Vec<(String, u64)> {
        let due = |limit: &Limit| limit.left_out > 0 && (all || limit.latest.elapsed() >= QUIET);
        let floods = self.0.iter_mut().filter(|(_, limit)| due(limit));
        floods.map(|(event, limit)| (event.clone(), std::mem::take(&mut limit.left_out))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_once_and_of_each_event_by_itself() {
        let mut limits = Limits::default();
        let admitted = (0..1000).filter(|_| limits.admit("denied").is_some()).count();
        assert!((1..500).contains(&admitted), "{admitted}");
        assert_eq!(limits.admit("other"), Some(0));
        assert_eq!(limits.left_out(false), [], "the flood goes on");
        let left_out = 1000 - admitted as u64;
        assert_eq!(limits.left_out(true), [("denied".to_owned(), left_out)]);
        assert_eq!(limits.left_out(true), []);
    }
}
