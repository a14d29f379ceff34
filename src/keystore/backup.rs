//! What is kept about the keystore's own backup, so that its age can be told.

use serde::{Deserialize, Serialize};

/// The last backup of the whole keystore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupRecord {
    /// When it was made, in seconds since 1970.
    pub made: u64,
    /// How often keys or keyslots had been changed by then.
    pub key_changes: u64,
}
