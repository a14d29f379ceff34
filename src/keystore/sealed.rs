//! The keystore before a secret was shown.

use super::contents::Contents;
use super::{Error, Keystore, Result, file};
use crate::crypto::{self, Key};
use crate::format::keystore::{Error as FormatError, KeystoreFile, Prefix, Slot};
use std::path::{Path, PathBuf};

/// A keystore that was read and is locked. What it says of itself is authentic only once
/// [`Sealed::unlock`] succeeds.
pub struct Sealed {
    path: PathBuf,
    file: KeystoreFile,
}

impl Sealed {
    /// Reads the keystore at `path`. Its previous version is never used in its place.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::OnlyPrevious`], [`Error::Unsafe`], [`Error::Read`], or
    /// [`Error::Damaged`] when the bytes are not a keystore's.
    pub fn load(path: &Path) -> Result<Self> {
        let decoded = KeystoreFile::decode(file::read(path)?);
        let file = decoded.map_err(|source| file::damaged(path, source))?;
        Ok(Self { path: path.into(), file })
    }

    /// How often the keystore was saved, counting its making.
    pub fn sequence(&self) -> u64 {
        self.file.prefix().sequence
    }

    /// The ways to open it.
    pub fn slots(&self) -> &[Slot] {
        &self.file.prefix().slots
    }

    /// Opens the keystore by the first keyslot that the secret fits. Each slot that is tried costs
    /// what its scrypt parameters say.
    ///
    /// # Errors
    /// [`Error::WrongSecret`] when the secret fits no slot; [`Error::Damaged`] when it fits one but
    /// anything else does not verify; [`Error::Contents`].
    pub fn unlock(&self, passphrase: &[u8], salt: &[u8]) -> Result<Keystore> {
        let damaged = |source| file::damaged(&self.path, source);
        let master = open_slot(self.file.prefix(), passphrase, salt)
            .map_err(damaged)?
            .ok_or(Error::WrongSecret)?;
        self.unlock_with(master)
    }

    pub(super) fn unlock_with(&self, master: Key) -> Result<Keystore> {
        let body = self.file.open(&master).map_err(|source| file::damaged(&self.path, source))?;
        let contents = Contents::decode(body.expose())
            .map_err(|source| Error::Contents { path: self.path.clone(), source })?;
        Ok(Keystore::from_parts(self.path.clone(), master, self.file.clone(), contents))
    }
}

/// The master key from the first slot that the secret fits; none when it fits none.
pub(super) fn open_slot(
    prefix: &Prefix,
    passphrase: &[u8],
    salt: &[u8],
) -> std::result::Result<Option<Key>, FormatError> {
    for (index, slot) in prefix.slots.iter().enumerate() {
        let Slot::Passphrase(slot) = slot else { continue };
        match slot.open(&prefix.id, passphrase, salt) {
            Ok(master) => return Ok(Some(master)),
            Err(crypto::Error::Commitment) => {}
            Err(source) => return Err(FormatError::Slot { slot: index + 1, source }),
        }
    }
    Ok(None)
}
