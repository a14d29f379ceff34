//! A new master key: the body is sealed anew and every keyslot wrapped anew, in one save. Who knows the
//! old one, or a secret that was taken away, opens nothing that is saved from then on.
//!
//! The categories' keys stay. So do the keys that sealed the audit log: what they sealed can be checked.

use super::{Error, Keystore, NewSlot, Result, Secret, SlotRecord};
use crate::crypto::Key;
use crate::format::keystore::{Slot, SlotId, SlotKind};
use std::sync::Arc;

/// What a keyslot opens by under the new master key, where that does not follow from the slot.
pub enum Rewrap {
    /// By the same secret, which proves itself by opening the slot.
    Same(Secret),
    /// By a new recovery code: the old one is in a safe.
    Renewed(NewSlot),
}

impl Keystore {
    /// Draws a new master key. The slot that `shown` opens and RSA slots are wrapped anew by themselves;
    /// the others by what is `given` for them, or they are `dropped`. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::NotGiven`] names the slots that can be neither; [`Error::NotOfSlot`] one that what was given
    /// for it does not open; [`Error::SlotGone`] when one of them is not there; [`Error::LastAdministrator`];
    /// else as [`Keystore::authenticate`] and
    /// [`Keystore::update`]. Nothing was changed then.
    pub fn rotate_master(
        &mut self,
        shown: &Secret,
        given: &[(SlotId, Rewrap)],
        dropped: &[SlotId],
        now: u64,
    ) -> Result<()> {
        let shown = (self.authenticate(shown)?, shown);
        for id in given.iter().map(|(id, _)| id).chain(dropped) {
            self.known_slot(*id)?;
        }
        let successors = self.successors(shown, given, dropped)?;
        if !successors.iter().any(|successor| successor.new.kind().is_administrator()) {
            return Err(Error::LastAdministrator);
        }
        let (master, keystore) = (Key::random()?, self.id());
        let mut contents = self.contents().clone();
        let (mut slots, mut records, mut opened_by) = (Vec::new(), Vec::new(), None);
        for Successor { old, new, renewed } in successors {
            let slot = new.seal(&keystore, &master)?;
            if old == self.opened_by() {
                opened_by = Some(slot.id());
            }
            let record = contents.slots.iter().find(|record| record.id == old.0);
            records.extend(record.map(|record| SlotRecord {
                id: slot.id().0,
                name: record.name.clone(),
                added: if renewed { now } else { record.added },
            }));
            slots.push(slot);
        }
        contents.slots = records;
        contents.key_changes += 1;
        contents.audit_keys.push(Arc::new(self.audit_key()?));
        self.store_under(master, contents, slots)?;
        opened_by.into_iter().for_each(|slot| self.set_opened_by(slot));
        Ok(())
    }

    /// What each slot is followed by, in their order.
    fn successors(
        &self,
        shown: (SlotId, &Secret),
        given: &[(SlotId, Rewrap)],
        dropped: &[SlotId],
    ) -> Result<Vec<Successor>> {
        let (mut successors, mut missing) = (Vec::new(), Vec::new());
        for (index, slot) in self.stored_slots().iter().enumerate() {
            let old = slot.id();
            if dropped.contains(&old) {
                continue;
            }
            let for_it = given.iter().find(|(id, _)| *id == old).map(|(_, rewrap)| rewrap);
            let renewed = matches!(for_it, Some(Rewrap::Renewed(_)));
            let new = match for_it {
                _ if old == shown.0 => shown.1.again(slot),
                Some(rewrap) => {
                    Some(self.rewrapped(slot, rewrap)?.ok_or(Error::NotOfSlot(index + 1))?)
                }
                None => match slot {
                    Slot::Rsa(slot) => Some(NewSlot::Rsa(slot.spki().to_vec())),
                    _ => None,
                },
            };
            match new {
                Some(new) => {
                    successors.push(Successor { old, new, renewed: renewed && old != shown.0 })
                }
                None => missing.push(index + 1),
            }
        }
        if missing.is_empty() { Ok(successors) } else { Err(Error::NotGiven(missing)) }
    }

    /// None when what was given is not this slot's.
    fn rewrapped(&self, slot: &Slot, rewrap: &Rewrap) -> Result<Option<NewSlot>> {
        match rewrap {
            Rewrap::Same(secret) => match secret.open(&self.id(), slot)? {
                Some(master) if master.same_as(self.master()) => Ok(secret.again(slot)),
                _ => Ok(None),
            },
            Rewrap::Renewed(NewSlot::Stretched(secret, params)) => {
                let fits =
                    slot.kind() == Some(SlotKind::Recovery) && secret.kind() == SlotKind::Recovery;
                Ok(fits.then(|| NewSlot::Stretched(secret.duplicate(), *params)))
            }
            Rewrap::Renewed(NewSlot::Rsa(_)) => Ok(None),
        }
    }
}

/// What follows a slot.
struct Successor {
    old: SlotId,
    new: NewSlot,
    renewed: bool,
}
