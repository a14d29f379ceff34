//! The executables that rules name: where a path leads, and the fingerprint of what is there now.
//!
//! What lies inside the service's own mount is asked of [`EncryptedPrograms`], and never read
//! through the mount. Knows no rules and no processes.

use super::Error;
use super::fingerprint::{Fingerprint, Hashes, Identity};
use super::walk::{Links, Mount, Place, walk};
use crate::sys::proc;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Executables inside the encrypted tree, read through the storage and never through the mount.
///
/// Paths are relative to the mount point, have no `..`, and name the file itself: a link, a
/// directory and anything else that is not a regular file is an error.
pub trait EncryptedPrograms: Send + Sync {
    /// What the file is now. `ino` is the number that `statx` tells on the mount.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is none; others as they come.
    fn identify(&self, mount_relative: &Path) -> io::Result<Identity>;

    /// Hashes the plaintext (SHA-256), with the identity that it had before and after.
    ///
    /// # Errors
    /// As [`EncryptedPrograms::identify`]; an integrity error when a sector does not verify.
    fn hash(&self, mount_relative: &Path) -> io::Result<(Identity, [u8; 32])>;
}

/// An executable as it is when a rule is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Its path without links, as the kernel prints it.
    pub path: PathBuf,
    /// Its file.
    pub identity: Identity,
    /// Its contents.
    pub fingerprint: Fingerprint,
    /// Whether it is inside the encrypted tree.
    pub encrypted: bool,
}

/// Finds and fingerprints executables.
pub struct Programs {
    mount: Mount,
    encrypted: Box<dyn EncryptedPrograms>,
    plain_hashes: Hashes,
    encrypted_hashes: Hashes,
}

impl Programs {
    /// Executables as seen by a service that serves `mount`.
    pub fn new(mount: Mount, encrypted: Box<dyn EncryptedPrograms>) -> Self {
        let (plain_hashes, encrypted_hashes) = (Hashes::new(), Hashes::new());
        Self { mount, encrypted, plain_hashes, encrypted_hashes }
    }

    /// The service's own mount.
    pub fn mount(&self) -> &Mount {
        &self.mount
    }

    /// Follows the links of an absolute path to an executable regular file and takes its
    /// fingerprint, as is done when a rule is added.
    ///
    /// # Errors
    /// Each names the path: not absolute, not found, a directory or special file, not executable,
    /// too many links, changed meanwhile, unreadable.
    pub fn resolve_process(&self, path: &Path) -> Result<Resolved, Error> {
        self.resolve(path, true)
    }

    /// As [`Programs::resolve_process`], for a file that need not be executable: a script, a library.
    ///
    /// # Errors
    /// The same, but for that.
    pub fn resolve_file(&self, path: &Path) -> Result<Resolved, Error> {
        self.resolve(path, false)
    }

    fn resolve(&self, path: &Path, executable: bool) -> Result<Resolved, Error> {
        let (path, encrypted) = match walk(&self.mount, path, Links::Follow)? {
            Place::Plain { path: found, stat, .. } => {
                if executable && stat.mode & 0o111 == 0 {
                    return Err(Error::NotExecutable { path: path.into() });
                }
                (found, false)
            }
            Place::Encrypted { relative } => (self.mount.path.join(relative), true),
        };
        let (identity, fingerprint) = self.current(&path)?;
        Ok(Resolved { path, identity, fingerprint, encrypted })
    }

    /// The file at the end of a path's links, which is not opened.
    pub fn leads_to(&self, path: &Path) -> Option<PathBuf> {
        match walk(&self.mount, path, Links::Follow).ok()? {
            Place::Plain { path, .. } => Some(path),
            Place::Encrypted { relative } => Some(self.mount.path.join(relative)),
        }
    }

    /// What lies below the mount point at the end of a path's links, relative to it; `None` when the
    /// path leads elsewhere or nowhere.
    pub fn below_mount(&self, path: &Path) -> Option<PathBuf> {
        match walk(&self.mount, path, Links::Follow) {
            Ok(Place::Encrypted { relative }) => Some(relative),
            Ok(Place::Plain { .. }) | Err(_) => None,
        }
    }

    /// Which file a path without links names now.
    pub(super) fn identify(&self, path: &Path) -> Result<Identity, Error> {
        match walk(&self.mount, path, Links::Refuse)? {
            Place::Plain { stat, .. } => Ok(stat.into()),
            Place::Encrypted { relative } => {
                self.encrypted.identify(&relative).map_err(|source| Error::from_io(path, source))
            }
        }
    }

    /// The fingerprint of what a path without links names now.
    pub(super) fn current(&self, path: &Path) -> Result<(Identity, Fingerprint), Error> {
        match walk(&self.mount, path, Links::Refuse)? {
            Place::Plain { file, .. } => {
                let file = reopen(&file).map_err(|source| Error::from_io(path, source))?;
                self.fingerprint_of(path, &file)
            }
            Place::Encrypted { relative } => {
                self.encrypted_now(&relative).map_err(|source| Error::from_io(path, source))
            }
        }
    }

    /// The fingerprint of an open file outside the mount.
    pub(super) fn fingerprint_of(
        &self,
        path: &Path,
        file: &File,
    ) -> Result<(Identity, Fingerprint), Error> {
        self.plain_hashes.of_file(path, file)
    }

    /// Whether `now`, what the rule's path names, is the file that a process runs. On the mount the
    /// inode number decides, the other numbers being the storage's.
    pub(super) fn is_running(&self, path: &Path, now: &Identity, running: &Identity) -> bool {
        if path.starts_with(&self.mount.path) {
            self.mount.device == Some(running.dev) && now.ino == running.ino
        } else {
            now.same_file(running)
        }
    }

    /// Here the times of the storage file tell of every change without a lease: it is written by the
    /// service alone, by `pwrite`, and whoever else writes there breaks the seals of the sectors.
    ///
    /// A store through a writable mapping of the mount's page cache reaches the storage when the page
    /// is written back, at the latest when the mapping ends (`fuse_vma_close`), and changes the times
    /// then. Until then what runs would differ from what is hashed, cached or not: a program cannot
    /// run that soon (`ETXTBSY`), but a script or a library that is stored to just then can be read. To
    /// map it so takes a rule that allows the category to be written.
    fn encrypted_now(&self, relative: &Path) -> io::Result<(Identity, Fingerprint)> {
        let identity = self.encrypted.identify(relative)?;
        let (identity, sha256) = match self.encrypted_hashes.known(&identity) {
            Some(sha256) => (identity, sha256),
            None => self.encrypted.hash(relative)?,
        };
        self.encrypted_hashes.learn(identity, sha256);
        Ok((identity, Fingerprint { sha256, size: identity.size }))
    }
}

/// Opens for reading what an `O_PATH` descriptor of a regular file names.
fn reopen(file: &OwnedFd) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    let name = format!("self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::openat(proc::root()?, name, flags, Mode::empty())?.into())
}

#[cfg(test)]
#[path = "programs_tests.rs"]
mod tests;
