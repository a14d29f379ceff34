//! What others may know of a change of keys that is at work.

use crate::service::protocol::RotationRow;
use crate::service::works::{Work, Works};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The work of one engine, when there is any.
#[derive(Default)]
pub struct State {
    now: Mutex<Option<RotationRow>>,
    rate: AtomicU64,
}

impl State {
    /// Notes that work begins, at so many bytes a second; it ends when the result is dropped.
    pub(super) fn begin<'s>(
        &'s self,
        works: &'s Works,
        row: RotationRow,
        rate: u64,
    ) -> Running<'s> {
        let work = works.begin();
        self.set_rate(rate);
        *self.lock() = Some(row);
        Running { state: self, _work: work }
    }

    /// Bytes a second at most, 0 for any number.
    pub(super) fn rate(&self) -> u64 {
        self.rate.load(SeqCst)
    }

    /// Has the work go on at another rate.
    pub(super) fn set_rate(&self, rate: u64) {
        self.rate.store(rate, SeqCst);
    }

    /// How far the work is, when there is any.
    pub fn running(&self) -> Option<RotationRow> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<RotationRow>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work that goes on.
pub(super) struct Running<'s> {
    state: &'s State,
    // Ends after it is told that there is none any more.
    _work: Work<'s>,
}

impl Running<'_> {
    /// Changes what is told of it, and tells how far it is.
    pub fn tell(&self, change: impl FnOnce(&mut RotationRow)) -> Option<RotationRow> {
        let mut now = self.state.lock();
        if let Some(row) = now.as_mut() {
            change(row);
        }
        now.clone()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.state.lock() = None;
    }
}
