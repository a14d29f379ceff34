//! What is seen of a process.

use super::{Flaw, Who, circumstances, mappings, who};
use crate::access::subject::Program;
use crate::access::walk::Mount;
use crate::sys::caller::{FileStat, Mapping, Process, Status};
use crate::sys::harden;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// A process as it was when it was looked at.
#[derive(Debug)]
pub struct Observed {
    pub(super) process: Process,
    pub(super) status: Status,
    pub(super) foreign_user_namespace: bool,
    pub(super) foreign_pid_namespace: bool,
    pub(super) foreign_root: bool,
    /// Its system calls are filtered, and the service's are not.
    pub(super) filtered: bool,
    root: (u64, u64),
    pub(super) tracer: Option<u32>,
    /// What is wrong with the encrypted tree as the process sees it.
    pub(super) tree: Option<Flaw>,
    pub(super) mappings: Vec<Mapped>,
    command_line: Vec<u8>,
    /// `NAME=VALUE`, each with a NUL behind it.
    pub(super) environment: Vec<u8>,
    pub(super) control_groups: Vec<u8>,
    /// When it started, in nanoseconds since 1970.
    pub(super) started_ns: i128,
    /// Whether a further exec would show.
    pub(in crate::access) randomised: bool,
}

/// Code that a process can run.
#[derive(Debug)]
pub(super) enum Mapped {
    /// Of a file, or what was made of it.
    File {
        path: PathBuf,
        stat: FileStat,
        /// Something was written over it in memory.
        changed: bool,
        /// Nobody but root can have written the file, and its filesystem tells the truth about that.
        vouched: bool,
    },
    /// Of none, or of one that is memory too.
    Anonymous,
}

/// What the service itself is, to compare with.
#[derive(Debug)]
pub struct Own {
    user_namespace: OsString,
    pid_namespace: OsString,
    root: (u64, u64),
    filtered: bool,
    /// The device of what is a file in name only.
    memory: u64,
    /// Whether the owners of some files are nobody that could be told here.
    in_user_namespace: bool,
}

impl Own {
    /// Reads it.
    ///
    /// # Errors
    /// When `/proc` is not there.
    pub fn read() -> io::Result<Self> {
        let process = Process::open(std::process::id())?;
        let (user_namespace, pid_namespace) = (process.user_namespace()?, process.pid_namespace()?);
        let (root, in_user_namespace) = (process.root()?, harden::in_user_namespace());
        let memory = FileStat::device_of_memory()?;
        let filtered = process.status()?.filtered;
        Ok(Self { user_namespace, pid_namespace, root, filtered, memory, in_user_namespace })
    }
}

impl Observed {
    /// Looks at the process of a thread.
    ///
    /// # Errors
    /// The kernel's, when it is gone or may not be looked at.
    pub(in crate::access) fn look(
        tid: u32,
        program: &Program,
        own: &Own,
        mount: &Mount,
    ) -> io::Result<Self> {
        let process = Process::open(tid)?;
        let status = process.status()?;
        let root = process.root()?;
        let mounts = process.mounts()?;
        let mut mappings = Vec::new();
        for mapping in process.executable_mappings()? {
            mappings.extend(mapped(&process, mapping, own, &mounts)?);
        }
        // Where nothing is mounted there is nothing to be hidden.
        let seen = mount.device.map(|_| circumstances::mounts(&process, &mounts, mount));
        Ok(Self {
            foreign_user_namespace: process.user_namespace()? != own.user_namespace,
            foreign_pid_namespace: process.pid_namespace()? != own.pid_namespace,
            foreign_root: root != own.root,
            filtered: status.filtered && !own.filtered,
            root,
            tracer: circumstances::tracer(&process, program.pid)?,
            tree: seen.and_then(Result::err).map(Flaw::from),
            mappings,
            command_line: process.command_line()?,
            environment: process.environment()?,
            control_groups: process.control_groups()?,
            started_ns: since_1970(program.start_time)?,
            randomised: process.is_randomised()?,
            status,
            process,
        })
    }

    /// This very process, as if it ran `program` and nothing else.
    #[cfg(test)]
    pub(in crate::access) fn like_own(program: &Program) -> io::Result<Self> {
        let mount = Mount { path: "/nowhere".into(), device: None };
        let mut observed = Self::look(std::process::id(), program, &Own::read()?, &mount)?;
        let mut stat = FileStat::of_directory(Path::new("/"))?;
        (stat.dev, stat.ino) = (program.identity.dev, program.identity.ino);
        observed.mappings =
            vec![Mapped::File { path: program.path.clone(), stat, changed: false, vouched: true }];
        Ok(observed)
    }

    /// Its arguments, the name that it was called by first.
    pub fn arguments(&self) -> Vec<&OsStr> {
        super::who::arguments(&self.command_line)
    }

    /// The command line as the kernel has it: each argument with a NUL behind it.
    pub fn command_line(&self) -> &[u8] {
        &self.command_line
    }

    /// Who that is, for people.
    pub fn who(&self, tid: u32, program: &Program) -> Who {
        let read = [&*self.command_line, &*self.control_groups, &*self.environment];
        Who::of((tid, program), &self.process, &self.status, read)
    }

    /// Whether its root directory is this one of ours.
    pub(super) fn has_root(&self, root: &Path) -> bool {
        FileStat::of_directory(root).is_ok_and(|stat| (stat.dev, stat.ino) == self.root)
    }
}

/// Most bytes that one piece of code may have.
const MOST_CODE: u64 = 1 << 30;

/// One that is gone meanwhile runs no code any more.
fn mapped(
    process: &Process,
    mapping: Mapping,
    own: &Own,
    mounts: &[u8],
) -> io::Result<Option<Mapped>> {
    let Some(path) = mapping.path.as_deref().map(|path| who::cut(path.as_os_str()).into()) else {
        return Ok((!mapping.kernels).then_some(Mapped::Anonymous));
    };
    match process.mapped_file(&mapping) {
        Ok(stat) if stat.dev == own.memory => Ok(Some(Mapped::Anonymous)),
        Ok(stat) => {
            // Nobody has so much code; and to look at it page by page takes as long as one likes.
            let huge = mapping.end.saturating_sub(mapping.start) > MOST_CODE;
            let changed = huge || process.is_changed(&mapping)?;
            let vouched = mappings::is_vouched(&stat, mounts, own.in_user_namespace);
            Ok(Some(Mapped::File { path, stat, changed, vouched }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Cut in two or grown meanwhile, it would be missed here.
            let again = process.executable_mappings()?;
            let overlaps = |other: &Mapping| other.start < mapping.end && mapping.start < other.end;
            if again.iter().any(overlaps) {
                Err(io::ErrorKind::Interrupted.into())
            } else {
                Ok(None)
            }
        }
        Err(error) => Err(error),
    }
}

/// A time in clock ticks since boot, as nanoseconds since 1970.
fn since_1970(ticks: u64) -> io::Result<i128> {
    use rustix::time::{ClockId, Timespec, clock_gettime};
    let nanoseconds =
        |time: Timespec| i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    let boot = nanoseconds(clock_gettime(ClockId::Realtime))
        - nanoseconds(clock_gettime(ClockId::Boottime));
    let a_second = i128::from(rustix::param::clock_ticks_per_second());
    Ok(boot + i128::from(ticks) * 1_000_000_000 / a_second)
}
