//! The keystore before a secret was shown.

use super::contents::Contents;
use super::{Error, Keystore, Result, Secret, copies, file};
use crate::crypto::{self, Key};
use crate::format::keystore::{Error as FormatError, KeystoreFile, Prefix, Slot, SlotId};
use std::path::{Path, PathBuf};

/// A keystore that was read and is locked. What it says of itself is authentic only once
/// [`Sealed::unlock`] succeeds.
pub struct Sealed {
    path: PathBuf,
    file: KeystoreFile,
    /// The other copy, when it differs and is well-formed.
    other: Option<KeystoreFile>,
}

impl Sealed {
    /// Reads the keystore at `path`, or its second copy when the first is missing or not well-formed.
    ///
    /// # Errors
    /// The first copy's, when neither is of use: [`Error::Missing`], [`Error::OnlyPrevious`],
    /// [`Error::Unsafe`], [`Error::Read`], or [`Error::Damaged`] when the bytes are not a keystore's.
    pub fn load(path: &Path) -> Result<Self> {
        let first = file::read(path).and_then(|bytes| {
            KeystoreFile::decode(bytes).map_err(|source| file::damaged(path, source))
        });
        let second = copies::read_second(path);
        let (file, other) = match (first, second) {
            (Ok(first), second) => {
                let other = second.filter(|second| second.bytes() != first.bytes());
                (first, other)
            }
            // Whose file it is must be found out first.
            (Err(error @ Error::Unsafe { .. }), _) | (Err(error), None) => return Err(error),
            (Err(_), Some(second)) => (second, None),
        };
        Ok(Self { path: path.into(), file, other })
    }

    /// Reads a keystore at `path` that has no second copy: a backup.
    ///
    /// # Errors
    /// As [`Sealed::load`].
    pub fn load_alone(path: &Path) -> Result<Self> {
        let file = KeystoreFile::decode(file::read(path)?);
        let file = file.map_err(|source| file::damaged(path, source))?;
        Ok(Self { path: path.into(), file, other: None })
    }

    /// The keystore's random identity.
    pub fn id(&self) -> [u8; 16] {
        self.file.prefix().id
    }

    /// How often the keystore was saved, counting its making.
    pub fn sequence(&self) -> u64 {
        self.file.prefix().sequence
    }

    /// Id and sequence number of each copy that is well-formed, where they differ.
    pub fn copies(&self) -> impl Iterator<Item = ([u8; 16], u64)> {
        let copies = std::iter::once(&self.file).chain(&self.other);
        copies.map(|copy| (copy.prefix().id, copy.prefix().sequence))
    }

    /// The ways to open it.
    pub fn slots(&self) -> &[Slot] {
        &self.file.prefix().slots
    }

    /// Opens the keystore by the first keyslot that the secret fits. Each slot that is tried costs what
    /// its scrypt parameters say. When the first copy does not verify, or is an earlier one than the
    /// second, the second is opened; then [`Keystore::mend`] puts the first right.
    ///
    /// # Errors
    /// [`Error::WrongSecret`] when the secret fits no slot; [`Error::Damaged`] when it fits one but
    /// anything else does not verify; [`Error::Contents`].
    pub fn unlock(&self, secret: &Secret) -> Result<Keystore> {
        let opened = self.open_either(secret);
        // Parsing moves keys about.
        crypto::burn_stack();
        opened
    }

    fn open_either(&self, secret: &Secret) -> Result<Keystore> {
        let first = self.open_copy(&self.file, secret);
        // An older keystore was put back in the place of the first copy.
        if let (Ok(opened), Some(other)) = (&first, &self.other)
            && other.prefix().sequence > opened.sequence()
        {
            // Where the master key was changed since, the secret alone tells.
            let under_one = other.open(opened.master()).is_ok();
            return self.open_copy(other, secret).or_else(|error| match under_one {
                true => Err(error),
                false => first,
            });
        }
        let (Err(Error::WrongSecret | Error::Damaged { .. }), Some(other)) = (&first, &self.other)
        else {
            return first;
        };
        // A secret that was taken away together with the old master key must not bring an old copy back.
        // Damage to a slot leaves the number as it was.
        if matches!(first, Err(Error::WrongSecret)) && other.prefix().sequence < self.sequence() {
            return first;
        }
        match self.open_copy(other, secret) {
            // Under the same master key the first copy is sound: the secret was taken out of it.
            Ok(second) if self.file.open(second.master()).is_err() => Ok(second),
            _ => first,
        }
    }

    fn open_copy(&self, copy: &KeystoreFile, secret: &Secret) -> Result<Keystore> {
        let damaged = |source| file::damaged(&self.path, source);
        let opened = open_slot(copy.prefix(), secret).map_err(damaged)?;
        let (slot, master) = opened.ok_or(Error::WrongSecret)?;
        let body = copy.open(&master).map_err(damaged)?;
        let contents = Contents::decode(body.expose())
            .map_err(|source| Error::Contents { path: self.path.clone(), source })?;
        Ok(Keystore::from_parts(self.path.clone(), master, copy.clone(), contents, slot))
    }
}

/// The first slot that the secret fits, and the master key; none when it fits none.
pub(super) fn open_slot(
    prefix: &Prefix,
    secret: &Secret,
) -> std::result::Result<Option<(SlotId, Key)>, FormatError> {
    for (index, slot) in prefix.slots.iter().enumerate() {
        let opened = secret.open(&prefix.id, slot);
        let opened = opened.map_err(|source| FormatError::Slot { slot: index + 1, source })?;
        if let Some(master) = opened {
            return Ok(Some((slot.id(), master)));
        }
    }
    Ok(None)
}
