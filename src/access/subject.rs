//! Who is asking: from the thread id of a request to the program that runs there.
//!
//! While the service handles a request its caller sleeps, so what is read here belongs to that
//! request. Everything that makes the answer uncertain is an error, and an error is a denial: no
//! thread id (a foreign pid namespace), a thread that is gone. How the program runs is looked at
//! once ([`Callers::observe`]) and not remembered here. Knows no rules.

use super::bounded::Bounded;
use super::fingerprint::Identity;
use super::run::{Observed, Own, Who};
use super::walk::Mount;
use crate::sys::caller::{Glance, Process, Stamp};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A running program.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Program {
    /// Its path as the kernel prints it, without the mark of a deleted file.
    pub path: PathBuf,
    /// Whether the kernel marks it ` (deleted)`. A live file whose name ends so counts as deleted.
    pub deleted: bool,
    /// Its file.
    pub identity: Identity,
    /// Process id (thread group).
    pub pid: u32,
    /// When the process started, in clock ticks since boot: tells two users of one pid apart.
    pub start_time: u64,
    /// Tells what one process executed from what it executes later.
    pub stamp: Stamp,
}

/// Why it is not known who asks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unknown {
    /// The request bears no thread id: it comes out of a foreign pid namespace.
    #[error("the caller is in a foreign pid namespace")]
    ForeignPidNamespace,
    /// The thread is gone, is the kernel's own, or cannot be looked at.
    #[error("thread {tid} cannot be looked at: {source}")]
    Unreadable {
        /// The thread.
        tid: u32,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Tells who asks. The real one is [`ProcCallers`].
pub trait Callers: Send + Sync {
    /// The program that thread `tid` runs now.
    ///
    /// # Errors
    /// [`Unknown`], which means to deny.
    fn program(&self, tid: u32) -> Result<Arc<Program>, Unknown>;

    /// How the program runs. May wait for the memory of the process, and so for requests of it that
    /// are being answered.
    ///
    /// # Errors
    /// The kernel's, which means to deny.
    fn observe(&self, tid: u32, program: &Program, mount: &Mount) -> io::Result<Observed>;

    /// Who the process is, for people, where nothing else is wanted of it. May wait as
    /// [`Callers::observe`] does.
    ///
    /// # Errors
    /// The kernel's.
    fn who(&self, tid: u32, program: &Program) -> io::Result<Who>;

    /// The parent of a process; 0 for none that can be told.
    ///
    /// # Errors
    /// The kernel's.
    fn parent(&self, pid: u32) -> io::Result<u32>;

    /// Opens the file of the program that `tid` runs, though it was deleted. Never called for a
    /// program on the service's own mount.
    ///
    /// # Errors
    /// Those of `open(2)`.
    fn open_program(&self, tid: u32) -> io::Result<File>;
}

/// Callers as `/proc` shows them; for threads seen before, three system calls.
pub struct ProcCallers {
    own: Own,
    pins: Mutex<Bounded<u32, Arc<Pin>>>,
}

/// A thread seen before. Its directory in `/proc` outlives neither the thread nor a reuse of its
/// number, and the glance is compared each time: so neither an exec nor another thread passes.
struct Pin {
    process: Process,
    seen: Glance,
    program: Arc<Program>,
}

impl ProcCallers {
    /// Threads remembered; each holds two file descriptors.
    pub const PINS: usize = 1024;

    /// Callers relative to this process's own namespaces and root directory.
    ///
    /// # Errors
    /// When `/proc` is not there.
    pub fn new() -> io::Result<Self> {
        Ok(Self { own: Own::read()?, pins: Mutex::new(Bounded::new(Self::PINS)) })
    }

    fn pinned(&self, tid: u32) -> Option<Arc<Program>> {
        let pin = {
            let pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(pins.get(&tid)?)
        };
        let now = pin.process.glance().ok()?;
        (now == pin.seen).then(|| Arc::clone(&pin.program))
    }

    fn look(&self, tid: u32) -> io::Result<Pin> {
        let process = Process::open(tid)?;
        let seen = process.glance()?;
        let pid = process.status()?.process;
        let start_time =
            if pid == tid { process.start_time()? } else { Process::open(pid)?.start_time()? };
        let link = process.program_path()?;
        let (path, deleted) = without_mark(&link);
        let (path, identity, stamp) = (path.into(), seen.file.into(), seen.stamp);
        let program = Program { path, deleted, identity, pid, start_time, stamp };
        let program = Arc::new(program);
        Ok(Pin { process, seen, program })
    }
}

impl Callers for ProcCallers {
    fn program(&self, tid: u32) -> Result<Arc<Program>, Unknown> {
        if tid == 0 {
            return Err(Unknown::ForeignPidNamespace);
        }
        if let Some(program) = self.pinned(tid) {
            return Ok(program);
        }
        let pin = self.look(tid).map_err(|source| Unknown::Unreadable { tid, source })?;
        let program = Arc::clone(&pin.program);
        self.pins.lock().unwrap_or_else(PoisonError::into_inner).insert(tid, Arc::new(pin));
        Ok(program)
    }

    fn observe(&self, tid: u32, program: &Program, mount: &Mount) -> io::Result<Observed> {
        let observed = Observed::look(tid, program, &self.own, mount)?;
        // What was read belongs to this program only if the process runs it still.
        match self.program(tid) {
            Ok(now) if *now == *program => Ok(observed),
            _ => Err(io::ErrorKind::Interrupted.into()),
        }
    }

    fn who(&self, tid: u32, program: &Program) -> io::Result<Who> {
        Who::look(tid, program)
    }

    fn parent(&self, pid: u32) -> io::Result<u32> {
        Ok(Process::open(pid)?.status()?.parent)
    }

    fn open_program(&self, tid: u32) -> io::Result<File> {
        Process::open(tid)?.open_program()
    }
}

fn without_mark(link: &Path) -> (&Path, bool) {
    match link.as_os_str().as_bytes().strip_suffix(b" (deleted)") {
        Some(path) => (Path::new(OsStr::from_bytes(path)), true),
        None => (link, false),
    }
}

#[cfg(test)]
#[path = "subject_tests.rs"]
mod tests;
