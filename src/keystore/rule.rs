//! A rule as it is kept. Its words are the access module's business.

use super::text;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A rule and the fingerprint that was taken of its process when it was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleRecord {
    /// The rule, normalised.
    pub text: String,
    /// The executable, symlinks resolved.
    #[serde(with = "text::path")]
    pub process: PathBuf,
    /// Whether the executable is itself encrypted.
    pub encrypted: bool,
    /// SHA-256 of the executable.
    #[serde(with = "text::hex")]
    pub sha256: [u8; 32],
    /// Size of the executable, in bytes.
    pub size: u64,
    /// Whether the executable is a guard: a copy of this program at a path of its own. Written only
    /// when it is.
    #[serde(default, skip_serializing_if = "is_false")]
    pub guard: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_false(flag: &bool) -> bool {
    !flag
}
