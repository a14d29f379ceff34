//! Why a path was not encrypted or decrypted.

use super::protected::Reason;
use crate::sys::open_files::Holder;
use crate::volume;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// How many of the objects of one problem are named.
const NAMED: usize = 20;

/// The first of a number of things, and how many more there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// At most 20 of them.
    pub first: Vec<T>,
    /// How many are not named.
    pub more: usize,
}

impl<T> Listed<T> {
    /// Keeps the first; `None` when there is nothing.
    pub(super) fn of(mut all: Vec<T>) -> Option<Self> {
        let more = all.len().saturating_sub(NAMED);
        all.truncate(NAMED);
        (!all.is_empty()).then_some(Self { first: all, more })
    }

    fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        one: impl Fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        for (index, item) in self.first.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            one(item, f)?;
        }
        if self.more > 0 { write!(f, " and {} more", self.more) } else { Ok(()) }
    }
}

impl fmt::Display for Listed<PathBuf> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |path, f| write!(f, "{path:?}"))
    }
}

impl fmt::Display for Listed<Holder> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |holder, f| write!(f, "{holder}"))
    }
}

/// What of an entry the copy does not share with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trait {
    /// The bytes of a file.
    Contents,
    /// The size of a file.
    Size,
    /// File, directory, symlink or another kind.
    FileType,
    /// The names in a directory.
    Names,
    /// Owner or group.
    Owner,
    /// Permission bits.
    Mode,
    /// Time of the last change or the last access.
    Times,
    /// Extended attributes, ACLs among them.
    Xattrs,
    /// Where a symlink leads.
    Target,
    /// Which names are hard links of one file.
    HardLinks,
}

impl fmt::Display for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contents => "contents",
            Self::Size => "size",
            Self::FileType => "file type",
            Self::Names => "names",
            Self::Owner => "owner",
            Self::Mode => "mode",
            Self::Times => "times",
            Self::Xattrs => "extended attributes",
            Self::Target => "target",
            Self::HardLinks => "hard links",
        })
    }
}

/// Why a path was not encrypted or decrypted. Unless the variant says otherwise, everything is as
/// it was before.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path is relative.
    #[error("{0:?} is not an absolute path")]
    NotAbsolute(PathBuf),
    /// A category name that cannot be the name of a directory.
    #[error("{0:?} cannot be the name of a category")]
    CategoryName(String),
    /// The path leads into the mount, or is a location.
    #[error("{0:?} is already encrypted")]
    AlreadyEncrypted(PathBuf),
    /// The path would break the machine, or ezncrypt.
    #[error("{path:?} must not be encrypted: {reason}")]
    Protected {
        /// The path asked for.
        path: PathBuf,
        /// Why not.
        reason: Reason,
    },
    /// The path lies in a location, or one in it.
    #[error("{path:?} overlaps the encrypted {location:?}")]
    Nested {
        /// The path asked for.
        path: PathBuf,
        /// The location that is there.
        location: PathBuf,
    },
    /// The path is a mount point, or there are some below it.
    #[error("mounted there: {0}")]
    MountPoints(Listed<PathBuf>),
    /// FIFOs, sockets, devices.
    #[error("neither files, directories nor symlinks: {0}")]
    Special(Listed<PathBuf>),
    /// Files that have names outside of the path too, and would stay readable there.
    #[error("hard links that lead out: {0}")]
    HardLinks(Listed<PathBuf>),
    /// Files with the immutable or append-only flag (`chattr -i -a` removes it).
    #[error("immutable or append-only: {0}")]
    Immutable(Listed<PathBuf>),
    /// Processes have files open.
    #[error("in use by {0}")]
    InUse(Listed<Holder>),
    /// The ciphertext and its margin do not fit the disk.
    #[error("not enough space on the filesystem of {path:?}: {needed} bytes needed, {free} free")]
    NoSpace {
        /// A place on that filesystem.
        path: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The filesystem has too few inodes.
    #[error("not enough inodes on the filesystem of {path:?}: {needed} needed, {free} free")]
    NoInodes {
        /// A place on that filesystem.
        path: PathBuf,
        /// Inodes needed.
        needed: u64,
        /// Inodes free.
        free: u64,
    },
    /// There is already something where the ciphertext would go.
    #[error("{0:?} is already there")]
    Exists(PathBuf),
    /// The filesystem cannot exchange two names in one step.
    #[error("the filesystem of {0:?} cannot exchange two names in one step (RENAME_EXCHANGE)")]
    NoExchange(PathBuf),
    /// Somebody changed it during the work.
    #[error("{0:?} was changed meanwhile")]
    Changed(PathBuf),
    /// The copy, read back, is not what was copied.
    #[error("the copy of {path:?} differs from it: {what}")]
    Differs {
        /// The original path of the entry.
        path: PathBuf,
        /// In what.
        what: Trait,
    },
    /// The record is in another phase than the operation needs.
    #[error("{0:?} is not encrypted, or its encryption was interrupted")]
    NotEncrypted(PathBuf),
    /// Something else than our symlink is on the original path.
    #[error("{0:?} is not the symlink that encrypting left there")]
    NotOurLink(PathBuf),
    /// Somebody put something on the original path, so the plaintext cannot be put back there.
    /// Nothing is removed.
    #[error("{path:?} was replaced meanwhile; the original is kept in {kept:?}")]
    Displaced {
        /// The original path.
        path: PathBuf,
        /// Where the plaintext is.
        kept: PathBuf,
    },
    /// The ciphertext of a location is gone. A plaintext copy that is still there is kept.
    #[error("the ciphertext of {0:?} is missing")]
    CiphertextMissing(PathBuf),
    /// The location is encrypted, or decrypted, and works; only the removal of what is left from
    /// before failed. Recovering tries it again.
    #[error("{path:?} is done, but removing what was there before failed: {source}")]
    Leftover {
        /// The original path.
        path: PathBuf,
        /// Why.
        source: Box<Error>,
    },
    /// Undoing failed too. The journal keeps the record, and recovering tries it again.
    #[error("{cause}; undoing that failed too: {undo}")]
    NotUndone {
        /// Why the operation failed.
        #[source]
        cause: Box<Error>,
        /// Why undoing failed.
        undo: Box<Error>,
    },
    /// The journal could not be written.
    #[error("cannot write the journal: {0}")]
    Journal(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No random bytes for the record's id.
    #[error(transparent)]
    Random(#[from] crate::crypto::Error),
    /// Ciphertext could not be read or written.
    #[error("{path:?}: {source}")]
    Volume {
        /// The original path of the entry.
        path: PathBuf,
        /// Why.
        source: volume::Error,
    },
    /// The kernel said no.
    #[error("cannot {doing} {path:?}: {source}")]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A result of this module.
pub type Result<T> = std::result::Result<T, Error>;

/// Gives a kernel error its object.
pub(super) trait At<T> {
    /// Names what was tried, and on what.
    fn at(self, doing: &'static str, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> At<T> for std::result::Result<T, E> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { doing, path: path.to_owned(), source: source.into() })
    }
}
