//! What can go wrong in the tree.

use crate::format;
use crate::format::geometry::SectorIndex;
use std::io;

/// Why an operation on the tree failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filesystem below said no; its error is passed on.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file's header does not authenticate.
    #[error("damaged header: {0}")]
    Header(#[source] format::Error),
    /// A sector does not authenticate.
    #[error("damaged sector {index}: {source}", index = index.0)]
    Sector {
        /// Which one.
        index: SectorIndex,
        /// Why.
        source: format::Error,
    },
    /// A sector of zeros in a file that has no holes.
    #[error("sector {index} was erased", index = .0.0)]
    Erased(SectorIndex),
    /// The file ends before this sector, against its size.
    #[error("the file was cut inside sector {index}", index = .0.0)]
    Cut(SectorIndex),
    /// A file of nothing but zeros, from which all was to be read.
    #[error("nothing but zeros is left of the file, or was ever written of it")]
    Unwritten,
    /// Sectors that do not verify keep a file from being re-encrypted.
    #[error("{sectors} damaged sectors, the first of them {first}", first = first.0)]
    NotReencrypted {
        /// How many.
        sectors: u64,
        /// The first of them.
        first: SectorIndex,
    },
    /// What is about to be overwritten cannot be kept.
    #[error("cannot keep a copy: {0}")]
    NotKept(#[source] io::Error),
    /// Sealing failed, or there were no random bytes.
    #[error("cannot encrypt: {0}")]
    Seal(#[source] format::Error),
    /// A size or offset beyond what the format can hold.
    #[error("the file would be too large")]
    TooLarge,
    /// An earlier sync of this file failed; what was written then may be lost.
    #[error("an earlier sync of this file failed; close it and open it anew")]
    SyncFailed,
    /// A request on this file, or one that was about many, panicked; nothing more is written.
    #[error(
        "an earlier request on this file failed inside ezncrypt; it is read-only until the service is restarted"
    )]
    ReadOnly,
    /// The file's size is found to be another than the caller knows: it is to look it up again, then to open again.
    #[error("the file has another size than was told")]
    OtherSize,
    /// The name, node or handle does not exist.
    #[error("no such file or directory")]
    NotFound,
    /// The handle or node is of another kind than the operation needs.
    #[error("not possible for this kind of file")]
    WrongKind,
    /// The tree's upper directories (the categories) are fixed.
    #[error("the directories above the locations cannot be changed")]
    Fixed,
    /// A category that the keystore does not know.
    #[error("the category of this directory is unknown")]
    UnknownCategory,
    /// Names of two categories cannot be linked or moved into each other.
    #[error("the two names belong to different categories")]
    CrossCategory,
    /// Not in this version.
    #[error("this operation is not supported")]
    Unsupported,
}

impl Error {
    /// Whether stored bytes did not verify.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Header(_)
                | Self::Sector { .. }
                | Self::Erased(_)
                | Self::Cut(_)
                | Self::Unwritten
                | Self::NotReencrypted { .. }
        )
    }

    /// Whether what was written may not have come to the disk.
    pub fn is_of_the_disk(&self) -> bool {
        matches!(self, Self::Io(_) | Self::SyncFailed)
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// A result of this module.
pub type Result<T> = std::result::Result<T, Error>;
