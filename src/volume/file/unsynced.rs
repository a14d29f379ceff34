//! Whether something was done to a file that is not durable yet.
//!
//! Where a file ends is told by its last sector, and two things may be done only when what that depends on is
//! durable: making a hole, where the file grew, since behind what was the last sector before there may be zeros only;
//! and cutting the file, where sectors were overwritten, since what was overwritten may have borne an end mark. A power
//! cut could otherwise leave the file shorter than it ever was.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often one kind of change was made, and how many of these are durable.
struct Count {
    done: AtomicU64,
    durable: AtomicU64,
}

impl Count {
    /// There may be changes already, by whoever had the file open before.
    const fn new() -> Self {
        Self { done: AtomicU64::new(1), durable: AtomicU64::new(0) }
    }

    fn note(&self) {
        self.done.fetch_add(1, Ordering::AcqRel);
    }

    fn is_durable(&self) -> bool {
        self.done.load(Ordering::Acquire) <= self.durable.load(Ordering::Acquire)
    }
}

/// What was done since the last sync.
pub(super) struct Unsynced {
    growth: Count,
    writes: Count,
}

/// What had been done when a sync began.
pub(super) struct Mark {
    growth: u64,
    writes: u64,
}

impl Unsynced {
    /// For a file that was just opened.
    pub const fn new() -> Self {
        Self { growth: Count::new(), writes: Count::new() }
    }

    /// To be called after each write, also after one that failed.
    pub fn note_write(&self, grown: bool) {
        self.writes.note();
        if grown {
            self.growth.note();
        }
    }

    /// To be called before a sync.
    pub fn mark(&self) -> Mark {
        let now = |count: &Count| count.done.load(Ordering::Acquire);
        Mark { growth: now(&self.growth), writes: now(&self.writes) }
    }

    /// To be called after a sync that succeeded, with what was told before it.
    pub fn note_synced(&self, mark: &Mark) {
        self.growth.durable.fetch_max(mark.growth, Ordering::AcqRel);
        self.writes.durable.fetch_max(mark.writes, Ordering::AcqRel);
    }

    /// Whether every sector that became the last is durable.
    pub fn is_growth_durable(&self) -> bool {
        self.growth.is_durable()
    }

    /// Whether every sector that was written is durable.
    pub fn are_writes_durable(&self) -> bool {
        self.writes.is_durable()
    }
}
