//! Going to the background.

use nix::fcntl::OFlag;
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe2, setsid};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

/// Where the background process tells the one that waits how it went.
pub struct Ready(File);

/// What a process is told by another one that it forks, and where that one tells it.
///
/// # Errors
/// The kernel's.
pub fn line() -> io::Result<(File, Ready)> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    Ok((read.into(), Ready(write.into())))
}

impl Ready {
    /// Sends the message and lets the waiting process go on.
    pub fn tell(mut self, message: &[u8]) {
        // Nobody reads when the one that waited was killed; the service goes on all the same.
        let _ = self.0.write_all(message);
    }
}

/// Which side of the fork this is.
pub enum Side {
    /// The process that was started: the other side's message, empty if it died without one.
    Foreground(Vec<u8>),
    /// The new process, in a session of its own, with its standard streams at `/dev/null`.
    Background(Ready),
}

/// Splits off a background process. The foreground side returns when it has got a message.
///
/// Call it before any thread is started and before any key is in memory.
///
/// # Errors
/// The kernel's.
pub fn split() -> io::Result<Side> {
    let (mut read, ready) = line()?;
    // SAFETY: no thread has been started yet (the callers' promise), so the child may go on using
    // everything it inherits.
    match unsafe { fork() }? {
        ForkResult::Parent { .. } => {
            drop(ready);
            let mut message = Vec::new();
            read.read_to_end(&mut message)?;
            Ok(Side::Foreground(message))
        }
        ForkResult::Child => {
            drop(read);
            setsid()?;
            std::env::set_current_dir("/")?;
            let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
            dup2_stdin(&null)?;
            dup2_stdout(&null)?;
            dup2_stderr(&null)?;
            Ok(Side::Background(ready))
        }
    }
}
