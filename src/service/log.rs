//! The log of decisions and events: JSON lines, appended.
//!
//! A log that cannot be written stops nothing: the loss is counted and told by the next line that can
//! be written.

use crate::volume::Place;
use crate::volume::file::Event;
use serde_json::{Map, Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The open log.
pub struct Log {
    state: Mutex<State>,
}

struct State {
    file: Option<File>,
    lost: u64,
}

impl Log {
    /// Opens the log for appending; without one everything written is counted as lost.
    pub fn open(path: &Path) -> Self {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        let file = options.custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC).open(path).ok();
        Self { state: Mutex::new(State { file, lost: 0 }) }
    }

    /// Writes one line: time, event, and the fields.
    pub fn write(&self, event: &str, fields: Value) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Writes what was found about a file's bytes.
    pub fn file_event(&self, place: &Place, event: Event) {
        let (what, details) = match event {
            Event::SizePutRight { claimed, actual } => {
                ("size_put_right", json!({ "claimed": claimed, "actual": actual }))
            }
            Event::EndMarkMissing => ("end_mark_missing", json!({})),
            Event::EndMarkInside { sector } => ("end_mark_inside", json!({ "sector": sector })),
            Event::HeaderCopyDamaged => ("header_copy_damaged", json!({})),
        };
        self.write(what, with_place(details, place));
    }
}

/// Adds category and path to the fields of a line.
pub fn with_place(mut fields: Value, place: &Place) -> Value {
    fields["category"] = format!("@{}", place.category).into();
    fields["path"] = place.path.to_string_lossy().into();
    fields
}
