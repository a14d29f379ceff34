//! The keystore after a secret was shown.

use super::contents::Contents;
use super::copies::{self, MODE};
use super::sealed::open_slot;
use super::{AuditHead, BackupRecord, Draft, Error, GuardRecord, Location, NewSlot, Result};
use super::{RotationRecord, RuleRecord, Secret, SlotRecord, file, location};
use crate::crypto::{CategoryKeys, Key, derive, random};
use crate::format::keystore::{KeystoreFile, Prefix, Slot, SlotId};
use crate::storage::durable;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A keystore that is open: the same in memory as on disk.
pub struct Keystore {
    path: PathBuf,
    master: Key,
    file: KeystoreFile,
    contents: Contents,
    opened_by: SlotId,
    audit_head: Option<AuditHeadSource>,
}

/// Tells how far the audit log has come; none when that is not known.
pub type AuditHeadSource = Box<dyn Fn() -> Option<AuditHead> + Send + Sync>;

impl Keystore {
    /// Makes an empty keystore at `path` that opens by `first`, readable and writable by its owner only,
    /// and durable when this returns; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is a keystore or another version of one, which stay as they are;
    /// [`Error::LastAdministrator`] for a slot that gives no rights; [`Error::Crypto`] for costs out of
    /// bounds; [`Error::Save`].
    pub fn create(path: &Path, first: &NewSlot, now: u64) -> Result<Self> {
        for taken in [path, &durable::previous(path), &copies::backup_path(path)] {
            if rustix::fs::lstat(taken).is_ok() {
                return Err(Error::Exists(taken.into()));
            }
        }
        if !first.kind().is_administrator() {
            return Err(Error::LastAdministrator);
        }
        let (master, id) = (Key::random()?, random()?);
        let slot = first.seal(&id, &master)?;
        let opened_by = slot.id();
        let record = SlotRecord { id: opened_by.0, name: String::new(), added: now };
        let contents = Contents { slots: vec![record], ..Contents::default() };
        let prefix = Prefix { id, sequence: 1, slots: vec![slot] };
        let file = KeystoreFile::seal(prefix, &master, random()?, contents.encode()?)
            .map_err(Error::Encode)?;
        durable::create(path, file.bytes(), MODE).map_err(|error| match error {
            durable::Error::Exists(path) => Error::Exists(path),
            other => Error::Save(other),
        })?;
        let mut made = Self::from_parts(path.into(), master, file, contents, opened_by);
        made.save_second_copy();
        Ok(made)
    }

    pub(super) fn from_parts(
        path: PathBuf,
        master: Key,
        file: KeystoreFile,
        contents: Contents,
        opened_by: SlotId,
    ) -> Self {
        Self { path, master, file, contents, opened_by, audit_head: None }
    }

    pub(super) fn open_slot(&self, secret: &Secret) -> Result<Option<(SlotId, Key)>> {
        open_slot(self.file.prefix(), secret).map_err(|source| file::damaged(&self.path, source))
    }

    /// The slot that the keystore was opened by.
    pub fn opened_by(&self) -> SlotId {
        self.opened_by
    }

    /// The last backup of the whole keystore, and whether keys or keyslots were changed since.
    pub fn backup(&self) -> Option<(BackupRecord, bool)> {
        let record = self.contents.backup?;
        Some((record, record.key_changes < self.contents.key_changes))
    }

    /// How often keys or keyslots were changed.
    pub fn key_changes(&self) -> u64 {
        self.contents.key_changes
    }

    pub(super) fn contents(&self) -> &Contents {
        &self.contents
    }

    pub(super) fn set_opened_by(&mut self, slot: SlotId) {
        self.opened_by = slot;
    }

    pub(super) fn set_path(&mut self, path: &Path) {
        self.path = path.into();
    }

    pub(super) fn master(&self) -> &Key {
        &self.master
    }

    pub(super) fn stored_slots(&self) -> &[Slot] {
        &self.file.prefix().slots
    }

    pub(super) fn slot_records(&self) -> &[SlotRecord] {
        &self.contents.slots
    }

    /// The whole keystore, sealed as it is on disk.
    pub fn sealed_bytes(&self) -> &[u8] {
        self.file.bytes()
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

    /// The keys that sealed the audit log before the master key was changed, the oldest first.
    pub fn former_audit_keys(&self) -> &[Arc<Key>] {
        &self.contents.audit_keys
    }

    /// How far the audit log had come when the keystore was last saved.
    pub fn audit_head(&self) -> Option<AuditHead> {
        self.contents.audit
    }

    /// From now on, keeps with every save what `source` says then.
    pub fn keep_audit_head(&mut self, source: AuditHeadSource) {
        self.audit_head = Some(source);
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

    /// How far the change of a category's key is noted; none when none is going on.
    pub fn rotation(&self, name: &str) -> Option<RotationRecord> {
        self.contents.rotations.get(name).copied()
    }

    /// The categories whose key is being changed, with or without somebody at work on it.
    pub fn rotations(&self) -> &BTreeMap<String, RotationRecord> {
        &self.contents.rotations
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
        let mut draft = Draft::of(&self.contents, self.stored_slots());
        let value = change(&mut draft)?;
        let (contents, slots) = draft.finish(self.stored_slots());
        self.store(contents, slots)?;
        Ok(value)
    }

    fn store(&mut self, contents: Contents, slots: Vec<Slot>) -> Result<()> {
        self.store_under(self.master.duplicate(), contents, slots)
    }

    /// Saves under a master key that may be a new one; it is this keystore's when it is on disk.
    pub(super) fn store_under(
        &mut self,
        master: Key,
        mut contents: Contents,
        slots: Vec<Slot>,
    ) -> Result<()> {
        contents.check()?;
        if !slots.iter().any(Slot::is_administrator) {
            return Err(Error::LastAdministrator);
        }
        self.check_unchanged()?;
        contents.audit = self.audit_head.as_ref().and_then(|head| head()).or(contents.audit);
        let Prefix { id, sequence, slots: slots_before } = self.file.prefix().clone();
        let sequence =
            sequence.checked_add(1).ok_or_else(|| Error::SequenceUsedUp(self.path.clone()))?;
        let prefix = Prefix { id, sequence, slots };
        let file = KeystoreFile::seal(prefix, &master, random()?, contents.encode()?)
            .map_err(Error::Encode)?;
        let slots_change = file.prefix().slots != slots_before;
        if slots_change {
            copies::remove_second(&self.path)?;
        }
        if let Err(error) = durable::replace(&self.path, file.bytes(), MODE) {
            // Or the keystore would be left in one copy until the next save. Where the new file may be in
            // place after all, an earlier second copy must not stand beside it.
            if slots_change && !matches!(error, durable::Error::NotPutBack { .. }) {
                self.save_second_copy();
            }
            return Err(Error::Save(error));
        }
        self.master = master;
        self.file = file;
        self.contents = contents;
        self.save_second_copy();
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
