//! What the names in a rule's parameters meant when the rule was added.

use super::fingerprint::Fingerprint;
use std::path::PathBuf;

/// A file and the fingerprint that was taken of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pinned {
    /// Its path without links.
    pub path: PathBuf,
    /// What must still hold of it.
    pub fingerprint: Fingerprint,
}

/// Of one rule. Empty where the rule has no such parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Bindings {
    /// User ids of `--user`.
    pub users: Vec<u32>,
    /// Group ids of `--group`.
    pub groups: Vec<u32>,
    /// The script of `--script`.
    pub script: Option<Pinned>,
    /// Loader and libraries of `--libraries`.
    pub libraries: Vec<Pinned>,
}
