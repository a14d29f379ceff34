//! Looking at callers, on threads that no other request waits for.
//!
//! What is read of a process may wait for its memory, and that for a page which another thread of the
//! process is reading through the mount. So a request whose caller is not known yet is put aside, and
//! the threads that answer the kernel go on. A look has a time limit; when it has passed the request
//! is answered without it, which is a denial.

use super::gate::{Gate, Sight};
use crate::access::{Caller, Reason};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a look may take: a large program is read and hashed at its first use.
const LIMIT: Duration = Duration::from_secs(10);
/// Looks at the same time. More is of no use, unless some of them hang.
const THREADS: usize = 32;
/// How long a thread waits for more to do.
const IDLE: Duration = Duration::from_secs(10);

/// What is to be done with what was seen.
pub(super) type Then = Box<dyn FnOnce(Sight) + Send>;

/// The threads that look.
pub(super) struct Looking {
    desk: Arc<Desk>,
}

/// What lies on the desk.
struct Desk {
    gate: Arc<dyn Gate>,
    limit: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// All that was asked for and may not be answered yet, by the time that remains.
    open: VecDeque<(Instant, Slot)>,
    threads: usize,
    idle: usize,
    watched: bool,
}

struct Job {
    caller: Caller,
    slot: Slot,
}

/// Whoever takes it out answers.
type Slot = Arc<Mutex<Option<Then>>>;

impl Looking {
    /// Threads, started when there is something to look at, that look through `gate`.
    pub fn new(gate: Arc<dyn Gate>) -> Self {
        Self::with_limit(gate, LIMIT)
    }

    fn with_limit(gate: Arc<dyn Gate>, limit: Duration) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self { desk: Arc::new(Desk { gate, limit, state, changed }) }
    }

    /// Looks at a caller, and lets `then` go on with what was seen, on another thread.
    pub fn look(&self, caller: Caller, then: Then) {
        let slot = Arc::new(Mutex::new(Some(then)));
        let mut state = self.desk.state();
        while state.open.front().is_some_and(|(_, slot)| lock(slot).is_none()) {
            state.open.pop_front();
        }
        state.open.push_back((Instant::now() + self.desk.limit, slot.clone()));
        state.jobs.push_back(Job { caller, slot: slot.clone() });
        let more = state.jobs.len() > state.idle && state.threads < THREADS;
        if more && self.spawn("look", Desk::work) {
            state.threads += 1;
        }
        state.watched = state.watched || self.spawn("look-watch", Desk::watch);
        let hopeless = state.threads == 0 || !state.watched;
        drop(state);
        self.desk.changed.notify_all();
        if hopeless {
            // There can be no thread: better refused than never answered.
            finish(&slot, Sight::Unknown(Reason::TooSlow));
        }
    }

    fn spawn(&self, name: &str, run: fn(&Desk)) -> bool {
        let desk = self.desk.clone();
        thread::Builder::new().name(name.into()).spawn(move || run(&desk)).is_ok()
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// A thread that looks: until there was nothing to do for a while.
    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                let sight = self.gate.look(job.caller);
                finish(&job.slot, sight);
                state = self.state();
                continue;
            }
            state.idle += 1;
            let waited = self.changed.wait_timeout(state, IDLE);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    /// The thread that answers what takes too long.
    fn watch(&self) {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let next = state.open.front().map(|(deadline, _)| *deadline);
            let Some(deadline) = next else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if deadline > now {
                let waited = self.changed.wait_timeout(state, deadline - now);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let late = state.open.pop_front();
            drop(state);
            if let Some((_, slot)) = late {
                finish(&slot, Sight::Unknown(Reason::TooSlow));
            }
            state = self.state();
        }
    }
}

fn finish(slot: &Slot, sight: Sight) {
    let then = lock(slot).take();
    if let Some(then) = then {
        then(sight);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "looking_tests.rs"]
mod tests;
