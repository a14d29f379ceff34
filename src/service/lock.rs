//! One owner of a state directory at a time.

use super::Paths;
use super::failures::refused_at;
use super::protocol::{Failure, FailureKind};
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

/// The lock, held until dropped or the process ends.
pub struct StateLock(#[allow(dead_code)] File);

impl StateLock {
    /// As [`StateLock::take`], in a state directory that must be there.
    ///
    /// # Errors
    /// As [`StateLock::take`]; not running when there is no state directory.
    pub fn take_existing(paths: &Paths) -> Result<Self, Failure> {
        if !paths.keystore().exists() && !paths.state().is_dir() {
            let message = format!("there is no keystore in {}", paths.state().display());
            let failure = Failure::new(FailureKind::NotRunning, message);
            return Err(failure.hint("make one: ezncrypt init"));
        }
        Self::take(paths)
    }

    /// Takes the lock without waiting.
    ///
    /// # Errors
    /// Busy when a service or another command holds it; failed when the directory is not usable.
    pub fn take(paths: &Paths) -> Result<Self, Failure> {
        let path = paths.lock();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC).open(&path);
        let file = file.map_err(|error| refused_at(&path, "cannot open the lock", &error))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            let state = paths.state().display();
            Failure::new(FailureKind::Busy, format!("{state} is in use by another ezncrypt"))
                .hint("`ezncrypt status` tells whether a service runs; `ezncrypt stop` ends it")
        })?;
        Ok(Self(file))
    }
}
