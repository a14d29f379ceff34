//! What was found, as programs read it.

use super::stored;
use crate::cli::json_path::JsonPath;
use crate::service::protocol::{
    DamageRow, DamagedFile, HolesRow, Mend, Outcome, RepairRow, Repaired, RepairedFile, Subset,
    Verification,
};
use serde::Serialize;
use std::path::Path;

/// The whole of it.
#[derive(Serialize)]
pub struct Report<'a> {
    sound: bool,
    files: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    subset: Option<String>,
    files_damaged: u64,
    damaged: Vec<File<'a>>,
    files_with_holes: u64,
    hole_bytes: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holes: Vec<Holes<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<Repair<'a>>,
}

impl<'a> Report<'a> {
    /// What was found in the files below `storage`.
    pub fn new(found: &'a Verification, storage: &Path, subset: Option<Subset>) -> Self {
        Self {
            sound: found.files_damaged == 0,
            files: found.files,
            bytes: found.bytes,
            subset: subset.map(|subset| format!("{}/{}", subset.part, subset.of)),
            files_damaged: found.files_damaged,
            damaged: found.damaged.iter().map(|file| File::new(file, storage)).collect(),
            files_with_holes: found.files_with_holes,
            hole_bytes: found.hole_bytes,
            holes: found.holes.iter().map(Holes::from).collect(),
            repair: None,
        }
    }

    /// The same with what a repair did.
    #[must_use]
    pub fn with(mut self, repaired: Option<&'a Repaired>) -> Self {
        self.repair = repaired.map(Repair::from);
        self
    }
}

#[derive(Serialize)]
struct Repair<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantine: Option<String>,
    mended: u64,
    left: u64,
    files: Vec<Treated<'a>>,
}

impl<'a> From<&'a Repaired> for Repair<'a> {
    fn from(repaired: &'a Repaired) -> Self {
        Self {
            quarantine: repaired.quarantine.as_ref().map(|path| path.to_string_lossy().into()),
            mended: repaired.mended,
            left: repaired.left,
            files: repaired.files.iter().map(Treated::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct Treated<'a> {
    category: &'a str,
    #[serde(flatten)]
    path: JsonPath,
    rows: Vec<TreatedRow<'a>>,
}

impl<'a> From<&'a RepairedFile> for Treated<'a> {
    fn from(file: &'a RepairedFile) -> Self {
        Self {
            category: &file.category,
            path: JsonPath::from(file.path.as_os_str()),
            rows: file.rows.iter().map(TreatedRow::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct TreatedRow<'a> {
    kind: &'static str,
    offset: u64,
    stored_at: u64,
    /// `mended`, `sound_now` or `left`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

impl<'a> From<&'a RepairRow> for TreatedRow<'a> {
    fn from(row: &'a RepairRow) -> Self {
        let (outcome, why) = match &row.outcome {
            Outcome::Mended => ("mended", None),
            Outcome::SoundNow => ("sound_now", None),
            Outcome::Left(why) => ("left", Some(why.as_str())),
        };
        Self { kind: row.kind.name(), offset: row.offset, stored_at: row.stored_at, outcome, why }
    }
}

#[derive(Serialize)]
struct File<'a> {
    category: &'a str,
    #[serde(flatten)]
    path: JsonPath,
    stored: String,
    damage: Vec<Damage<'a>>,
    more: u64,
}

impl<'a> File<'a> {
    fn new(file: &'a DamagedFile, storage: &Path) -> Self {
        Self {
            category: &file.category,
            path: JsonPath::from(file.path.as_os_str()),
            stored: stored(storage, &file.category, &file.path).to_string_lossy().into_owned(),
            damage: file.damage.iter().map(Damage::from).collect(),
            more: file.more,
        }
    }
}

#[derive(Serialize)]
struct Damage<'a> {
    kind: &'static str,
    offset: u64,
    length: u64,
    stored_at: u64,
    stored_length: u64,
    why: &'a str,
    mend: Option<Mend>,
}

impl<'a> From<&'a DamageRow> for Damage<'a> {
    fn from(row: &'a DamageRow) -> Self {
        Self {
            kind: row.kind.name(),
            offset: row.offset,
            length: row.length,
            stored_at: row.stored_at,
            stored_length: row.stored_length,
            why: &row.why,
            mend: row.mend,
        }
    }
}

#[derive(Serialize)]
struct Holes<'a> {
    category: &'a str,
    #[serde(flatten)]
    path: JsonPath,
    bytes: u64,
    stretches: Vec<Stretch>,
}

#[derive(Serialize)]
struct Stretch {
    offset: u64,
    length: u64,
}

impl<'a> From<&'a HolesRow> for Holes<'a> {
    fn from(row: &'a HolesRow) -> Self {
        let stretch = |&(offset, length): &(u64, u64)| Stretch { offset, length };
        Self {
            category: &row.category,
            path: JsonPath::from(row.path.as_os_str()),
            bytes: row.bytes,
            stretches: row.stretches.iter().map(stretch).collect(),
        }
    }
}
