//! A new master key for the keystore, and with it a new key for the audit log's seals.

use super::list::slot_rows;
use super::now;
use crate::format::keystore::SlotId;
use crate::keystore::{Error, Keystore, Rewrap};
use crate::service::engine::{self, Engine};
use crate::service::protocol::{Answer, Failure, Secret};
use serde_json::json;

/// Gives the keystore a new master key; `given` and `dropped` say what becomes of its keyslots.
///
/// # Errors
/// As [`Keystore::rotate_master`]; nothing was changed then.
pub fn rotate(
    engine: &Engine,
    given: &[(usize, Rewrap)],
    dropped: &[String],
    shown: &Secret,
) -> Result<Answer, Failure> {
    engine.with_keystore(|keystore| {
        let dropped: Vec<SlotId> =
            dropped.iter().map(|which| keystore.find_slot(which)).collect::<Result<_, _>>()?;
        let given: Vec<(SlotId, Rewrap)> = given
            .iter()
            .map(|(number, rewrap)| Ok((numbered(keystore, *number)?, again(rewrap))))
            .collect::<Result<_, Error>>()?;
        keystore.rotate_master(shown, &given, &dropped, now())?;
        let fields = json!({ "keyslots": keystore.slots().count(), "dropped": dropped.len() });
        engine.log().rekey(engine::sealer(keystore)?, "master_rotated", fields);
        // The keystore knows the first line that the new key sealed, so none of the old key's can take its
        // place. Where it cannot be saved now, the next save does it.
        let _ = keystore.update(|_| Ok(()));
        Ok(Answer::Slots(slot_rows(keystore)))
    })
}

fn numbered(keystore: &Keystore, number: usize) -> Result<SlotId, Error> {
    let found = number.checked_sub(1).and_then(|index| keystore.slots().nth(index));
    found.map(|(slot, _)| slot.id()).ok_or_else(|| Error::NoSuchSlot(number.to_string()))
}

fn again(rewrap: &Rewrap) -> Rewrap {
    match rewrap {
        Rewrap::Same(secret) => Rewrap::Same(secret.duplicate()),
        Rewrap::Renewed(new) => Rewrap::Renewed(new.duplicate()),
    }
}
