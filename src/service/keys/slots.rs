//! Adding, removing and changing ways to open the keystore.

use super::list::{kind_name, slot_rows};
use super::now;
use crate::format::keystore::SlotId;
use crate::keystore::{self, Keystore};
use crate::service::engine::Engine;
use crate::service::protocol::{Answer, Failure, FailureKind, NewSlot, Secret, Which};
use serde_json::json;

/// Adds a keyslot called `name`.
///
/// # Errors
/// As [`Keystore::add_slot`]; nothing was changed then.
pub fn add(engine: &Engine, new: &NewSlot, name: &str) -> Result<Answer, Failure> {
    let change = |keystore: &mut Keystore| Ok(keystore.add_slot(new, name, now())?);
    changed(engine, "keyslot_added", change)
}

/// Removes a keyslot.
///
/// # Errors
/// As [`Keystore::remove_slot`]; nothing was changed then.
pub fn remove(engine: &Engine, which: &Which) -> Result<Answer, Failure> {
    let (id, described) = engine.with_keystore(|keystore| {
        let id = find(keystore, which)?;
        let described = describe(keystore, id);
        keystore.remove_slot(id)?;
        Ok((id, described))
    })?;
    log(engine, "keyslot_removed", id, described);
    rows(engine)
}

/// Puts a new slot in the place of another or, where none is named, of the one that `shown` opens.
///
/// # Errors
/// Usage when the new slot is of another kind; as [`Keystore::replace_slot`]. Nothing was changed then.
pub fn change(
    engine: &Engine,
    which: Option<&Which>,
    new: &NewSlot,
    shown: &Secret,
) -> Result<Answer, Failure> {
    changed(engine, "keyslot_changed", |keystore| {
        let old = match which {
            Some(which) => find(keystore, which)?,
            None => keystore.authenticate(shown)?,
        };
        let kind = keystore.slots().find(|(slot, _)| slot.id() == old);
        if kind.and_then(|(slot, _)| slot.kind()) != Some(new.kind()) {
            let message = "a keyslot is changed to a new secret of its own kind only";
            return Err(Failure::new(FailureKind::Usage, message)
                .hint("add the other one with `ezncrypt key add`, then remove this one"));
        }
        Ok(keystore.replace_slot(old, new, now())?)
    })
}

fn find(keystore: &Keystore, which: &Which) -> keystore::Result<SlotId> {
    match which {
        Which::Id(id) => keystore.known_slot(SlotId(*id)),
        Which::Name(name) => keystore.find_slot(name),
    }
}

fn changed(
    engine: &Engine,
    event: &str,
    change: impl FnOnce(&mut Keystore) -> Result<SlotId, Failure>,
) -> Result<Answer, Failure> {
    let (id, described) = engine.with_keystore(|keystore| {
        let id = change(keystore)?;
        Ok((id, describe(keystore, id)))
    })?;
    log(engine, event, id, described);
    rows(engine)
}

fn rows(engine: &Engine) -> Result<Answer, Failure> {
    engine.with_keystore(|keystore| Ok(Answer::Slots(slot_rows(keystore))))
}

/// Kind and name of a slot.
fn describe(keystore: &Keystore, id: SlotId) -> (String, String) {
    let found = keystore.slots().find(|(slot, _)| slot.id() == id);
    found.map_or_else(Default::default, |(slot, record)| {
        (kind_name(slot), record.map_or(String::new(), |record| record.name.clone()))
    })
}

fn log(engine: &Engine, event: &str, id: SlotId, (kind, name): (String, String)) {
    let id = crate::service::hex(&id.0);
    engine.log().write(event, json!({ "keyslot": id, "kind": kind, "name": name }));
}
