//! The desk at which the threads that look take their work, and the thread that watches the time.

use super::Then;
use super::share::{Shares, Ticket};
use crate::access::{Caller, Reason};
use crate::fuse::{Gate, Sight};
use crate::sys::affinity;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Looks at the same time, those not counted whose request was answered late.
pub(super) const THREADS: usize = 32;
/// All threads that look, with those that hang.
pub(super) const ALL: usize = 256;
/// How long a thread waits for more to do.
const IDLE: Duration = Duration::from_secs(10);

/// What lies on the desk.
pub(super) struct Desk {
    gate: Arc<dyn Gate>,
    limit: Duration,
    state: Mutex<State>,
    /// There is something to look at.
    work: Condvar,
    /// There is something to watch.
    alarm: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    shares: Shares,
    /// All that is not answered yet. Whoever takes it out answers. In the order of their tickets they
    /// become late, too.
    open: BTreeMap<Ticket, Request>,
    next: Ticket,
    /// All threads that look.
    pub threads: usize,
    /// Of these, the ones whose request was answered late.
    pub late: usize,
    idle: usize,
    watched: bool,
    closed: bool,
}

struct Request {
    deadline: Instant,
    caller: Caller,
    then: Then,
    at_work: bool,
}

impl Desk {
    pub fn new(gate: Arc<dyn Gate>, limit: Duration) -> Self {
        let (state, work, alarm) = (Mutex::default(), Condvar::new(), Condvar::new());
        Self { gate, limit, state, work, alarm }
    }

    /// Puts one more request on the desk.
    pub fn put(self: &Arc<Self>, caller: Caller, then: Then) {
        let mut state = self.state();
        state.watched = state.watched || self.spawn("look-watch", Self::watch);
        // There can be no thread, or this one user keeps too many waiting: better refused than never answered.
        if !state.watched || state.shares.is_crowded(caller.uid) {
            drop(state);
            return answer(then, Sight::Unknown(Reason::TooSlow));
        }
        let ticket = state.next;
        state.next += 1;
        let deadline = Instant::now() + self.limit;
        state.open.insert(ticket, Request { deadline, caller, then, at_work: false });
        if state.open.len() == 1 {
            self.alarm.notify_one();
        }
        state.shares.put(caller.uid, ticket);
        self.rouse(&mut state);
    }

    /// Lets the threads end when all is answered.
    pub fn close(&self) {
        self.state().closed = true;
        self.work.notify_all();
        self.alarm.notify_all();
    }

    /// Answers what should have been answered by `now`. A thread that looks at it still is replaced.
    pub fn answer_late(self: &Arc<Self>, now: Instant) {
        while let Some(then) = self.overdue(now) {
            answer(then, Sight::Unknown(Reason::TooSlow));
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that a thread takes what can be taken. It will rouse the next one, if there is more.
    fn rouse(self: &Arc<Self>, state: &mut State) {
        if state.shares.next().is_none() {
            return;
        }
        if state.idle > 0 {
            self.work.notify_one();
        } else if state.counting() < THREADS
            && state.threads < ALL
            && self.spawn("look", Self::work)
        {
            state.threads += 1;
        }
    }

    fn spawn(self: &Arc<Self>, name: &str, run: fn(&Arc<Self>)) -> bool {
        let desk = self.clone();
        let start = move || {
            affinity::release();
            run(&desk);
        };
        thread::Builder::new().name(name.into()).spawn(start).is_ok()
    }

    /// A thread that looks: until there was nothing to do for a while.
    fn work(self: &Arc<Self>) {
        let _thread = Leaving(self, |state| state.threads -= 1);
        while let Some((ticket, caller)) = self.take() {
            let looked = catch_unwind(AssertUnwindSafe(|| self.gate.look(caller)));
            let sight = looked.unwrap_or(Sight::Unknown(Reason::UnknownCaller));
            if let Some(then) = self.looked(ticket, caller) {
                answer(then, sight);
            }
        }
    }

    /// The next one to look at; none when the thread is not needed any more.
    fn take(self: &Arc<Self>) -> Option<(Ticket, Caller)> {
        let mut state = self.state();
        let mut waited_enough = false;
        // A thread that was replaced may be one too many when it comes back.
        while state.counting() <= THREADS {
            if let Some(taken) = state.take() {
                self.rouse(&mut state);
                return Some(taken);
            }
            if waited_enough || state.closed {
                break;
            }
            state.idle += 1;
            let waited = self.work.wait_timeout(state, IDLE);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            waited_enough = timeout.timed_out();
        }
        None
    }

    /// Ends a look: what to do with what was seen, unless the request was answered late.
    fn looked(self: &Arc<Self>, ticket: Ticket, caller: Caller) -> Option<Then> {
        let mut state = self.state();
        let request = state.open.remove(&ticket);
        if request.is_none() {
            state.late -= 1;
        }
        state.shares.over(caller.uid, request.is_none());
        if state.closed && state.open.is_empty() {
            self.alarm.notify_one();
        }
        self.rouse(&mut state);
        request.map(|request| request.then)
    }

    /// The thread that answers what takes too long.
    fn watch(self: &Arc<Self>) {
        let _thread = Leaving(self, |state| state.watched = false);
        while let Some(now) = self.next_alarm() {
            self.answer_late(now);
        }
    }

    /// Waits until something is late; none when nothing will be.
    fn next_alarm(&self) -> Option<Instant> {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let first = state.open.first_key_value();
            state = match first.map(|(_, request)| request.deadline) {
                Some(deadline) if deadline <= now => return Some(now),
                Some(deadline) => {
                    let waited = self.alarm.wait_timeout(state, deadline - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None if state.closed => return None,
                None => self.alarm.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn overdue(self: &Arc<Self>, now: Instant) -> Option<Then> {
        let mut state = self.state();
        let first = state.open.first_entry().filter(|first| first.get().deadline <= now)?;
        let request = first.remove();
        if request.at_work {
            state.late += 1;
            state.shares.late(request.caller.uid);
        } else {
            state.shares.passed_over(request.caller.uid);
        }
        self.rouse(&mut state);
        Some(request.then)
    }
}

impl State {
    /// The threads that are waited for.
    fn counting(&self) -> usize {
        self.threads - self.late
    }

    fn take(&mut self) -> Option<(Ticket, Caller)> {
        let ticket = self.shares.take()?;
        let request = self.open.get_mut(&ticket)?;
        request.at_work = true;
        Some((ticket, request.caller))
    }
}

/// A thread that counts itself off, however it ends.
struct Leaving<'a>(&'a Arc<Desk>, fn(&mut State));

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        (self.1)(&mut state);
        // What came since it last looked counted on it.
        self.0.rouse(&mut state);
    }
}

/// A panic costs the one request: what answers it is dropped, and answers so.
fn answer(then: Then, sight: Sight) {
    let _ = catch_unwind(AssertUnwindSafe(|| then(sight)));
}
