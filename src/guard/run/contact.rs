//! Finding the service that knows this guard, and speaking to it.
//!
//! No configuration names the service: every mount of an ezncrypt service that this process sees and
//! that root made is asked, if root answers there. What is told here gives no rights: a server that is
//! started under another policy than the service's own gets no data.

use crate::service::frame;
use crate::service::guards::wire::{Answer, Ask, Report};
use crate::service::paths::{DEFAULT_STATE_DIR, Paths};
use crate::service::protocol::{Failure, FailureKind};
use crate::sys::mountinfo;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::ffi::OsStr;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the service may take for one answer: it may have to hash the server.
const PATIENCE: Duration = Duration::from_secs(30);

/// The service that knows this guard. Each thing said has a connection of its own, so that none is
/// held while the server is asked.
pub struct Contact {
    state: PathBuf,
}

impl Contact {
    /// Finds the service and gets the text of the briefing for a guard called by `name`.
    ///
    /// # Errors
    /// [`FailureKind::NotRunning`] when no service answers, [`FailureKind::Denied`] when none knows
    /// this guard, else the service's own.
    pub fn find(name: &OsStr) -> Result<(Self, String), Failure> {
        let (mut heard, mut failed) = (false, None);
        for state in states() {
            let contact = Self { state };
            match contact.say(&Ask::Brief { name: name.to_owned() }) {
                Ok(Answer::Briefing(text)) => return Ok((contact, text)),
                // That of the service whose guard this is, unless a later one knows more.
                Ok(Answer::Failed(failure)) => failed = failed.or(Some(failure)),
                Ok(Answer::NotMine | Answer::Noted) => heard = true,
                // None runs there, or it is just ending.
                Err(_) => {}
            }
        }
        Err(failed.unwrap_or_else(|| if heard { unknown(name) } else { no_service() }))
    }

    /// Makes a hint name this very instance.
    pub fn name_instance(&self, failure: &mut Failure) {
        if self.state != Path::new(DEFAULT_STATE_DIR)
            && let Some(hint) = &mut failure.hint
        {
            let named = format!("ezncrypt --state-dir {} guard ", self.state.display());
            *hint = hint.replace("ezncrypt guard ", &named);
        }
    }

    /// Has a refused run written to the log; what keeps it from being written keeps nothing else.
    pub fn refused(&self, report: Report) {
        let _ = self.say(&Ask::Refused(Box::new(report)));
    }

    /// Has a run written to the log.
    ///
    /// # Errors
    /// [`FailureKind::NotRunning`] when the service does not take it.
    pub fn starting(&self, report: Report) -> Result<(), Failure> {
        match self.say(&Ask::Starting(Box::new(report))) {
            Ok(Answer::Noted) => Ok(()),
            Ok(Answer::Failed(failure)) => Err(failure),
            Ok(_) | Err(_) => Err(no_service()),
        }
    }

    fn say(&self, ask: &Ask) -> Result<Answer, frame::Error> {
        let mut stream = UnixStream::connect(Paths::new(&self.state).guard_socket())?;
        if getsockopt(&stream, PeerCredentials).map_err(io::Error::from)?.uid() != 0 {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied).into());
        }
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        frame::write(&mut stream, ask)?;
        frame::read(&mut stream)
    }
}

/// The state directories that may be a service's: the usual one, and those of the mounts that this
/// process sees.
fn states() -> Vec<PathBuf> {
    let mut states = vec![PathBuf::from(DEFAULT_STATE_DIR)];
    let mounts = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    for state in mounts.split(|&byte| byte == b'\n').filter_map(state_of) {
        if !states.contains(&state) {
            states.push(state);
        }
    }
    states
}

/// The state directory whose mount a line of `/proc/self/mountinfo` tells of.
fn state_of(line: &[u8]) -> Option<PathBuf> {
    let fields: Vec<_> = line.split(|&byte| byte == b' ').collect();
    let end = fields.iter().position(|field| *field == b"-")?;
    let is_roots = fields.get(end + 3)?.split(|&byte| byte == b',').any(|o| o == b"user_id=0");
    if *fields.get(end + 1)? != b"fuse.ezncrypt" || !is_roots {
        return None;
    }
    let point = mountinfo::path(fields.get(4)?)?;
    (point.file_name() == Some(OsStr::new("ezncrypted")))
        .then(|| point.parent().map(Path::to_owned))?
}

fn no_service() -> Failure {
    let message = "permission denied: no ezncrypt service runs that could allow this server";
    Failure::new(FailureKind::NotRunning, message).hint("start it first: ezncrypt start")
}

fn unknown(name: &OsStr) -> Failure {
    let own = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    let message = format!(
        "permission denied: no guard is registered at {} (called as {})",
        own.display(),
        Path::new(name).display()
    );
    Failure::new(FailureKind::Denied, message)
        .hint("ezncrypt guard install PATH puts a guard before the server at PATH; the commands are called ezncrypt and ezncrypt-access-control")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_directory_is_the_one_that_the_mount_lies_in() {
        let line = b"36 35 0:44 / /a\\040b/state/ezncrypted rw,nosuid - fuse.ezncrypt ezncrypt rw,user_id=0";
        assert_eq!(state_of(line), Some("/a b/state".into()));
        let tagged = b"36 35 0:44 / /s/ezncrypted rw shared:7 master:1 - fuse.ezncrypt ezncrypt rw,user_id=0";
        assert_eq!(state_of(tagged), Some("/s".into()));
    }

    #[test]
    fn other_mounts_and_torn_lines_name_no_state_directory() {
        for line in [
            &b"36 35 0:44 / /s/ezncrypted rw - fuse.other other rw"[..],
            b"36 35 0:44 / /s/other rw - fuse.ezncrypt ezncrypt rw,user_id=0",
            b"36 35 0:44 / /s/ezncrypted rw - fuse.ezncrypt ezncrypt rw,user_id=1000",
            b"36 35 0:44 / - fuse.ezncrypt",
            b"",
        ] {
            assert_eq!(state_of(line), None);
        }
    }
}
