//! Changing a category's key while its files are in use.
//!
//! The new key is durable in the keystore before any header is wrapped under it, together with a record
//! of what is going on, which is the journal: work that was broken off is taken up when a service
//! starts, or when it is asked for again. The old keys leave the keystore only after every file was
//! seen under the new one, and all of that is on the disk.

mod passes;
mod state;

pub use state::State;

use super::engine::Engine;
use super::failures::{ROOM, refused_at};
use super::protocol::{Answer, Failure, FailureKind, Progress, RotationRow};
use super::{client, keys, migration};
use crate::keystore::{self, Keystore, RotationRecord};
use passes::{Failed, Outcome, Passes};
use serde_json::json;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Bytes a second that are re-encrypted when nobody says otherwise.
pub const DEFAULT_RATE: u64 = 64 << 20;

/// Files named in one failure; all are told as they are met.
const NAMED: usize = 10;

/// How often the thread that takes up earlier work asks for its turn.
const TURN: Duration = Duration::from_millis(200);

/// What is asked for.
pub struct Wanted<'a> {
    /// The category, with or without its `@`.
    pub category: &'a str,
    /// Re-encrypt the contents as well.
    pub data: bool,
    /// Bytes a second at most, 0 for as many as possible; none for what was said before.
    pub rate: Option<u64>,
}

/// Gives a category a new key and brings all of its files under it, or goes on with that. Where that is at
/// work already, a rate that is said is the rate from now on.
///
/// # Errors
/// Busy while anything of the sort is at work; damaged when files could not be brought under the new
/// key: the others are, and the old keys stay.
pub fn rotate(
    engine: &Engine,
    wanted: &Wanted<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let name = keystore::category::parse(wanted.category)
        .map_err(|error| Failure::new(FailureKind::Usage, error.to_string()))?;
    let _turn = match engine.begin_migration(about(name)) {
        Ok(turn) => turn,
        Err(busy) => return change_rate(engine, name, wanted)?.ok_or(busy),
    };
    migration::settle_all(engine, progress);
    require_settled(engine, name)?;
    let pending = engine.with_keystore(|keystore| Ok(keystore.rotation(name)))?;
    let record = match pending {
        Some(record) => take_up(engine, name, record, wanted, progress)?,
        None => begin(engine, name, wanted)?,
    };
    carry_out(engine, name, record, progress)?;
    Ok(Answer::Nothing)
}

/// Takes up what an earlier service did not finish, from a thread of its own.
///
/// # Errors
/// When there can be no thread.
pub fn resume_in_background(engine: &Arc<Engine>) -> io::Result<()> {
    let engine = engine.clone();
    let pending = engine.with_keystore(|keystore| {
        Ok(keystore.rotations().keys().cloned().collect::<Vec<String>>())
    });
    let pending = pending.unwrap_or_default();
    if pending.is_empty() {
        return Ok(());
    }
    let resume = move || pending.iter().for_each(|name| resume(&engine, name));
    std::thread::Builder::new().name("rotation".into()).spawn(resume).map(drop)
}

fn resume(engine: &Engine, name: &str) {
    let _turn = loop {
        if engine.works().is_stopping() {
            return;
        }
        match engine.begin_migration(about(name)) {
            Ok(turn) => break turn,
            Err(_) => std::thread::sleep(TURN),
        }
    };
    let Ok(Some(record)) = engine.with_keystore(|keystore| Ok(keystore.rotation(name))) else {
        return;
    };
    log_record(engine, "key_rotation_resumed", name, &record);
    // What goes wrong is in the log.
    let _ = carry_out(engine, name, record, &mut |_| ());
}

fn about(name: &str) -> String {
    format!("changing the key of @{name}")
}

fn begin(engine: &Engine, name: &str, wanted: &Wanted<'_>) -> Result<RotationRecord, Failure> {
    let rate = wanted.rate.unwrap_or(DEFAULT_RATE);
    let record = engine.with_keystore(|keystore| {
        let before = keystore.category(name).cloned();
        let record =
            keystore.update(|draft| draft.rotate_category(name, wanted.data, rate, keys::now()))?;
        if let (Err(failure), Some(before)) = (both_copies(keystore), before) {
            keystore.update(|draft| {
                draft.abandon_rotation(name, &before);
                Ok(())
            })?;
            return Err(failure);
        }
        Ok(record)
    })?;
    // From here on new files are under the new key.
    engine.refresh()?;
    log_record(engine, "key_rotation_started", name, &record);
    Ok(record)
}

fn take_up(
    engine: &Engine,
    name: &str,
    mut record: RotationRecord,
    wanted: &Wanted<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<RotationRecord, Failure> {
    if wanted.data && !record.data {
        let message =
            format!("an earlier change of the key of @{name}, without --data, is not finished");
        let finish = client::command(engine.paths(), &format!("key rotate @{name}"));
        return Err(Failure::new(FailureKind::Busy, message)
            .hint(format!("finish that one first: {finish}")));
    }
    if let Some(rate) = wanted.rate.filter(|rate| *rate != record.rate) {
        record.rate = rate;
        keep_rate(engine, name, rate)?;
    }
    let with_data = if record.data { " with --data" } else { "" };
    progress(Progress::Step(format!("going on with an earlier change of the key{with_data}")));
    log_record(engine, "key_rotation_resumed", name, &record);
    Ok(record)
}

/// Has the work that goes on go on at the rate that is wanted; nothing when it is about something else.
fn change_rate(
    engine: &Engine,
    name: &str,
    wanted: &Wanted<'_>,
) -> Result<Option<Answer>, Failure> {
    let is_this =
        |row: RotationRow| row.category == format!("@{name}") && (row.data || !wanted.data);
    let Some(rate) = wanted.rate.filter(|_| engine.rotation().running().is_some_and(is_this))
    else {
        return Ok(None);
    };
    keep_rate(engine, name, rate)?;
    engine.rotation().set_rate(rate);
    engine
        .log()
        .write("key_rotation_rate", json!({ "category": format!("@{name}"), "rate": rate }));
    Ok(Some(Answer::UnderWay))
}

fn keep_rate(engine: &Engine, name: &str, rate: u64) -> Result<(), Failure> {
    engine.with_keystore(|keystore| {
        Ok(keystore.update(|draft| {
            draft.set_rotation_rate(name, rate);
            Ok(())
        })?)
    })
}

/// Why nothing else may be done to the category's files, when a key is being changed now.
pub fn at_work(engine: &Engine) -> Option<Failure> {
    let row = engine.rotation().running()?;
    let message = format!("the key of {} is being changed", row.category);
    let status = client::command(engine.paths(), "status");
    Some(Failure::new(FailureKind::Busy, message).hint(format!("{status} tells how far it is")))
}

/// How far a change of keys is: the one at work, or else one that waits for being finished.
pub fn row(engine: &Engine) -> Option<RotationRow> {
    engine.rotation().running().or_else(|| {
        let waiting = engine.with_keystore(|keystore| {
            let first = keystore.rotations().iter().next();
            Ok(first.map(|(name, record)| passes::row_of(name, record)))
        });
        waiting.ok().flatten()
    })
}

/// Locations that are being encrypted or decrypted have files where nobody looks for them.
fn require_settled(engine: &Engine, name: &str) -> Result<(), Failure> {
    let locations = engine.locations();
    let unsettled = locations
        .iter()
        .find(|location| location.category == name && location.state != keystore::State::Encrypted);
    let Some(location) = unsettled else { return Ok(()) };
    let path = location.path.display();
    let message = format!("{path} is neither encrypted nor decrypted: that was interrupted");
    Err(Failure::new(FailureKind::Busy, message)
        .hint("`ezncrypt audit` tells why it could not be finished; mend that and start again"))
}

/// No header may be wrapped under a key that a single damaged sector could take away: the second copy
/// of the keystore must have it, too.
fn both_copies(keystore: &mut Keystore) -> Result<(), Failure> {
    keystore.mend()?;
    keystore.require_second_copy().map_err(|error| {
        let message = format!("the second copy of the keystore must have the new key: {error}");
        Failure { message, ..Failure::from(error) }
    })
}

/// What the disk may not have taken, the next run writes again.
fn distrust(engine: &Engine, name: &str) {
    let noted = engine.with_keystore(|keystore| {
        Ok(keystore.update(|draft| {
            draft.distrust_rotation(name);
            Ok(())
        })?)
    });
    if let Err(failure) = noted {
        let fields = json!({ "category": format!("@{name}"), "reason": failure.message });
        engine.log().write("key_rotation_distrust_not_noted", fields);
    }
}

fn carry_out(
    engine: &Engine,
    name: &str,
    record: RotationRecord,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Failure> {
    let done = work(engine, name, record, progress);
    match &done {
        Ok(()) => log_record(engine, "key_rotation_finished", name, &record),
        Err(_) if engine.works().is_stopping() => {}
        Err(failure) => {
            let fields = json!({ "category": format!("@{name}"), "reason": failure.message });
            engine.log().write("key_rotation_incomplete", fields);
        }
    }
    done
}

fn work(
    engine: &Engine,
    name: &str,
    record: RotationRecord,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Failure> {
    // Until the old key is gone: who stops the service meanwhile is not told to wait for something else.
    let row = RotationRow { running: true, ..passes::row_of(name, &record) };
    let running = engine.rotation().begin(engine.works(), row, record.rate);
    require_settled(engine, name)?;
    engine.with_keystore(both_copies)?;
    let what = if record.data { "re-encrypting files" } else { "wrapping the keys of files anew" };
    progress(Progress::Part { who: "ezncrypt".into(), what: format!("{what} of @{name}") });
    let outcome = Passes::new(engine, name, record, &running, progress).run();
    match outcome {
        Outcome::Stopped => {
            let message = format!("the service ends, and the key of @{name} is not changed yet");
            return Err(Failure::new(FailureKind::Failed, message)
                .hint("it goes on by itself when the service is started"));
        }
        Outcome::Incomplete(failed) => return Err(incomplete(engine, name, &failed)),
        Outcome::Complete => {}
    }
    progress(Progress::Step("writing to disk".into()));
    sync_storage(engine).map_err(|error| {
        distrust(engine, name);
        let storage = engine.paths().storage();
        refused_at(&storage, "cannot sync the ciphertext in", &error)
    })?;
    engine.with_keystore(|keystore| {
        Ok(keystore.update(|draft| {
            draft.retire_epochs(name);
            Ok(())
        })?)
    })?;
    engine.refresh()?;
    progress(Progress::PartDone);
    Ok(())
}

/// Whatever was written before, by this process or by one that was killed, is on the disk when this
/// returns.
fn sync_storage(engine: &Engine) -> io::Result<()> {
    let storage = std::fs::File::open(engine.paths().storage())?;
    Ok(rustix::fs::syncfs(storage)?)
}

fn incomplete(engine: &Engine, name: &str, failed: &[Failed]) -> Failure {
    let told = |Failed { path, why, .. }: &Failed| format!("{} ({why})", path.display());
    let named = failed.iter().take(NAMED).map(told);
    let named = named.collect::<Vec<_>>().join(", ");
    let more = if failed.len() > NAMED { ", and more" } else { "" };
    let message = format!(
        "{} of @{name} could not be brought under the new key: {named}{more}; all others are, and \
         the old key is kept for these",
        super::counted(failed.len() as u64, "file")
    );
    let again = client::command(engine.paths(), &format!("key rotate @{name}"));
    let kinds = [FailureKind::Damaged, FailureKind::NoSpace];
    let first = kinds.into_iter().find(|kind| failed.iter().any(|file| file.kind == *kind));
    match first.unwrap_or(FailureKind::Failed) {
        FailureKind::Damaged => Failure::new(FailureKind::Damaged, message)
            .hint(format!("restore them from a backup or remove them, then: {again}")),
        FailureKind::NoSpace => Failure::new(FailureKind::NoSpace, message).hint(ROOM),
        other => Failure::new(other, message).hint(format!(
            "see why above; once that is mended (a disk that failed: dmesg tells more): {again}"
        )),
    }
}

fn log_record(engine: &Engine, event: &str, name: &str, record: &RotationRecord) {
    let RotationRecord { target, data, rate, .. } = record;
    let category = format!("@{name}");
    let fields = json!({ "category": category, "epoch": target, "data": data, "rate": rate });
    engine.log().write(event, fields);
}
