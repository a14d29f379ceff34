//! The keyslots of an open keystore: what is known of them, and changing them.

use super::{Error, Keystore, NewSlot, Result, Secret, text};
use crate::format::keystore::{Slot, SlotId};
use serde::{Deserialize, Serialize};

/// Longest name of a keyslot, in bytes.
pub const MAX_NAME: usize = 64;

/// What is kept of a keyslot beside the slot itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotRecord {
    /// Which slot.
    #[serde(with = "text::hex")]
    pub id: [u8; 16],
    /// What people call it; may be empty.
    pub name: String,
    /// When it was made, in seconds since 1970.
    pub added: u64,
}

impl Keystore {
    /// The keyslots in their order, with what is kept of each.
    pub fn slots(&self) -> impl Iterator<Item = (&Slot, Option<&SlotRecord>)> {
        let record = |id: SlotId| self.slot_records().iter().find(|record| record.id == id.0);
        self.stored_slots().iter().map(move |slot| (slot, record(slot.id())))
    }

    /// The slot of that number in the order (from 1) or, if no slot has that number, of that name.
    ///
    /// # Errors
    /// [`Error::NoSuchSlot`].
    pub fn find_slot(&self, which: &str) -> Result<SlotId> {
        let by_number = which
            .parse::<usize>()
            .ok()
            .and_then(|number| self.stored_slots().get(number.checked_sub(1)?).map(Slot::id));
        let named = |record: &&SlotRecord| !which.is_empty() && record.name == which;
        let by_name = || self.slot_records().iter().find(named).map(|record| SlotId(record.id));
        by_number.or_else(by_name).ok_or_else(|| Error::NoSuchSlot(which.into()))
    }

    /// The slot of that id.
    ///
    /// # Errors
    /// [`Error::SlotGone`].
    pub fn known_slot(&self, id: SlotId) -> Result<SlotId> {
        let is_there = self.stored_slots().iter().any(|slot| slot.id() == id);
        if is_there { Ok(id) } else { Err(Error::SlotGone) }
    }

    /// Adds a way to open the keystore, called `name`; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::SlotName`], [`Error::SlotNameTaken`]; [`Error::Crypto`] for costs out of bounds and keys
    /// that are none; else as [`Keystore::update`].
    pub fn add_slot(&mut self, new: &NewSlot, name: &str, now: u64) -> Result<SlotId> {
        self.check_slot_name(name)?;
        let slot = new.seal(&self.id(), self.master())?;
        let id = slot.id();
        self.update(|draft| {
            draft.slots.push(slot);
            draft.slot_records.push(SlotRecord { id: id.0, name: name.into(), added: now });
            Ok(id)
        })
    }

    /// Takes a way to open the keystore away.
    ///
    /// # Errors
    /// [`Error::LastAdministrator`] for the last slot that gives every right; else as
    /// [`Keystore::update`].
    pub fn remove_slot(&mut self, id: SlotId) -> Result<()> {
        self.update(|draft| {
            draft.slots.retain(|slot| slot.id() != id);
            Ok(())
        })
    }

    /// Puts a new slot of the same name into the place of another.
    ///
    /// # Errors
    /// As [`Keystore::add_slot`] and [`Keystore::remove_slot`].
    pub fn replace_slot(&mut self, old: SlotId, new: &NewSlot, now: u64) -> Result<SlotId> {
        let slot = new.seal(&self.id(), self.master())?;
        let id = slot.id();
        self.update(|draft| {
            for stored in draft.slots.iter_mut().filter(|stored| stored.id() == old) {
                *stored = slot.clone();
            }
            let named = draft.slot_records.iter().find(|record| record.id == old.0);
            let name = named.map_or(String::new(), |record| record.name.clone());
            draft.slot_records.push(SlotRecord { id: id.0, name, added: now });
            Ok(id)
        })
    }

    /// Proves that a secret opens a keyslot of this very keystore that gives every right; says which.
    ///
    /// # Errors
    /// [`Error::ServiceOnly`] for an unattended secret, whatever it opens; [`Error::WrongSecret`] when it
    /// opens no slot.
    pub fn authenticate(&self, secret: &Secret) -> Result<SlotId> {
        if !secret.kind().is_administrator() {
            return Err(Error::ServiceOnly);
        }
        match self.open_slot(secret)? {
            Some((slot, master)) if master.same_as(self.master()) => Ok(slot),
            _ => Err(Error::WrongSecret),
        }
    }

    fn check_slot_name(&self, name: &str) -> Result<()> {
        let printable = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ' ');
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        if name.len() > MAX_NAME || !name.chars().all(printable) || is_number {
            return Err(Error::SlotName);
        }
        let taken = |record: &SlotRecord| !name.is_empty() && record.name == name;
        if self.slot_records().iter().any(taken) {
            return Err(Error::SlotNameTaken(name.into()));
        }
        Ok(())
    }
}
