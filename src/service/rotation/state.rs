//! What others may know of a change of keys that is at work, and how it is stopped.

use crate::service::protocol::RotationRow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the end of a service waits for the work to stop; what is then left undone is taken up later.
const PATIENCE: Duration = Duration::from_secs(30);

/// The work of one engine, when there is any.
#[derive(Default)]
pub struct State {
    now: Mutex<Option<RotationRow>>,
    rate: AtomicU64,
    ended: Condvar,
    stopping: AtomicBool,
}

impl State {
    /// Notes that work begins, at so many bytes a second; it ends when the result is dropped.
    pub(super) fn begin(&self, row: RotationRow, rate: u64) -> Running<'_> {
        self.set_rate(rate);
        *self.lock() = Some(row);
        Running(self)
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

    /// Stops the work for good, and waits until it has stopped.
    pub fn stop(&self) {
        self.stopping.store(true, SeqCst);
        let waited = self.ended.wait_timeout_while(self.lock(), PATIENCE, |now| now.is_some());
        drop(waited);
    }

    /// Whether the work is to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Option<RotationRow>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work that goes on.
pub(super) struct Running<'s>(&'s State);

impl Running<'_> {
    /// Changes what is told of it, and tells how far it is.
    pub fn tell(&self, change: impl FnOnce(&mut RotationRow)) -> Option<RotationRow> {
        let mut now = self.0.lock();
        if let Some(row) = now.as_mut() {
            change(row);
        }
        now.clone()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
        self.0.ended.notify_all();
    }
}
