//! Who asked, for people and logs.

use crate::access::subject::Program;
use crate::sys::caller::{Process, Status};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// A process as it is told to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Process id.
    pub pid: u32,
    /// The thread that asked.
    pub tid: u32,
    /// Its executable, as the kernel prints it.
    pub exe: PathBuf,
    /// Effective user id.
    pub user: u32,
    /// Effective group id.
    pub group: u32,
    /// Who logged in, before any `su` or `sudo`; none when nobody did.
    pub login_user: Option<u32>,
    /// Its arguments, the name that it was called by first. Passwords among them are replaced by a
    /// `*`, and long ones are cut.
    pub arguments: Vec<OsString>,
    /// The systemd unit that it is in.
    pub unit: Option<String>,
}

impl Who {
    /// Looks at a process that runs `program`.
    ///
    /// # Errors
    /// The kernel's, when it is gone or may not be looked at.
    pub(in crate::access) fn look(tid: u32, program: &Program) -> io::Result<Self> {
        let process = Process::open(tid)?;
        let (status, line) = (process.status()?, process.command_line()?);
        Ok(Self::of((tid, program), &process, &status, (&line, &process.control_groups()?)))
    }

    /// The same out of what was read already: status, command line and control groups.
    pub(super) fn of(
        (tid, program): (u32, &Program),
        process: &Process,
        status: &Status,
        (line, control_groups): (&[u8], &[u8]),
    ) -> Self {
        Self {
            pid: program.pid,
            tid,
            exe: program.path.clone(),
            user: status.users[1],
            group: status.groups[1],
            login_user: process.login_user(),
            arguments: shown(&arguments(line)),
            unit: super::unit::of(control_groups).map(str::to_owned),
        }
    }
}

/// The arguments of a command line, each of which has a NUL behind it.
pub(super) fn arguments(line: &[u8]) -> Vec<&OsStr> {
    let line = line.strip_suffix(b"\0").unwrap_or(line);
    line.split(|&byte| byte == 0).map(OsStr::from_bytes).collect()
}

/// Most arguments kept, and most bytes of each.
const MOST: (usize, usize) = (64, 1024);

/// The arguments as they may be shown.
fn shown(arguments: &[&OsStr]) -> Vec<OsString> {
    let cut = |argument: &&OsStr| {
        let bytes = argument.as_bytes();
        OsString::from_vec(bytes[..bytes.len().min(MOST.1)].to_vec())
    };
    arguments.iter().take(MOST.0).map(cut).collect()
}
