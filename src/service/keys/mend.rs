//! Mending one copy of the keystore from the other, and telling of it.

use crate::keystore::{Keystore, Mended, damaged_path};
use crate::service::engine::Engine;
use crate::service::protocol::Failure;
use serde_json::{Value, json};

/// Tells the log of what [`mend`] did.
pub fn log(engine: &Engine, mended: Option<(&'static str, Value)>) {
    if let Some((event, fields)) = mended {
        engine.log().write(event, fields);
    }
}

/// Makes both copies of the keystore sound; returns what the log should say of it.
///
/// # Errors
/// When a damaged keystore cannot be put back.
pub fn mend(keystore: &mut Keystore) -> Result<Option<(&'static str, Value)>, Failure> {
    let path = keystore.path().to_string_lossy().into_owned();
    let damaged = damaged_path(keystore.path()).to_string_lossy().into_owned();
    Ok(match keystore.mend()? {
        Mended::Nothing => None,
        Mended::SecondCopy => Some(("keystore_copied", json!({ "keystore": path }))),
        Mended::Keystore(sequence) => Some((
            "keystore_mended",
            json!({ "keystore": path, "generation": sequence, "damaged": damaged }),
        )),
    })
}
