//! The keystore's own backup: made while the service runs, put back while it does not.

use super::now;
use crate::keystore::{self, BackupRecord, Keystore, Sealed};
use crate::service::engine::{self, Engine};
use crate::service::failures::ROOM;
use crate::service::lock::StateLock;
use crate::service::protocol::{Answer, BackupRow, Failure, FailureKind, Secret};
use crate::service::run::{harden, make_directory};
use crate::service::{Paths, failed, places};
use crate::storage::durable;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Writes the keystore, sealed as it is, to `path`, durably, and keeps when that was. The keystore is free
/// while the file is written: where `path` leads may not answer.
///
/// # Errors
/// Failed when there is something at `path` (without `force`) or it cannot be written; then the keystore
/// remembers the backup before. Also when the file is written and that cannot be remembered.
pub fn backup(engine: &Engine, path: &Path, force: bool) -> Result<Answer, Failure> {
    refuse_ours(engine.paths(), path)?;
    places::require_replaceable(path)?;
    let (bytes, record) = engine.with_keystore(|keystore| {
        let record = BackupRecord { made: now(), key_changes: keystore.key_changes() };
        Ok((keystore.sealed_bytes().to_vec(), record))
    })?;
    write(path, &bytes, force)?;
    engine.with_keystore(|keystore| remember(keystore, record)).map_err(|failure| {
        let message = format!("the keystore is backed up, but does not know: {}", failure.message);
        Failure { message, ..failure }
    })?;
    let shown = path.to_string_lossy();
    engine.log().write("keystore_backed_up", json!({ "path": shown }));
    Ok(Answer::Nothing)
}

fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    let written = match force {
        true => durable::replace_unkept(path, bytes, 0o600),
        false => durable::create(path, bytes, 0o600),
    };
    written.map_err(|error| {
        let kind = if error.is_no_space() { FailureKind::NoSpace } else { FailureKind::Failed };
        let failure = Failure::new(kind, format!("cannot back the keystore up: {error}"));
        match error {
            durable::Error::Exists(_) => {
                failure.hint("name another file, or overwrite it with --force")
            }
            full if full.is_no_space() => failure.hint(ROOM),
            _ => failure,
        }
    })
}

/// Unless a later one was finished meanwhile.
fn remember(keystore: &mut Keystore, record: BackupRecord) -> Result<(), Failure> {
    let later = |(known, _): (BackupRecord, bool)| known.key_changes > record.key_changes;
    if keystore.backup().is_some_and(later) {
        return Ok(());
    }
    Ok(keystore.update(|draft| {
        draft.backup = Some(record);
        Ok(())
    })?)
}

/// What is known of the last backup, for the status.
pub fn row(keystore: &Keystore) -> Option<BackupRow> {
    let (record, keys_changed_since) = keystore.backup()?;
    let age_seconds = now().saturating_sub(record.made);
    Some(BackupRow { made: record.made, age_seconds, keys_changed_since })
}

/// Puts a backup of the keystore in the place of what is there, while no service runs; also into a new
/// state directory. What was there is kept, as [`Keystore::put_in_place`] says; returns these files.
///
/// # Errors
/// Busy while a service runs; wrong secret or damaged for a backup that does not open; failed, without
/// `force`, when the keystore there is newer or another one. Nothing was changed then.
pub fn restore(
    paths: &Paths,
    from: &Path,
    secret: &Secret,
    force: bool,
) -> Result<Vec<PathBuf>, Failure> {
    if !paths.state().is_dir() {
        make_directory(paths.state(), 0o711)?;
    }
    let paths = &paths.resolved();
    let _lock = StateLock::take(paths)?;
    harden()?;
    if !secret.kind().is_administrator() {
        return Err(keystore::Error::ServiceOnly.into());
    }
    let backup = Sealed::load_alone(from)?;
    let mut opened = backup.unlock(secret)?;
    if !force {
        refuse_newer(paths, &backup)?;
    }
    let kept = opened.put_in_place(&paths.keystore())?;
    for (directory, mode) in
        [(paths.storage(), 0o700), (paths.log(), 0o700), (paths.mount(), 0o555)]
    {
        make_directory(&directory, mode)?;
    }
    let log = engine::open_log(paths, &opened)?;
    let (from, generation) = (from.to_string_lossy(), opened.sequence());
    let shown: Vec<_> = kept.iter().map(|kept| kept.to_string_lossy()).collect();
    let fields = json!({ "from": from, "generation": generation, "kept": shown });
    log.write("keystore_restored", fields);
    log.finish();
    Ok(kept)
}

fn refuse_newer(paths: &Paths, backup: &Sealed) -> Result<(), Failure> {
    let path = paths.keystore();
    let there = match Sealed::load(&path) {
        Ok(there) => there,
        Err(keystore::Error::Missing(_)) => return Ok(()),
        // Neither copy is a keystore: that is what backups are for.
        Err(keystore::Error::Damaged { .. }) => return Ok(()),
        Err(other) => return Err(other.into()),
    };
    // The second copy may be the one that is newer.
    let (ours, theirs) = (there.copies().map(|(_, sequence)| sequence).max(), backup.sequence());
    let why = if there.copies().any(|(id, _)| id != backup.id()) {
        "is another one".to_owned()
    } else if let Some(ours) = ours.filter(|ours| *ours > theirs) {
        format!("is newer (generation {ours}, the backup has {theirs})")
    } else {
        return Ok(());
    };
    let message = format!("the keystore {} {why}", path.display());
    let kept = path.display();
    Err(Failure::new(FailureKind::Failed, message).hint(format!(
        "--force replaces it all the same, and keeps it as {kept}.replaced.GENERATION"
    )))
}

fn refuse_ours(paths: &Paths, path: &Path) -> Result<(), Failure> {
    if places::is_ours(path, paths)? {
        return Err(failed("cannot write there", &path.display()).hint(format!(
            "name a file outside {}: whatever takes that away would take the backup too",
            paths.state().display()
        )));
    }
    Ok(())
}
