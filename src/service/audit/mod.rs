//! The audit log: who was let in or denied, what was changed, what was found damaged. JSON lines,
//! chained by hashes and sealed by a key of the keystore, so that what was changed or cut is told.
//!
//! A log that cannot be written stops nothing: the loss is counted and told by the next line that can
//! be written. Which lines are written is their writers' business; whether what is in the files is what
//! was written is told by [`Log::verify`]. The form is specified in `docs/audit.md`.

mod asker;
mod attach;
mod finding;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod limit;
mod line;
mod lines;
pub mod read;
mod rotate;
mod scan;
mod seal;
mod syslog;
mod verify;
mod writer;

pub use asker::on_behalf;
pub use finding::{Finding, Report, What};
pub use line::Head;
pub use seal::Sealer;

use crate::volume::Place;
use crate::volume::file::Event;
use limit::Limits;
use line::Fields;
use serde_json::{Value, json};
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use writer::Writer;

/// How long a file may grow before it is put aside.
pub const ROTATE_AT: u64 = 16 << 20;
/// How long a line may wait for a seal.
pub const SEAL_AFTER: Duration = Duration::from_secs(60);
/// How often [`Log::tick`] is to be called.
pub const TICK: Duration = Duration::from_secs(1);

/// What a log is opened with.
pub struct Settings {
    /// The file.
    pub path: PathBuf,
    /// The socket of the system's log.
    pub syslog: PathBuf,
    /// What makes the seals.
    pub sealer: Sealer,
    /// The newest line that the keystore knows of.
    pub kept: Option<Head>,
    /// [`ROTATE_AT`].
    pub rotate_at: u64,
    /// [`SEAL_AFTER`].
    pub seal_after: Duration,
}

/// The open log.
pub struct Log {
    state: Mutex<State>,
    /// A sync failed. The kernel may have dropped lines and then tells of a success.
    sync_failed: AtomicBool,
}

struct State {
    writer: Writer,
    limits: Limits,
}

impl Log {
    /// Opens the log for appending; without one everything written is counted as lost. Nothing is
    /// written or made before the first line.
    pub fn open(settings: Settings) -> Self {
        let state = State { writer: Writer::new(settings), limits: Limits::default() };
        Self { state: Mutex::new(state), sync_failed: AtomicBool::new(false) }
    }

    /// Writes one line: its number, the time, the event, the fields, the hash of the line before.
    pub fn write(&self, event: &str, fields: Value) {
        let mut fields = object(fields);
        asker::add(&mut fields);
        self.state().writer.write(event, fields);
    }

    /// Seals with another key from now on, and writes a line about it.
    pub fn rekey(&self, sealer: Sealer, event: &str, fields: Value) {
        let mut fields = object(fields);
        asker::add(&mut fields);
        let seals = {
            let mut state = self.state();
            state.writer.rekey(sealer, event, fields);
            state.writer.take_seals()
        };
        self.sync(&seals);
    }

    /// Writes what somebody may cause in a loop (a denial, an I/O error), or counts it where there is too
    /// much: the next line of that sort tells, or a line of its own when there is none for a while.
    pub fn write_limited(&self, event: &str, fields: Value) {
        self.write_limited_at(Instant::now(), event, fields);
    }

    fn write_limited_at(&self, now: Instant, event: &str, fields: Value) {
        let mut state = self.state();
        let user = fields["who"]["user"].as_u64();
        let Some(left_out) = state.limits.admit(event, user, now) else { return };
        let mut fields = object(fields);
        asker::add(&mut fields);
        if left_out > 0 {
            fields.insert("left_out_before".into(), left_out.into());
        }
        state.writer.write(event, fields);
    }

    /// Does what is due: tells what was left out, seals, syncs. To be called every [`TICK`].
    pub fn tick(&self) {
        self.tick_at(Instant::now());
    }

    fn tick_at(&self, now: Instant) {
        let seals = {
            let mut state = self.state();
            state.tell_left_out(false, now);
            state.writer.seal_when_due(now);
            state.writer.take_seals()
        };
        // Not under the lock: a slow disk must not keep decisions waiting.
        self.sync(&seals);
    }

    /// Tells what was left out, seals, forgets the key, syncs. What is written afterwards is chained.
    pub fn finish(&self) {
        let seals = {
            let mut state = self.state();
            state.tell_left_out(true, Instant::now());
            state.writer.finish();
            state.writer.take_seals()
        };
        self.sync(&seals);
    }

    /// The newest line once it is on the disk; none when that is not known, as after any sync that failed.
    pub fn durable_head(&self) -> Option<Head> {
        let writer::Unsynced { files, head } = self.state().writer.take_unsynced();
        self.sync(&files).then_some(head).flatten()
    }

    /// Compares the files with what must be in them. Writing goes on meanwhile; what is written after
    /// the beginning is not looked at.
    pub fn verify(&self) -> Report {
        let (parts, expected) = {
            let state = self.state();
            (state.writer.parts(), state.writer.expected())
        };
        verify::verify(parts, &expected)
    }

    /// Writes what was found about a file's bytes.
    pub fn file_event(&self, place: &Place, event: Event) {
        let (what, details) = match event {
            Event::SizePutRight { claimed, actual } => {
                ("size_put_right", json!({ "claimed": claimed, "actual": actual }))
            }
            Event::Unwritten { claimed } => ("unwritten", json!({ "claimed": claimed })),
            Event::EndMarkMissing => ("end_mark_missing", json!({})),
            Event::EndMarkInside { sector } => ("end_mark_inside", json!({ "sector": sector })),
            Event::HeaderCopyDamaged => ("header_copy_damaged", json!({})),
            Event::HeaderDamaged => ("header_damaged", json!({})),
            Event::SyncFailed => ("sync_failed", json!({})),
            Event::SectorDamaged { sector } => ("sector_damaged", json!({ "sector": sector })),
        };
        self.write_limited(what, with_place(details, place));
    }

    /// Writes that a request panicked, and what is read-only from now on.
    pub fn request_panicked(&self, place: Option<&Place>, what: &str) {
        let read_only = if place.is_some() { "this" } else { "everything" };
        let fields = json!({ "message": what, "read_only": read_only });
        let fields = match place {
            Some(place) => with_place(fields, place),
            None => fields,
        };
        self.write("request_panicked", fields);
    }

    /// Syncs all, and says whether all that was ever to be synced is on the disk.
    fn sync(&self, files: &[Arc<File>]) -> bool {
        let failed = files.iter().filter(|file| file.sync_data().is_err()).count();
        if failed > 0 {
            self.sync_failed.store(true, Relaxed);
        }
        !self.sync_failed.load(Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell_left_out(&mut self, all: bool, now: Instant) {
        for (event, lines) in self.limits.left_out(all, now) {
            let fields = json!({ "of": event, "left_out": lines });
            self.writer.write("lines_left_out", object(fields));
        }
    }
}

/// Adds category and path to the fields of a line.
pub fn with_place(mut fields: Value, place: &Place) -> Value {
    fields["category"] = format!("@{}", place.category).into();
    fields["path"] = place.path.to_string_lossy().into();
    fields
}

fn object(fields: Value) -> Fields {
    match fields {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

#[cfg(test)]
mod tests;
