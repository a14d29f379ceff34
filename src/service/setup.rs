//! Making a state directory.

use super::engine;
use super::keys::now;
use super::lock::StateLock;
use super::protocol::{Failure, FailureKind, NewSlot};
use super::run::make_directory;
use super::{Paths, client};
use crate::keystore::{self, Keystore};
use serde_json::json;

/// What to say where ciphertext is waiting for a keystore: another one does not open it.
pub fn ciphertext_without_keystore(paths: &Paths) -> Option<Failure> {
    let storage = paths.storage();
    let mut entries = std::fs::read_dir(&storage).ok()?;
    entries.next()?.ok()?;
    let message = format!("{} has ciphertext, and its keystore is missing", storage.display());
    let restore = client::command(paths, "key restore BACKUP");
    Some(Failure::new(FailureKind::NotRunning, message).hint(format!(
        "{restore}; or, when nothing of it is wanted any more, move {} away",
        storage.display()
    )))
}

/// Makes the state directory with a keystore that opens by its `first` keyslot.
///
/// # Errors
/// Failed when there is a keystore already or it cannot be written; nothing was changed then.
pub fn init(paths: &Paths, first: &NewSlot) -> Result<(), Failure> {
    if !paths.state().is_dir() {
        make_directory(paths.state(), 0o711)?;
    }
    let _lock = StateLock::take(paths)?;
    if !paths.keystore().exists()
        && let Some(failure) = ciphertext_without_keystore(paths)
    {
        return Err(failure);
    }
    // What may fail comes before there is a keystore, which a second attempt would have to leave alone.
    for (path, mode) in [(paths.log(), 0o700), (paths.storage(), 0o700), (paths.mount(), 0o555)] {
        make_directory(&path, mode)?;
    }
    let made = Keystore::create(&paths.keystore(), first, now()).map_err(|error| {
        let exists = matches!(error, keystore::Error::Exists(_));
        let failure = Failure::from(error);
        if exists {
            failure.hint("it was left as it is; `ezncrypt start` opens it")
        } else {
            failure
        }
    })?;
    let log = engine::open_log(paths, &made)?;
    log.write("initialised", json!({ "keystore": paths.keystore().to_string_lossy() }));
    log.finish();
    Ok(())
}
