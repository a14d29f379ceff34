//! What the journal holds of one location.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The random identity of a record; its hexadecimal form is part of the names of temporary files.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Id(pub [u8; 16]);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a location is one file or a directory with all that is below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// How far a location is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The original is authoritative; whatever ciphertext there is may be discarded.
    Encrypting,
    /// The ciphertext is authoritative; a plaintext original may still wait for its removal.
    Encrypted,
    /// The ciphertext is authoritative until the swap, the plaintext from then on.
    Decrypting,
}

/// One location, as the journal keeps it from the first step of encrypting to the last of
/// decrypting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The record's identity.
    pub id: Id,
    /// Category name, without the `@`.
    pub category: String,
    /// The original path, absolute and free of symlinks.
    pub path: PathBuf,
    /// What is there.
    pub kind: Kind,
    /// How far it is.
    pub phase: Phase,
}
