//! The contents while a transaction changes them.

use super::contents::Contents;
use super::{BackupRecord, Error, GuardRecord, Location, Result, RotationRecord, RuleRecord};
use super::{SlotRecord, category};
use crate::crypto::CategoryKeys;
use crate::crypto::sector::Suite;
use crate::format::keystore::Slot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an import brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// A category that was not known.
    Category,
    /// So many keys that a known category lacked.
    Keys(usize),
}

/// A copy of the contents, to be changed at will; what cannot be kept is refused when it is saved.
pub struct Draft {
    categories: BTreeMap<String, Arc<CategoryKeys>>,
    /// The rules, in the order in which they are listed.
    pub rules: Vec<RuleRecord>,
    /// The locations.
    pub locations: Vec<Location>,
    /// The guards.
    pub guards: Vec<GuardRecord>,
    /// What was last backed up.
    pub backup: Option<BackupRecord>,
    rotations: BTreeMap<String, RotationRecord>,
    pub(super) slots: Vec<Slot>,
    pub(super) slot_records: Vec<SlotRecord>,
    kept: Contents,
}

impl Draft {
    pub(super) fn of(contents: &Contents, slots: &[Slot]) -> Self {
        let kept = contents.clone();
        Self {
            categories: kept.categories.clone(),
            rules: kept.rules.clone(),
            locations: kept.locations.clone(),
            guards: kept.guards.clone(),
            backup: kept.backup,
            rotations: kept.rotations.clone(),
            slots: slots.to_vec(),
            slot_records: kept.slots.clone(),
            kept,
        }
    }

    /// The changed contents and keyslots. Whatever changes keys or keyslots is counted.
    pub(super) fn finish(self, slots_before: &[Slot]) -> (Contents, Vec<Slot>) {
        let Self {
            categories,
            rules,
            locations,
            guards,
            backup,
            rotations,
            slots,
            mut slot_records,
            kept,
        } = self;
        let same_keys = |(a, b): (_, &Arc<CategoryKeys>)| Arc::ptr_eq(a, b);
        let keys_kept = categories.len() == kept.categories.len()
            && categories.values().zip(kept.categories.values()).all(same_keys);
        let key_changes =
            kept.key_changes + u64::from(!keys_kept || slots.as_slice() != slots_before);
        slot_records.retain(|record| slots.iter().any(|slot| slot.id().0 == record.id));
        let contents = Contents {
            categories,
            rules,
            locations,
            guards,
            rotations,
            audit: kept.audit,
            slots: slot_records,
            key_changes,
            backup,
            audit_keys: kept.audit_keys,
        };
        (contents, slots)
    }

    /// The keys of category `name`, given without the `@`.
    pub fn category(&self, name: &str) -> Option<&Arc<CategoryKeys>> {
        self.categories.get(name)
    }

    /// Makes a category with a new key, for the cipher that is fast on this CPU.
    ///
    /// # Errors
    /// [`Error::CategoryName`], [`Error::CategoryExists`], or [`Error::Crypto`] when the kernel gives
    /// no random bytes.
    pub fn add_category(&mut self, name: &str) -> Result<Arc<CategoryKeys>> {
        let name = category::parse(name)?;
        if self.categories.contains_key(name) {
            return Err(Error::CategoryExists(name.into()));
        }
        let keys = Arc::new(CategoryKeys::generate(Suite::for_this_cpu())?);
        self.categories.insert(name.into(), Arc::clone(&keys));
        Ok(keys)
    }

    /// Takes over the keys of a category that were exported elsewhere. One that is known here by its id
    /// gets the epochs that it lacks.
    ///
    /// # Errors
    /// [`Error::CategoryExists`] when another category has the name; [`Error::KnownAs`] when this one has
    /// another; [`Error::Rotating`] for a newer key while ours is being changed; [`Error::Crypto`] when the
    /// keys contradict each other.
    pub fn import_category(&mut self, name: &str, keys: CategoryKeys) -> Result<Imported> {
        let name = category::parse(name)?;
        let known = self.categories.iter().find(|(_, known)| known.id == keys.id);
        let Some((known_as, ours)) = known else {
            self.insert_category(name, Arc::new(keys))?;
            return Ok(Imported::Category);
        };
        if known_as != name {
            return Err(Error::KnownAs(known_as.clone()));
        }
        let added = keys.epochs().filter(|(epoch, _)| ours.key(*epoch).is_err()).count();
        let merged = ours.merged_with(&keys)?;
        // Older keys may be what a restored file needs; a newer one would be another key to change to.
        let target = self.rotations.get(name).map(|record| record.target);
        if target.is_some_and(|target| target != merged.current_epoch()) {
            return Err(Error::Rotating(name.into()));
        }
        if added > 0 {
            self.categories.insert(name.into(), Arc::new(merged));
        }
        Ok(Imported::Keys(added))
    }

    /// Gives a category a new key, for all headers that are written from now on, and notes that older
    /// keys are still needed. `rate` is in bytes a second, `started` in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::NoSuchCategory`], [`Error::Rotating`] while an earlier change of its key is not finished,
    /// [`Error::Crypto`].
    pub fn rotate_category(
        &mut self,
        name: &str,
        data: bool,
        rate: u64,
        started: u64,
    ) -> Result<RotationRecord> {
        if self.rotations.contains_key(name) {
            return Err(Error::Rotating(name.into()));
        }
        let keys = self.categories.get_mut(name);
        let keys = keys.ok_or_else(|| Error::NoSuchCategory(name.into()))?;
        *keys = Arc::new(keys.with_new_epoch()?);
        let target = keys.current_epoch();
        let record = RotationRecord { target, data, rate, started, distrusted: false };
        self.rotations.insert(name.into(), record);
        Ok(record)
    }

    /// Sets how fast a change of a category's key goes on, when there is one.
    pub fn set_rotation_rate(&mut self, name: &str, rate: u64) {
        if let Some(record) = self.rotations.get_mut(name) {
            record.rate = rate;
        }
    }

    /// Has whatever a change of a category's key has written so far be written again.
    pub fn distrust_rotation(&mut self, name: &str) {
        if let Some(record) = self.rotations.get_mut(name) {
            record.distrusted = true;
        }
    }

    /// Takes back a change of a category's key, under which nothing was wrapped yet: `before` are the keys
    /// that it had.
    pub fn abandon_rotation(&mut self, name: &str, before: &Arc<CategoryKeys>) {
        self.rotations.remove(name);
        self.categories.insert(name.into(), Arc::clone(before));
    }

    /// Ends a change of a category's key: no file needs the keys before the new one any more.
    pub fn retire_epochs(&mut self, name: &str) {
        if let (Some(record), Some(keys)) =
            (self.rotations.remove(name), self.categories.get_mut(name))
        {
            *keys = Arc::new(keys.without_epochs_before(record.target));
        }
    }

    /// Takes over a category whose keys were made before.
    ///
    /// # Errors
    /// [`Error::CategoryName`], [`Error::CategoryExists`].
    pub fn insert_category(&mut self, name: &str, keys: Arc<CategoryKeys>) -> Result<()> {
        let name = category::parse(name)?;
        if self.categories.contains_key(name) {
            return Err(Error::CategoryExists(name.into()));
        }
        self.categories.insert(name.into(), keys);
        Ok(())
    }
}
