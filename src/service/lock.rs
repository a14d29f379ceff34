//! One owner of a state directory at a time.

use super::Paths;
use super::failures::refused_at;
use super::protocol::{Failure, FailureKind};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// How often it is looked again whether the lock is free, and how long lies between: whoever only looks
/// ([`is_held`]) has it for a moment.
const LOOKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(10);

/// The lock, held until dropped or the process ends.
pub struct StateLock {
    file: File,
    writable: bool,
}

impl Drop for StateLock {
    fn drop(&mut self) {
        release(&self.file);
    }
}

impl StateLock {
    /// As [`StateLock::take`], in a state directory that must be there.
    ///
    /// # Errors
    /// As [`StateLock::take`]; not running when there is no state directory.
    pub fn take_existing(paths: &Paths) -> Result<Self, Failure> {
        Self::require(paths)?;
        Self::take(paths)
    }

    /// As [`StateLock::take_existing`], also in a state directory that is read-only.
    ///
    /// # Errors
    /// As [`StateLock::take_existing`].
    pub fn take_to_read(paths: &Paths) -> Result<Self, Failure> {
        Self::require(paths)?;
        let path = paths.lock();
        match open_to_write(&path) {
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => {}
            opened => return Self::hold(opened, paths, true),
        }
        let file = open(&path, OpenOptions::new().read(true)).or_else(|error| match error.kind() {
            // A copy without it: who looks takes the directory in its place.
            ErrorKind::NotFound => File::open(paths.state()),
            _ => Err(error),
        });
        Self::hold(file, paths, false)
    }

    /// Whether its owner may change what is in the state directory.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    fn require(paths: &Paths) -> Result<(), Failure> {
        if !paths.keystore().exists() && !paths.state().is_dir() {
            let message = format!("there is no keystore in {}", paths.state().display());
            let failure = Failure::new(FailureKind::NotRunning, message);
            return Err(failure.hint("make one: ezncrypt init"));
        }
        Ok(())
    }

    /// Takes the lock without waiting.
    ///
    /// # Errors
    /// Busy when a service or another command holds it; failed when the directory is not usable.
    pub fn take(paths: &Paths) -> Result<Self, Failure> {
        Self::hold(open_to_write(&paths.lock()), paths, true)
    }

    fn hold(opened: io::Result<File>, paths: &Paths, writable: bool) -> Result<Self, Failure> {
        let file =
            opened.map_err(|error| refused_at(&paths.lock(), "cannot open the lock", &error))?;
        lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| in_use(paths))?;
        Ok(Self { file, writable })
    }
}

fn open_to_write(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().write(true).create(true).truncate(false).mode(0o600))
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC).open(path)
}

fn in_use(paths: &Paths) -> Failure {
    let state = paths.state().display();
    Failure::new(FailureKind::Busy, format!("{state} is in use by another ezncrypt"))
        .hint("`ezncrypt status` tells whether a service runs; `ezncrypt stop` ends it")
}

/// Whether a service or another command is at work in the state directory, as far as whoever asks may see.
pub fn is_held(paths: &Paths) -> bool {
    let file = open(&paths.lock(), OpenOptions::new().read(true));
    let Ok(file) = file else { return false };
    let seen = flock(&file, FlockOperation::NonBlockingLockShared);
    release(&file);
    seen == Err(Errno::WOULDBLOCK)
}

/// Ends a lock at once. Closing alone would not: a process forked meanwhile has the same open file, and
/// with it the lock, until it runs its program.
fn release(file: &File) {
    // Only a file without locks has none to be ended.
    let _ = flock(file, FlockOperation::Unlock);
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
            release(&looking);
        });
        drop(StateLock::take(&paths).unwrap());
        ends.join().unwrap();
    }

    #[test]
    fn it_is_free_when_it_was_given_back_whoever_was_forked_meanwhile() {
        let state = tempfile::tempdir().unwrap();
        let paths = Paths::new(state.path());
        let held = StateLock::take(&paths).unwrap();
        let forked = held.file.try_clone().unwrap();
        drop(held);
        assert!(!is_held(&paths));
        drop(StateLock::take(&paths).unwrap());
        drop(forked);
    }
}
