//! The second copy of the keystore's file, and mending one copy from the other.
//!
//! After every save the same bytes are at `keystore` and at `keystore.backup`. A change of keyslots
//! removes the second copy before it saves the first, so that no copy ever opens by a secret that no
//! longer should.

use super::{Error, Keystore, Result, file};
use crate::format::keystore::KeystoreFile;
use crate::storage::{durable, names};
use rustix::fs::RenameFlags;
use std::path::{Path, PathBuf};

/// Permissions of both copies, and of what is kept of a damaged one.
pub(super) const MODE: u32 = 0o600;

/// The second copy's path: `keystore.backup`.
pub fn backup_path(path: &Path) -> PathBuf {
    beside(path, ".backup")
}

/// Where a damaged keystore is kept: `keystore.damaged`.
pub fn damaged_path(path: &Path) -> PathBuf {
    beside(path, ".damaged")
}

/// The path with `suffix` behind its last name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    name.into()
}

/// What mending did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mended {
    /// Both copies were sound and the same.
    Nothing,
    /// The keystore was damaged or missing and was put back from its second copy, which is of this
    /// sequence number. What was damaged is kept at [`damaged_path`].
    Keystore(u64),
    /// The second copy was missing, damaged or older, and was made anew.
    SecondCopy,
}

impl Keystore {
    /// Makes both copies the same and sound. For the owner of the state directory only.
    ///
    /// # Errors
    /// [`Error::Save`] when a damaged keystore cannot be put back; both copies are as they were then. A
    /// second copy that cannot be made is no error: the next save tries again.
    pub fn mend(&mut self) -> Result<Mended> {
        let path = self.path().to_owned();
        let bytes = self.sealed_bytes().to_vec();
        let mut mended = Mended::Nothing;
        if !matches!(file::read(&path), Ok(found) if found == bytes) {
            // Kept for whoever wants to know what happened; there may be nothing to keep.
            let _ = names::rename(&path, &damaged_path(&path), RenameFlags::empty());
            durable::replace(&path, &bytes, MODE).map_err(Error::Save)?;
            mended = Mended::Keystore(self.sequence());
        }
        let second = backup_path(&path);
        if !matches!(file::read(&second), Ok(found) if found == bytes)
            && self.save_second_copy()
            && mended == Mended::Nothing
        {
            mended = Mended::SecondCopy;
        }
        Ok(mended)
    }

    /// Whether both copies on disk are what is in memory.
    pub fn copies_agree(&self) -> bool {
        let same =
            |path: &Path| matches!(file::read(path), Ok(found) if found == self.sealed_bytes());
        same(self.path()) && same(&backup_path(self.path()))
    }

    /// Makes sure that the second copy is the same as the first.
    ///
    /// # Errors
    /// [`Error::Save`] when it cannot be.
    pub fn require_second_copy(&mut self) -> Result<()> {
        match self.copies_agree() {
            true => Ok(()),
            false => durable::replace(&backup_path(self.path()), self.sealed_bytes(), MODE)
                .map_err(Error::Save),
        }
    }

    /// Makes the second copy the same as the first; tells whether it is.
    pub(super) fn save_second_copy(&mut self) -> bool {
        let saved = durable::replace(&backup_path(self.path()), self.sealed_bytes(), MODE);
        saved.is_ok()
    }
}

/// The second copy, when it is there, readable and well-formed.
pub(super) fn read_second(path: &Path) -> Option<KeystoreFile> {
    KeystoreFile::decode(file::read(&backup_path(path)).ok()?).ok()
}

/// Removes the second copy, durably enough: it is gone before anything else is written. Whoever does so
/// writes it anew, also after an error.
pub(super) fn remove_second(path: &Path) -> Result<()> {
    let second = backup_path(path);
    names::remove(&second).map_err(|source| Error::Read { path: second, source })
}
