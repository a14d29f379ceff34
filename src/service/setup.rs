//! Making a state directory.

use super::engine;
use super::failures::refused_at;
use super::keys::now;
use super::lock::StateLock;
use super::protocol::{Failure, FailureKind, NewSlot};
use super::run::{clear_mount_point, make_directory, refuse_occupied};
use super::{Paths, client};
use crate::keystore::{self, Keystore};
use serde_json::json;
use std::io::ErrorKind;

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

/// Makes sure that there is no keystore, nor a second copy of one.
///
/// # Errors
/// Failed when there is one; or when it cannot be told.
pub fn refuse_existing(paths: &Paths) -> Result<(), Failure> {
    let keystore = paths.keystore();
    for path in [keystore.clone(), keystore::backup_path(&keystore)] {
        let found = path.symlink_metadata();
        if found.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            continue;
        }
        found.map_err(|error| refused_at(&path, "cannot look for", &error))?;
        let message = format!("there is a keystore already at {}", path.display());
        let start = client::command(paths, "start");
        return Err(Failure::new(FailureKind::Failed, message).hint(format!(
            "it was left as it is: go on with `{start}`, or name another --state-dir"
        )));
    }
    Ok(())
}

/// Makes the state directory with a keystore that opens by its `first` keyslot.
///
/// # Errors
/// Failed when there is a keystore already, when something else is in the way of the mount, or when it cannot be
/// written; nothing was changed then.
pub fn init(paths: &Paths, first: &NewSlot) -> Result<(), Failure> {
    if !paths.state().is_dir() {
        make_directory(paths.state(), 0o711)?;
    }
    let _lock = StateLock::take(paths)?;
    // Before anything that is in the way of a new instance: it may be of the one that there is.
    refuse_existing(paths)?;
    if let Some(failure) = ciphertext_without_keystore(paths) {
        return Err(failure);
    }
    refuse_occupied(&paths.mount())?;
    clear_mount_point(&paths.mount())?;
    // What may fail comes before there is a keystore, which a second attempt would have to leave alone.
    for (path, mode) in [(paths.log(), 0o700), (paths.storage(), 0o700), (paths.mount(), 0o555)] {
        make_directory(&path, mode)?;
    }
    let made = Keystore::create(&paths.keystore(), first, now()).map_err(|error| match error {
        // What a save that was broken off kept of the one before.
        keystore::Error::Exists(previous) => {
            let hint = format!(
                "look at it first; then: mv {0} {1}",
                previous.display(),
                paths.keystore().display()
            );
            Failure::from(keystore::Error::Exists(previous)).hint(hint)
        }
        other => other.into(),
    })?;
    let log = engine::open_log(paths, &made)?;
    log.write("initialised", json!({ "keystore": paths.keystore().to_string_lossy() }));
    log.finish();
    Ok(())
}
