//! What verify found, read back from its JSON.

use super::support::Instance;
use super::support::process::Outcome;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Bytes of a sector at rest, and of the plaintext in it.
pub const SECTOR: u64 = 4096;
pub const PAYLOAD: u64 = 4048;

/// One stretch of damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    pub kind: String,
    pub offset: u64,
    pub length: u64,
    pub stored_at: u64,
    pub mend: Option<String>,
}

/// The result of `verify --json`, with its exit code checked against it.
#[track_caller]
pub fn verify(instance: &Instance, more: &[&str]) -> Value {
    let outcome = instance.run([&["verify", "--json"], more].concat());
    checked(&outcome)
}

/// The JSON of a run, whose exit code must be 0 when all is sound and else 7.
#[track_caller]
pub fn checked(outcome: &Outcome) -> Value {
    let found = outcome.json();
    let is_sound = found["sound"] == true;
    assert_eq!(outcome.code, Some(if is_sound { 0 } else { 7 }), "{outcome}");
    assert_eq!(is_sound, found["files_damaged"] == 0, "{outcome}");
    found
}

/// All stretches, in the order of files.
pub fn stretches(found: &Value) -> Vec<Found> {
    let files = found["damaged"].as_array().unwrap();
    files.iter().flat_map(stretches_of).collect()
}

fn stretches_of(file: &Value) -> Vec<Found> {
    let number = |row: &Value, name: &str| row[name].as_u64().unwrap();
    let row = |row: &Value| Found {
        path: file["path"].as_str().unwrap().into(),
        kind: row["kind"].as_str().unwrap().into(),
        offset: number(row, "offset"),
        length: number(row, "length"),
        stored_at: number(row, "stored_at"),
        mend: row["mend"].as_str().map(str::to_owned),
    };
    file["damage"].as_array().unwrap().iter().map(row).collect()
}

/// What was found at one path.
pub fn at(found: &Value, path: &Path) -> Vec<Found> {
    stretches(found).into_iter().filter(|stretch| stretch.path == path).collect()
}
