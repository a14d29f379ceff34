//! Who asked, for people and logs.

use crate::access::redact::redact;
use crate::access::subject::Program;
use crate::sys::caller::{Process, Status};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
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
    /// `*`, and `...` stands for what would be too much.
    pub arguments: Vec<OsString>,
    /// The systemd unit that it is in.
    pub unit: Option<String>,
    /// Names of variables in its environment that a rule which binds the run would have to allow.
    pub variables: Vec<String>,
}

impl Who {
    /// Looks at a process that runs `program`.
    ///
    /// # Errors
    /// The kernel's, when it is gone or may not be looked at.
    pub(in crate::access) fn look(tid: u32, program: &Program) -> io::Result<Self> {
        let process = Process::open(tid)?;
        let (status, line) = (process.status()?, process.command_line()?);
        let (groups, environment) = (process.control_groups()?, process.environment()?);
        Ok(Self::of((tid, program), &process, &status, [&line, &groups, &environment]))
    }

    /// The same out of what was read already: status, command line, control groups, environment.
    pub(super) fn of(
        (tid, program): (u32, &Program),
        process: &Process,
        status: &Status,
        [line, control_groups, environment]: [&[u8]; 3],
    ) -> Self {
        Self {
            pid: program.pid,
            tid,
            exe: program.path.clone(),
            user: status.users[1],
            group: status.groups[1],
            login_user: process.login_user(),
            arguments: shown(&redact(&owned(line))),
            unit: super::unit::of(control_groups).map(str::to_owned),
            variables: super::environment::to_allow(environment),
        }
    }
}

/// The arguments of a command line, each of which has a NUL behind it.
pub(super) fn arguments(line: &[u8]) -> Vec<&OsStr> {
    let line = line.strip_suffix(b"\0").unwrap_or(line);
    line.split(|&byte| byte == 0).map(OsStr::from_bytes).collect()
}

fn owned(line: &[u8]) -> Vec<OsString> {
    arguments(line).into_iter().map(OsStr::to_owned).collect()
}

/// A word as far as it is remembered.
pub(super) fn cut(word: &OsStr) -> OsString {
    let bytes = word.as_bytes();
    OsStr::from_bytes(&bytes[..bytes.len().min(256)]).to_owned()
}

/// Most bytes of all arguments that are kept: they are remembered for thousands of processes.
const MOST: usize = 2048;

/// The arguments as they may be shown; where some are left out `...` stands, which means the same in a
/// rule.
fn shown(arguments: &[OsString]) -> Vec<OsString> {
    let mut room = MOST;
    let mut kept = Vec::new();
    for argument in arguments {
        let Some(left) = room.checked_sub(argument.len() + 1) else {
            kept.push("...".into());
            break;
        };
        room = left;
        kept.push(argument.clone());
    }
    kept
}
