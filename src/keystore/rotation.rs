//! What is kept about a category whose key is being changed: the journal of that work.

use serde::{Deserialize, Serialize};

/// A change of a category's key that is not finished: its files may still need older keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationRecord {
    /// The epoch of the new key.
    pub target: u32,
    /// Whether the files' contents are re-encrypted as well.
    pub data: bool,
    /// Bytes a second that are re-encrypted at most; 0 for as many as possible.
    pub rate: u64,
    /// When it was begun, in seconds since 1970.
    pub started: u64,
    /// Whether the disk has failed meanwhile: what was written before may be in memory only, although it
    /// can be read, and has to be written again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distrusted: bool,
}
