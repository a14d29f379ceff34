//! Who is asking: from the thread id of a request to the program that runs there.
//!
//! While the service handles a request its caller sleeps, so what is read here belongs to that
//! request. Everything that makes the answer uncertain is an error, and an error is a denial: no
//! thread id (a foreign pid namespace), a user namespace other than the service's (in which any
//! user can make `/proc/PID/exe` say anything), a thread that is gone. Knows no rules.

use super::bounded::Bounded;
use super::fingerprint::Identity;
use crate::sys::caller::{Glance, Process};
use std::ffi::{OsStr, OsString};
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
}

/// Why it is not known who asks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unknown {
    /// The request bears no thread id: it comes out of a foreign pid namespace.
    #[error("the caller is in a foreign pid namespace")]
    ForeignPidNamespace,
    /// Thread in a user namespace other than the service's.
    #[error("thread {tid} is in a foreign user namespace")]
    ForeignUserNamespace {
        /// The thread.
        tid: u32,
    },
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

    /// Opens the file of the program that `tid` runs, though it was deleted. Never called for a
    /// program on the service's own mount.
    ///
    /// # Errors
    /// Those of `open(2)`.
    fn open_program(&self, tid: u32) -> io::Result<File>;
}

/// Callers as `/proc` shows them; for threads seen before, three system calls.
pub struct ProcCallers {
    user_namespace: OsString,
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
    /// Threads remembered; each holds one file descriptor.
    pub const PINS: usize = 512;

    /// Callers relative to this process's own user namespace.
    ///
    /// # Errors
    /// When `/proc` is not there.
    pub fn new() -> io::Result<Self> {
        let user_namespace = Process::open(std::process::id())?.user_namespace()?;
        Ok(Self { user_namespace, pins: Mutex::new(Bounded::new(Self::PINS)) })
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
        let pid = process.process_id()?;
        let start_time =
            if pid == tid { process.start_time()? } else { Process::open(pid)?.start_time()? };
        let (path, deleted) = without_mark(&seen.link);
        let identity = seen.file.into();
        let program = Arc::new(Program { path: path.into(), deleted, identity, pid, start_time });
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
        if pin.seen.user_namespace != self.user_namespace {
            return Err(Unknown::ForeignUserNamespace { tid });
        }
        let program = Arc::clone(&pin.program);
        self.pins.lock().unwrap_or_else(PoisonError::into_inner).insert(tid, Arc::new(pin));
        Ok(program)
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
