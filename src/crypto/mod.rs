//! Algorithms and keys; no files, no formats.
//!
//! Every construction here is a published one and is cited where it stands. Keys live in [`Key`],
//! which wipes itself and has neither `Debug` nor `Clone`; every derived key and its label is on
//! one screen, in [`mod@derive`]. Nothing here knows what the bytes it seals are for.

pub mod category;
pub mod derive;
pub mod kdf;
pub mod mac;
mod random;
pub mod rsa;
mod secret;
pub mod sector;
pub mod wrap;
pub mod xaes;

pub use category::{CategoryId, CategoryKeys};
pub use random::{fill as fill_random, random};
pub use secret::{Key, SecretBytes, burn_stack, wipe};

/// What can go wrong in this module. No variant carries secret material.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum Error {
    /// The tag does not verify: other key, other associated data, or changed bytes.
    #[error("authentication failed: the bytes were changed or belong to another key")]
    Authentication,
    /// The key commitment differs from the one the key gives.
    #[error("the key is not the one these bytes were made with")]
    Commitment,
    /// scrypt costs outside the bounds of [`kdf::Params`].
    #[error("scrypt cost out of bounds (log2 N = {log_n}, r = {r}, p = {p})")]
    KdfCost {
        /// Base-2 logarithm of the cost N.
        log_n: u8,
        /// Block size.
        r: u32,
        /// Parallelism.
        p: u32,
    },
    /// Bytes that are no RSA key.
    #[error("it is not an RSA key")]
    RsaKey,
    /// An RSA key of a size outside [`rsa::BITS`].
    #[error("an RSA key has 2048 to 4096 bits here, not {0}")]
    RsaBits(usize),
    /// A cipher suite number that this build does not know.
    #[error("unknown cipher suite {0}")]
    UnknownSuite(u16),
    /// The category has no key of this epoch.
    #[error("the category has no key of epoch {0}")]
    UnknownEpoch(u32),
    /// Two sets of keys of one category differ in this epoch.
    #[error("there are two different keys of epoch {0}")]
    EpochDiffers(u32),
    /// No further key of the category can be numbered.
    #[error("the category's epochs are used up")]
    EpochsUsedUp,
    /// The kernel gave no random bytes.
    #[error("the kernel gave no random bytes")]
    Random,
    /// The cipher refused to seal (a length beyond its limit).
    #[error("the cipher refused to seal")]
    Seal,
}

/// A result of this module.
pub type Result<T> = std::result::Result<T, Error>;
