//! A gate whose looks do what a test tells them to.

use super::{Access, Gate, Refusal, Sight};
use crate::access::{Caller, Looked, Reason};
use crate::sys::declare::LEN;
use crate::volume::Place;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

/// A look at this thread goes on until it is released.
pub(super) const HANGS: u32 = 1;
/// A look at this thread panics.
pub(super) const PANICS: u32 = 13;

/// No test takes so long.
pub(super) const LONG: Duration = Duration::from_secs(3600);

/// Whoever is looked at is seen to be in a foreign namespace.
struct Told {
    hand: RwLock<()>,
    began: Sender<u32>,
    released: Mutex<usize>,
    changed: Condvar,
}

/// The gate, and what goes on at it. Releases all that hangs at the end.
pub(super) struct Stage {
    gate: Arc<Told>,
    begun: Receiver<u32>,
}

impl Stage {
    pub fn new() -> Self {
        let (began, begun) = channel();
        let (hand, released, changed) = (RwLock::new(()), Mutex::new(0), Condvar::new());
        Self { gate: Arc::new(Told { hand, began, released, changed }), begun }
    }

    pub fn gate(&self) -> Arc<dyn Gate> {
        self.gate.clone()
    }

    /// Waits until the next look begins, and says at whom.
    pub fn looked_at(&self) -> u32 {
        self.begun.recv().unwrap()
    }

    /// Lets so many looks that hang end, those that are yet to begin too.
    pub fn release(&self, looks: usize) {
        *self.gate.released.lock().unwrap() += looks;
        self.gate.changed.notify_all();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.release(usize::MAX / 2);
    }
}

impl Gate for Told {
    fn requests_in_hand(&self) -> &RwLock<()> {
        &self.hand
    }

    fn recall(&self, _: Caller) -> Option<Arc<Looked>> {
        None
    }

    fn look(&self, caller: Caller) -> Sight {
        let _ = self.began.send(caller.tid);
        assert_ne!(caller.tid, PANICS, "as it was told");
        if caller.tid == HANGS {
            let released = self.released.lock().unwrap();
            let mut released =
                self.changed.wait_while(released, |released| *released == 0).unwrap();
            *released -= 1;
        }
        Sight::Unknown(Reason::ForeignNamespace)
    }

    fn permit(&self, _: Caller, _: &Sight, _: Access, _: &[Place]) -> Result<(), Refusal> {
        Err(Refusal::Denied)
    }

    fn declare(&self, _: Caller, _: &Sight, _: &Place, _: &[u8; LEN]) -> Result<(), Refusal> {
        Err(Refusal::Denied)
    }
}

/// Waits until something is so that other threads bring about.
pub(super) fn eventually(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never came about");
        thread::sleep(Duration::from_millis(1));
    }
}
