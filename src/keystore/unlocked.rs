//! The keystore after a secret was shown.

use super::contents::Contents;
use super::sealed::open_slot;
use super::{AuditHead, Draft, Error, GuardRecord, Location, Result, RuleRecord, file, location};
use crate::crypto::{CategoryKeys, Key, derive, kdf, random};
use crate::format::keystore::{KeystoreFile, PassphraseSlot, Prefix, Slot};
use crate::storage::durable;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MODE: u32 = 0o600;

/// A keystore that is open: the same in memory as on disk.
pub struct Keystore {
    path: PathBuf,
    master: Key,
    file: KeystoreFile,
    contents: Contents,
    audit_head: Option<AuditHeadSource>,
}

/// Tells how far the audit log has come; none when that is not known.
pub type AuditHeadSource = Box<dyn Fn() -> Option<AuditHead> + Send + Sync>;

impl Keystore {
    /// Makes an empty keystore at `path` that opens by `passphrase` and `salt`, readable and writable
    /// by its owner only, and durable when this returns.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is a keystore or a previous version of one, which stay as they
    /// are; [`Error::Crypto`] for costs out of bounds; [`Error::Save`].
    pub fn create(
        path: &Path,
        passphrase: &[u8],
        salt: &[u8],
        params: kdf::Params,
    ) -> Result<Self> {
        for taken in [path, &durable::previous(path)] {
            if rustix::fs::lstat(taken).is_ok() {
                return Err(Error::Exists(taken.into()));
            }
        }
        let (master, id) = (Key::random()?, random()?);
        let slot = PassphraseSlot::seal(&id, &master, (passphrase, salt), params)?;
        let prefix = Prefix { id, sequence: 1, slots: vec![Slot::Passphrase(slot)] };
        let contents = Contents::default();
        let file = KeystoreFile::seal(prefix, &master, random()?, contents.encode()?)
            .map_err(Error::Encode)?;
        durable::create(path, file.bytes(), MODE).map_err(|error| match error {
            durable::Error::Exists(path) => Error::Exists(path),
            other => Error::Save(other),
        })?;
        Ok(Self::from_parts(path.into(), master, file, contents))
    }

    pub(super) fn from_parts(
        path: PathBuf,
        master: Key,
        file: KeystoreFile,
        contents: Contents,
    ) -> Self {
        Self { path, master, file, contents, audit_head: None }
    }

    /// Proves that a secret opens a keyslot of this very keystore.
    ///
    /// # Errors
    /// [`Error::WrongSecret`] when it does not.
    pub fn verify_secret(&self, passphrase: &[u8], salt: &[u8]) -> Result<()> {
        let opened = open_slot(self.file.prefix(), passphrase, salt)
            .map_err(|source| file::damaged(&self.path, source))?;
        match opened {
            Some(master) if master.same_as(&self.master) => Ok(()),
            _ => Err(Error::WrongSecret),
        }
    }

    /// The keystore's random identity, which never changes.
    pub fn id(&self) -> [u8; 16] {
        self.file.prefix().id
    }

    /// The key that seals the audit log.
    ///
    /// # Errors
    /// None in practice: [`Error::Crypto`].
    pub fn audit_key(&self) -> Result<Key> {
        Ok(derive::audit_log(&self.master, &self.id())?.key)
    }

    /// How far the audit log had come when the keystore was last saved.
    pub fn audit_head(&self) -> Option<AuditHead> {
        self.contents.audit
    }

    /// From now on, keeps with every save what `source` says then.
    pub fn keep_audit_head(&mut self, source: AuditHeadSource) {
        self.audit_head = Some(source);
    }

    #[cfg(test)]
    pub(super) fn master_copy(&self) -> Key {
        self.master.duplicate()
    }

    /// Where the keystore is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How often the keystore was saved, counting its making.
    pub fn sequence(&self) -> u64 {
        self.file.prefix().sequence
    }

    /// All categories by name, without the `@`.
    pub fn categories(&self) -> &BTreeMap<String, Arc<CategoryKeys>> {
        &self.contents.categories
    }

    /// The keys of category `name`, given without the `@`.
    pub fn category(&self, name: &str) -> Option<&Arc<CategoryKeys>> {
        self.contents.categories.get(name)
    }

    /// The rules, in the order in which they are listed.
    pub fn rules(&self) -> &[RuleRecord] {
        &self.contents.rules
    }

    /// The locations.
    pub fn locations(&self) -> &[Location] {
        &self.contents.locations
    }

    /// The registered guards.
    pub fn guards(&self) -> &[GuardRecord] {
        &self.contents.guards
    }

    /// The location whose original path is exactly `path`.
    pub fn location_at(&self, path: &Path) -> Option<&Location> {
        location::at(self.locations(), path)
    }

    /// The innermost location that `path`, an original path, lies in.
    pub fn location_containing(&self, path: &Path) -> Option<&Location> {
        location::containing(self.locations(), path)
    }

    /// Changes the contents: `change` works on a draft, the draft is saved under the next sequence
    /// number, and when it is durable it becomes the contents.
    ///
    /// # Errors
    /// Whatever `change` returns; [`Error::Draft`] for contents that cannot be kept;
    /// [`Error::ChangedOnDisk`]; [`Error::Save`]. The keystore is then as before, in memory and on
    /// disk (but see [`durable::Error::NotPutBack`]).
    pub fn update<T>(&mut self, change: impl FnOnce(&mut Draft) -> Result<T>) -> Result<T> {
        self.try_update(change)
    }

    /// The same as [`Keystore::update`] for a `change` with errors of its own.
    ///
    /// # Errors
    /// As [`Keystore::update`].
    pub fn try_update<T, E: From<Error>>(
        &mut self,
        change: impl FnOnce(&mut Draft) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut draft = Draft::of(&self.contents);
        let value = change(&mut draft)?;
        self.store(draft.into_contents())?;
        Ok(value)
    }

    fn store(&mut self, mut contents: Contents) -> Result<()> {
        contents.check()?;
        self.check_unchanged()?;
        contents.audit = self.audit_head.as_ref().and_then(|head| head()).or(contents.audit);
        let Prefix { id, sequence, slots } = self.file.prefix().clone();
        let sequence =
            sequence.checked_add(1).ok_or_else(|| Error::SequenceUsedUp(self.path.clone()))?;
        let prefix = Prefix { id, sequence, slots };
        let file = KeystoreFile::seal(prefix, &self.master, random()?, contents.encode()?)
            .map_err(Error::Encode)?;
        durable::replace(&self.path, file.bytes(), MODE).map_err(Error::Save)?;
        self.file = file;
        self.contents = contents;
        Ok(())
    }

    /// Refuses to overwrite what somebody else saved. A file that is gone is made again: what is in
    /// memory may be the only copy of the keys.
    fn check_unchanged(&self) -> Result<()> {
        match file::read(&self.path) {
            Ok(bytes) if bytes == self.file.bytes() => Ok(()),
            Ok(_) => Err(Error::ChangedOnDisk(self.path.clone())),
            Err(Error::Missing(_) | Error::OnlyPrevious { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }
}
