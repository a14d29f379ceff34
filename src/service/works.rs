//! Long work that the end of a service stops and waits for.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the end of a service waits for work to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// The works of one engine that are going on.
#[derive(Default)]
pub struct Works {
    going_on: Mutex<usize>,
    ended: Condvar,
    stopping: AtomicBool,
}

impl Works {
    /// Notes that work begins; it ends when the result is dropped.
    pub fn begin(&self) -> Work<'_> {
        *self.lock() += 1;
        Work(self)
    }

    /// Whether any goes on.
    pub fn go_on(&self) -> bool {
        *self.lock() > 0
    }

    /// Stops all works for good, and waits until they have stopped. What is then left undone is no loss.
    pub fn stop(&self) {
        self.stopping.store(true, SeqCst);
        let waited = self.ended.wait_timeout_while(self.lock(), PATIENCE, |count| *count > 0);
        drop(waited);
    }

    /// Whether work is to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.going_on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work that goes on.
pub struct Work<'w>(&'w Works);

impl Drop for Work<'_> {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
        self.0.ended.notify_all();
    }
}
