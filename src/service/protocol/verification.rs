//! Verifying files: what is asked for, and what is found.

use serde::{Deserialize, Serialize};
use std::ffi::OsString;

/// What is to be verified, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verify {
    /// What to look at; all there is when empty.
    pub targets: Vec<Target>,
    /// Threads that read; none for as many as there are processors.
    pub threads: Option<usize>,
    /// Bytes of ciphertext a second at most, that of all threads together; 0 for any number.
    pub rate: u64,
    /// A part of the files only.
    pub subset: Option<Subset>,
    /// List holes, too.
    pub holes: bool,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// All files of a category, without the `@`.
    Category(String),
    /// A file, or all below a directory: by an absolute path to it, the original one or in storage.
    Path(OsString),
}

/// Every file is in one part of `of`, the same each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subset {
    /// Which part, from 1.
    pub part: u32,
    /// Of how many, at least 1.
    pub of: u32,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Files that were looked at.
    pub files: u64,
    /// Bytes of their ciphertext that were read.
    pub bytes: u64,
    /// Files that are damaged, listed or not.
    pub files_damaged: u64,
    /// Those of them that are listed, by category and path.
    pub damaged: Vec<DamagedFile>,
    /// Files that have holes. An erased sector looks like one.
    pub files_with_holes: u64,
    /// Plaintext bytes in holes.
    pub hole_bytes: u64,
    /// Where the holes are, when that was asked for.
    pub holes: Vec<HolesRow>,
}

/// One file in which something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamagedFile {
    /// `@name`.
    pub category: String,
    /// Its original path: of a file with several names, one of them.
    pub path: OsString,
    /// What is wrong, in the order of the file.
    pub damage: Vec<DamageRow>,
    /// Stretches beyond those listed.
    pub more: u64,
}

/// One stretch of a file in which something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamageRow {
    /// What.
    pub kind: DamageKind,
    /// The first byte of plaintext that it is about.
    pub offset: u64,
    /// How many bytes of plaintext; 0 when all of them can be read.
    pub length: u64,
    /// The first byte of ciphertext that it is about.
    pub stored_at: u64,
    /// How many bytes of ciphertext.
    pub stored_length: u64,
    /// More of it, for people.
    pub why: String,
    /// What a repair can do about it; none when nothing.
    pub mend: Option<Mend>,
}

/// What may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// The header does not verify: the file cannot be read.
    Header,
    /// One copy of the header does not verify; the other serves.
    HeaderCopy,
    /// The physical size is not what the last sector says.
    Size,
    /// Nothing but zeros is there.
    Unwritten,
    /// The file ends without an end mark: it was cut, or an append was interrupted.
    EndMissing,
    /// There is an end mark inside the file: older sectors were appended, or an append was interrupted.
    EndInside,
    /// Sectors do not verify.
    Sector,
    /// Sectors are zeros, in a file without holes.
    Erased,
    /// Sectors are not there.
    Cut,
    /// The filesystem below cannot read.
    Unreadable,
    /// The ciphertext of a location is gone.
    Missing,
    /// Ciphertext of a category that the keystore does not know.
    UnknownCategory,
}

impl DamageKind {
    /// Its name in lists and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::HeaderCopy => "header_copy",
            Self::Size => "size",
            Self::Unwritten => "unwritten",
            Self::EndMissing => "end_missing",
            Self::EndInside => "end_inside",
            Self::Sector => "sector",
            Self::Erased => "erased",
            Self::Cut => "cut",
            Self::Unreadable => "unreadable",
            Self::Missing => "missing",
            Self::UnknownCategory => "unknown_category",
        }
    }
}

/// What a repair can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mend {
    /// Write the header anew, from the copy or the opening that is sound.
    Header,
    /// Set the physical size to what the last sector says.
    Size,
    /// Put sealed zeros in the sectors' place, when that is asked for.
    Zero,
}

/// The holes of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolesRow {
    /// `@name`.
    pub category: String,
    /// Its original path.
    pub path: OsString,
    /// The first stretches: offset and length in bytes of plaintext.
    pub stretches: Vec<(u64, u64)>,
    /// Bytes of plaintext in all of its holes.
    pub bytes: u64,
}

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repaired {
    /// Where copies were kept; none when there was nothing to keep.
    pub quarantine: Option<OsString>,
    /// Each file, in the order of the request.
    pub files: Vec<RepairedFile>,
    /// Rows that are sound now.
    pub mended: u64,
    /// Rows that are not.
    pub left: u64,
}

/// What was done about one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairedFile {
    /// `@name`.
    pub category: String,
    /// Its original path.
    pub path: OsString,
    /// One for each row of damage.
    pub rows: Vec<RepairRow>,
}

/// What became of one stretch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairRow {
    /// What was wrong.
    pub kind: DamageKind,
    /// As [`DamageRow::offset`].
    pub offset: u64,
    /// As [`DamageRow::stored_at`].
    pub stored_at: u64,
    /// What it is now.
    pub outcome: Outcome,
}

/// What became of damage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was mended.
    Mended,
    /// It was sound already when it was to be mended.
    SoundNow,
    /// It is as it was, for this reason.
    Left(String),
}
