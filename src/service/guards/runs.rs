//! Which processes declared that they run a server, and which command lines of a server were approved.
//!
//! A declaration lasts a short while and is for executing the server; an approved command line lasts
//! until the service ends and is for opening data. Neither is kept: after a restart of the service a
//! server must be started anew. Everything is bounded, so that no caller can make it grow without end.

use crate::access::{Bounded, Program};
use crate::sys::caller::Stamp;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a declaration holds.
const LASTING: Duration = Duration::from_secs(120);
/// Declarations remembered.
const DECLARATIONS: usize = 4096;
/// Command lines remembered for each server, the newest ones.
const COMMAND_LINES: usize = 4096;
/// Processes remembered whose command line was found to be approved.
const PROCESSES: usize = 4096;

/// A process, for as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProcessId {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
}

impl From<&Program> for ProcessId {
    fn from(program: &Program) -> Self {
        Self { pid: program.pid, start_time: program.start_time }
    }
}

/// SHA-256 of a command line.
pub type Run = [u8; 32];

/// Declarations and approvals.
pub struct Runs {
    declared: Mutex<Bounded<ProcessId, (PathBuf, Instant)>>,
    approved: Mutex<HashMap<PathBuf, Bounded<Run, ()>>>,
    /// By process number: what runs there, as it was when its command line was read.
    admitted: Mutex<Bounded<u32, (u64, u64, u64, Stamp)>>,
}

impl Default for Runs {
    fn default() -> Self {
        Self {
            declared: Mutex::new(Bounded::new(DECLARATIONS)),
            approved: Mutex::default(),
            admitted: Mutex::new(Bounded::new(PROCESSES)),
        }
    }
}

impl Runs {
    /// Notes that a process that runs `guard` declared itself.
    pub fn declare(&self, process: ProcessId, guard: &Path, now: Instant) {
        let mut declared = lock(&self.declared);
        // Put in anew, so that it is the youngest.
        declared.remove(&process);
        declared.insert(process, (guard.into(), now + LASTING));
    }

    /// Whether a process declared itself while it ran `guard`, not too long ago.
    pub fn has_declared(&self, process: ProcessId, guard: &Path, now: Instant) -> bool {
        let declared = lock(&self.declared);
        declared.get(&process).is_some_and(|(by, until)| by == guard && now < *until)
    }

    /// Approves a command line of the server at `server`, below the mount.
    pub fn approve(&self, server: &Path, run: Run) {
        let mut approved = lock(&self.approved);
        let runs = approved.entry(server.into()).or_insert_with(|| Bounded::new(COMMAND_LINES));
        runs.remove(&run);
        runs.insert(run, ());
    }

    /// Whether this command line of that server was approved.
    pub fn is_approved(&self, server: &Path, run: &Run) -> bool {
        lock(&self.approved).get(server).is_some_and(|runs| runs.get(run).is_some())
    }

    /// Remembers a process that runs an approved command line.
    pub fn admit(&self, program: &Program) {
        let mut admitted = lock(&self.admitted);
        admitted.remove(&program.pid);
        admitted.insert(program.pid, state_of(program));
    }

    /// Whether this process was admitted and has not executed anything since.
    pub fn is_admitted(&self, program: &Program) -> bool {
        lock(&self.admitted).get(&program.pid) == Some(&state_of(program))
    }

    /// Forgets that a process was admitted: it is about to execute something.
    pub fn forget(&self, pid: u32) {
        lock(&self.admitted).remove(&pid);
    }
}

fn state_of(program: &Program) -> (u64, u64, u64, Stamp) {
    (program.start_time, program.identity.dev, program.identity.ino, program.stamp)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
