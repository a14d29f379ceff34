//! One owner of a state directory at a time.

use super::Paths;
use super::failures::refused_at;
use super::protocol::{Failure, FailureKind};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

/// How often it is looked again whether the lock is free, and how long lies between: whoever only looks
/// ([`is_held`]) has it for a moment.
const LOOKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(10);

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
        lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            let state = paths.state().display();
            Failure::new(FailureKind::Busy, format!("{state} is in use by another ezncrypt"))
                .hint("`ezncrypt status` tells whether a service runs; `ezncrypt stop` ends it")
        })?;
        Ok(Self(file))
    }
}

/// Whether a service or another command is at work in the state directory, as far as whoever asks may see.
pub fn is_held(paths: &Paths) -> bool {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    let Ok(file) = options.open(paths.lock()) else { return false };
    flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
}

fn lock(file: &File, how: FlockOperation) -> Result<(), Errno> {
    for _ in 1..LOOKS {
        match flock(file, how) {
            Err(Errno::WOULDBLOCK) => std::thread::sleep(BETWEEN),
            other => return other,
        }
    }
    flock(file, how)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_seen_who_holds_it_and_looking_keeps_nobody_from_it() {
        let state = tempfile::tempdir().unwrap();
        let paths = Paths::new(state.path());
        assert!(!is_held(&paths));
        let held = StateLock::take(&paths).unwrap();
        assert!(is_held(&paths));
        assert_eq!(StateLock::take(&paths).err().map(|f| f.kind), Some(FailureKind::Busy));
        drop(held);
        assert!(!is_held(&paths));
        let looking = File::open(paths.lock()).unwrap();
        flock(&looking, FlockOperation::LockShared).unwrap();
        let ends = std::thread::spawn(move || {
            std::thread::sleep(BETWEEN);
            drop(looking);
        });
        drop(StateLock::take(&paths).unwrap());
        ends.join().unwrap();
    }
}
