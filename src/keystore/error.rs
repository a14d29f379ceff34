//! What can go wrong with a keystore.

use super::{Unsafe, category, contents};
use crate::{crypto, format, storage::durable};
use std::io;
use std::path::{Path, PathBuf};

/// Why a keystore could not be made, read, opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is a keystore, or the previous version of one, where one was to be made.
    #[error("{path} exists", path = .0.display())]
    Exists(PathBuf),
    /// There is none, and no previous version of it.
    #[error("there is no keystore at {path}", path = .0.display())]
    Missing(PathBuf),
    /// There is none, but its previous version is there.
    #[error(
        "there is no keystore at {path}, but a previous version of it at {previous}",
        path = path.display(), previous = previous.display()
    )]
    OnlyPrevious {
        /// Where the keystore should be.
        path: PathBuf,
        /// Where its previous version is.
        previous: PathBuf,
    },
    /// Others could have written the file, or it is not a file.
    #[error("{path} is not used as a keystore: {reason}", path = path.display())]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: Unsafe,
    },
    /// The kernel refused to read it.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// Its bytes are not a keystore's, or are not those that were written.
    #[error(
        "the keystore {path} is damaged: {source}{previous}",
        path = path.display(), previous = MentionPrevious(previous.as_deref())
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its previous version, when there is one. It is not used by itself.
        previous: Option<PathBuf>,
        /// What is wrong.
        source: format::keystore::Error,
    },
    /// Its contents are authentic, but not what this release writes.
    #[error("the keystore {path} was not written by this release: {source}", path = path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: contents::Error,
    },
    /// The secret opens no keyslot.
    #[error("the secret does not open the keystore")]
    WrongSecret,
    /// The unattended secret was shown where an administrator's is needed.
    #[error(
        "the unattended secret is for the service only: it gives no right to change or to decrypt"
    )]
    ServiceOnly,
    /// There is no keyslot of that number or name.
    #[error("there is no keyslot {0:?}")]
    NoSuchSlot(String),
    /// A keyslot that was there when the command began was removed or changed since; nothing was changed.
    #[error("a keyslot was removed or changed by somebody else meanwhile; nothing was done")]
    SlotGone,
    /// Without this slot nobody could change the keystore any more.
    #[error("it is the last keyslot that an administrator can use")]
    LastAdministrator,
    /// A new master key cannot be wrapped for slots whose secrets were not given.
    #[error("the new master key cannot be wrapped for {}: {secrets} not given", Numbers(.0),
        secrets = if .0.len() == 1 { "its secret was" } else { "their secrets were" })]
    NotGiven(Vec<usize>),
    /// What was given for a keyslot does not open it, or is of another kind.
    #[error("what was given for keyslot {0} does not open it")]
    NotOfSlot(usize),
    /// A keyslot's name is not one.
    #[error(
        "a keyslot's name has at most 64 bytes of letters, digits, spaces, '-', '_', '.' and '@', and is \
         no number"
    )]
    SlotName,
    /// Another keyslot has the name.
    #[error("there is a keyslot called {0:?} already")]
    SlotNameTaken(String),
    /// A category's name is not one.
    #[error(transparent)]
    CategoryName(#[from] category::Error),
    /// There is such a category already.
    #[error("category @{0} exists")]
    CategoryExists(String),
    /// The category is known here under another name.
    #[error("the category is known here as @{0}")]
    KnownAs(String),
    /// Bytes are not a key bundle's, or not those that were written.
    #[error("the key bundle is damaged: {0}")]
    Bundle(#[source] format::keystore::Error),
    /// A bundle is authentic, but not what this release writes.
    #[error("the key bundle was not written by this release: {0}")]
    BundleContents(#[source] contents::Error),
    /// The secret opens no keyslot of the bundle.
    #[error("the secret does not open the key bundle")]
    WrongBundleSecret,
    /// There is no such category.
    #[error("there is no category @{0}")]
    NoSuchCategory(String),
    /// An earlier change of the category's key is not finished.
    #[error("the key of @{0} is being changed already")]
    Rotating(String),
    /// The changed contents cannot be kept; nothing was changed.
    #[error(transparent)]
    Draft(#[from] contents::Error),
    /// The file is no longer the one that was loaded; nothing was changed.
    #[error("{path} was changed by somebody else since it was loaded", path = .0.display())]
    ChangedOnDisk(PathBuf),
    /// No further change can be numbered; nothing was changed.
    #[error("the sequence number of {path} is used up", path = .0.display())]
    SequenceUsedUp(PathBuf),
    /// Sealing failed, scrypt's costs are out of bounds, or there were no random bytes.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// The changed keystore has no valid form; nothing was changed.
    #[error("the keystore cannot be saved: {0}")]
    Encode(#[source] format::keystore::Error),
    /// A file that is to be replaced could not be given a second name; nothing was changed.
    #[error("cannot keep {path} under another name: {source}", path = path.display())]
    Keep {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// The keystore could not be saved.
    #[error("the keystore cannot be saved: {0}")]
    Save(#[source] durable::Error),
}

impl Error {
    /// The previous version of the keystore, when the keystore itself is missing or damaged and its
    /// previous version may replace it.
    pub fn previous(&self) -> Option<&Path> {
        match self {
            Self::OnlyPrevious { previous, .. } => Some(previous),
            Self::Damaged { previous, .. } => previous.as_deref(),
            _ => None,
        }
    }
}

/// Keyslots, as a sentence names them.
struct Numbers<'a>(&'a [usize]);

impl std::fmt::Display for Numbers<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.0.len() == 1 { "keyslot " } else { "keyslots " })?;
        let texts: Vec<String> = self.0.iter().map(usize::to_string).collect();
        formatter.write_str(&texts.join(", "))
    }
}

struct MentionPrevious<'a>(Option<&'a Path>);

impl std::fmt::Display for MentionPrevious<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(path) => write!(formatter, " (a previous version is at {})", path.display()),
            None => Ok(()),
        }
    }
}

/// A result of this module.
pub type Result<T> = std::result::Result<T, Error>;
