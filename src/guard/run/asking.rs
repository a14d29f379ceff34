//! Running the server to ask it about itself: without input, in a given environment, for a bounded
//! time. It has no access to the data then: the service gives that to approved runs only.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long the server may take to tell about itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most that is read of what it says, in bytes.
const MOST: u64 = 16 << 20;

/// What the server said.
pub struct Told {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub output: Vec<u8>,
    /// Its standard error.
    pub errors: Vec<u8>,
}

/// Runs `server`, called `name`, and returns what it said.
///
/// # Errors
/// Those of starting it, and [`io::ErrorKind::TimedOut`].
pub fn ask(
    server: &Path,
    name: &OsStr,
    arguments: &[OsString],
    variables: &[(OsString, OsString)],
) -> io::Result<Told> {
    let (mut output, mut errors) = (memory("output")?, memory("errors")?);
    let mut child = command(server, name, arguments, variables)
        .stdout(output.try_clone()?)
        .stderr(errors.try_clone()?)
        .spawn()?;
    let status = finish(&mut child)?;
    Ok(Told { status, output: contents(&mut output)?, errors: contents(&mut errors)? })
}

/// Runs `server` for the user, who sees what it prints.
///
/// # Errors
/// As [`ask`].
pub fn show(
    server: &Path,
    name: &OsStr,
    arguments: &[OsString],
    variables: &[(OsString, OsString)],
) -> io::Result<ExitStatus> {
    finish(&mut command(server, name, arguments, variables).spawn()?)
}

fn command(
    server: &Path,
    name: &OsStr,
    arguments: &[OsString],
    variables: &[(OsString, OsString)],
) -> Command {
    let mut command = Command::new(server);
    command.arg0(name).args(arguments).env_clear().stdin(Stdio::null());
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command
}

fn memory(name: &str) -> io::Result<File> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}

fn contents(file: &mut File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn finish(child: &mut Child) -> io::Result<ExitStatus> {
    if !ended_in_time(child)? {
        let _ = child.kill();
        let _ = child.wait();
        return Err(io::ErrorKind::TimedOut.into());
    }
    child.wait()
}

fn ended_in_time(child: &Child) -> io::Result<bool> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let handle = pidfd_open(pid.ok_or(io::ErrorKind::InvalidInput)?, PidfdFlags::empty())?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let limit = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&limit)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
