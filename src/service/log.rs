//! The log of decisions and events: JSON lines, appended.
//!
//! A log that cannot be written stops nothing: the loss is counted and told by the next line that can
//! be written.

use crate::volume::Place;
use crate::volume::file::Event;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The open log.
pub struct Log {
    state: Mutex<State>,
}

struct State {
    file: Option<File>,
    lost: u64,
    /// Of each event whose lines are limited, so that none crowds out another.
    limits: HashMap<String, Limit>,
}

struct Limit {
    /// When the second began in which lines are counted, and how many there were in it.
    second: Instant,
    lines: u32,
    /// Lines that were left out since the last one that was written.
    left_out: u64,
}

impl Default for Limit {
    fn default() -> Self {
        Self { second: Instant::now(), lines: 0, left_out: 0 }
    }
}

/// Lines of one limited event in a second at most: whoever is denied in a loop must not fill the disk.
const LIMITED_A_SECOND: u32 = 50;

impl Log {
    /// Opens the log for appending; without one everything written is counted as lost.
    pub fn open(path: &Path) -> Self {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        let file = options.custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC).open(path).ok();
        Self { state: Mutex::new(State { file, lost: 0, limits: HashMap::new() }) }
    }

    /// Writes what somebody may cause in a loop (a denial, an I/O error), or counts it where there is too
    /// much: the next line of that sort tells.
    pub fn write_limited(&self, event: &str, mut fields: Value) {
        let mut state = self.state();
        let limit = state.limits.entry(event.to_owned()).or_default();
        if limit.second.elapsed() >= Duration::from_secs(1) {
            (limit.second, limit.lines) = (Instant::now(), 0);
        }
        limit.lines = limit.lines.saturating_add(1);
        if limit.lines > LIMITED_A_SECOND {
            limit.left_out += 1;
            return;
        }
        if limit.left_out > 0 {
            fields["left_out_before"] = limit.left_out.into();
            limit.left_out = 0;
        }
        drop(state);
        self.write(event, fields);
    }

    /// Writes one line: time, event, and the fields.
    pub fn write(&self, event: &str, fields: Value) {
        let mut state = self.state();
        let mut line = Map::new();
        line.insert("time".into(), jiff::Timestamp::now().to_string().into());
        line.insert("event".into(), event.into());
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        if state.lost > 0 {
            line.insert("lines_lost_before".into(), state.lost.into());
        }
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        let written = state.file.as_mut().map(|file| file.write_all(text.as_bytes()));
        state.lost = if matches!(written, Some(Ok(()))) { 0 } else { state.lost + 1 };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what was found about a file's bytes.
    pub fn file_event(&self, place: &Place, event: Event) {
        let (what, details) = match event {
            Event::SizePutRight { claimed, actual } => {
                ("size_put_right", json!({ "claimed": claimed, "actual": actual }))
            }
            Event::EndMarkMissing => ("end_mark_missing", json!({})),
            Event::EndMarkInside { sector } => ("end_mark_inside", json!({ "sector": sector })),
            Event::HeaderCopyDamaged => ("header_copy_damaged", json!({})),
            Event::HeaderDamaged => ("header_damaged", json!({})),
            Event::SectorDamaged { sector } => ("sector_damaged", json!({ "sector": sector })),
        };
        self.write_limited(what, with_place(details, place));
    }
}

/// Adds category and path to the fields of a line.
pub fn with_place(mut fields: Value, place: &Place) -> Value {
    fields["category"] = format!("@{}", place.category).into();
    fields["path"] = place.path.to_string_lossy().into();
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_denials_is_counted_and_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let log = Log::open(&path);
        for _ in 0..10_000 {
            log.write_limited("denied", json!({}));
        }
        log.write_limited("guard_refused", json!({}));
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!((1..5000).contains(&lines), "{lines} lines");
        assert!(text.contains("guard_refused"), "one event crowded out another");
    }

    #[test]
    fn lines_that_could_not_be_written_are_counted() {
        let log = Log::open(Path::new("/nowhere/log"));
        log.write("start", json!({}));
        log.write("start", json!({}));
        assert_eq!(log.state().lost, 2);
    }
}
