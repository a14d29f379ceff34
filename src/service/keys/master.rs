//! A new master key for the keystore, and with it a new key for the audit log's seals.

use super::list::slot_rows;
use super::now;
use crate::format::keystore::SlotId;
use crate::keystore::Rewrap;
use crate::service::engine::{self, Engine};
use crate::service::protocol::{Answer, Failure, Secret};
use serde_json::json;

/// Gives the keystore a new master key; `given` and `dropped` say what becomes of its keyslots.
///
/// # Errors
/// As [`crate::keystore::Keystore::rotate_master`]; nothing was changed then.
pub fn rotate(
    engine: &Engine,
    given: &[([u8; 16], Rewrap)],
    dropped: &[[u8; 16]],
    shown: &Secret,
) -> Result<Answer, Failure> {
    engine.with_keystore(|keystore| {
        let dropped: Vec<SlotId> = dropped.iter().copied().map(SlotId).collect();
        let given: Vec<(SlotId, Rewrap)> =
            given.iter().map(|(id, rewrap)| (SlotId(*id), again(rewrap))).collect();
        keystore.rotate_master(shown, &given, &dropped, now())?;
        let fields = json!({ "keyslots": keystore.slots().count(), "dropped": dropped.len() });
        engine.log().rekey(engine::sealer(keystore)?, "master_rotated", fields);
        // The keystore knows the first line that the new key sealed, so none of the old key's can take its
        // place. Where it cannot be saved now, the next save does it.
        let _ = keystore.update(|_| Ok(()));
        Ok(Answer::Slots(slot_rows(keystore)))
    })
}

fn again(rewrap: &Rewrap) -> Rewrap {
    match rewrap {
        Rewrap::Same(secret) => Rewrap::Same(secret.duplicate()),
        Rewrap::Renewed(new) => Rewrap::Renewed(new.duplicate()),
    }
}
