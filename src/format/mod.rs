//! Bytes to structures and back, exactly as `docs/format.md` says; no I/O.
//!
//! Any bytes decode without a panic, to the one structure they authenticate as or to an error that
//! says what is wrong. Nothing is guessed: an unknown version, flag or suite is refused.

pub mod geometry;
pub mod header;
pub mod keystore;
pub mod recovery_code;
pub mod rsa_key;
pub mod sector;

use crate::crypto;

/// The format version this build reads and writes.
pub const VERSION: u16 = 1;

/// Why bytes are refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum Error {
    /// The magic is missing: not a file of ours, zeroed, or cut before its header ends.
    #[error("no file header: the file is not an ezncrypt file, or its header was destroyed")]
    NoHeader,
    /// Written by a later release, or not by any.
    #[error("format version {0} is not known to this release")]
    Version(u16),
    /// Flags that this version does not define.
    #[error("the header has unknown flags ({0:#x})")]
    HeaderFlags(u32),
    /// Bytes that must be zero are not.
    #[error("the header has stray bytes")]
    HeaderPadding,
    /// The header belongs to another category.
    #[error("the file belongs to another category")]
    ForeignCategory,
    /// A key, commitment, suite or tag does not fit.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// The sector's authenticated header is not one that this version writes.
    #[error("the sector's header is malformed")]
    SectorHeader,
}

/// A result of this module.
pub type Result<T> = std::result::Result<T, Error>;
