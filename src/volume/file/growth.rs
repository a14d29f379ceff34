//! Whether a file has grown since the last sync.
//!
//! Where a file ends is told by its last sector, and in a file with holes by nothing else: behind what was the last
//! before there may be zeros only. So the new last sector must be durable before anything becomes a hole, or a power cut
//! could leave neither of the two.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often the file grew, and how much of that is durable.
pub(super) struct Growth {
    done: AtomicU64,
    durable: AtomicU64,
}

impl Growth {
    /// A file that may have grown already, by whoever had it open before.
    pub fn new() -> Self {
        Self { done: AtomicU64::new(1), durable: AtomicU64::new(0) }
    }

    /// To be called after each write that makes the file grow, also after one that failed.
    pub fn note(&self) {
        self.done.fetch_add(1, Ordering::AcqRel);
    }

    /// To be called before a sync.
    pub fn mark(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    /// To be called after a sync that succeeded, with what was told before it.
    pub fn note_synced(&self, mark: u64) {
        self.durable.fetch_max(mark, Ordering::AcqRel);
    }

    /// Whether every sector that became the last is durable.
    pub fn is_durable(&self) -> bool {
        self.mark() <= self.durable.load(Ordering::Acquire)
    }
}
