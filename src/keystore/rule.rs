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
    /// Name and version of the package that the executable was of, as people read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// What the names in the rule's parameters meant when it was added.
    #[serde(default, skip_serializing_if = "RuleBindings::is_empty")]
    pub bindings: RuleBindings,
}

/// What the names in a rule's parameters meant when it was added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleBindings {
    /// User ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<u32>,
    /// Group ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<u32>,
    /// The script that an interpreter runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<PinnedFile>,
    /// The loader and the libraries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<PinnedFile>,
}

impl RuleBindings {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A file and what it was when the rule was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedFile {
    /// Its path, symlinks resolved.
    #[serde(with = "text::path")]
    pub path: PathBuf,
    /// SHA-256 of its contents.
    #[serde(with = "text::hex")]
    pub sha256: [u8; 32],
    /// Its size, in bytes.
    pub size: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_false(flag: &bool) -> bool {
    !flag
}
