//! What the caller brings: places, keys, the journal, the live tree, an ear for progress.

use super::{Id, Phase, Record, Result};
use crate::crypto::CategoryKeys;
use crate::sys::open_files::Holder;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where records are kept. Each call is durable when it returns `Ok`, and a record read back is
/// authentic: nobody but the service can have written it.
///
/// Errors are [`super::Error::Journal`].
pub trait Journal {
    /// Adds a record.
    ///
    /// # Errors
    /// When it could not be made durable; then it is not there.
    fn begin(&mut self, record: &Record) -> Result<()>;

    /// Moves a record to another phase.
    ///
    /// # Errors
    /// When it could not be made durable; then the old phase still holds.
    fn advance(&mut self, id: Id, phase: Phase) -> Result<()>;

    /// Removes a record.
    ///
    /// # Errors
    /// When it could not be made durable; then the record is still there.
    fn forget(&mut self, id: Id) -> Result<()>;
}

/// The live tree that the mount shows, where a service runs. A location is named by its record.
pub trait Tree {
    /// Blocks everything beneath the location until [`Tree::thaw`], and tells who has handles open.
    ///
    /// # Errors
    /// When it cannot be blocked; then it is not.
    fn freeze(&self, record: &Record) -> Result<Vec<Holder>>;

    /// Ends [`Tree::freeze`]; also called when there is nothing frozen.
    fn thaw(&self, record: &Record);

    /// Drops what the tree and the kernel remember of the location: it appeared or is gone.
    fn changed(&self, record: &Record);
}

/// A sign of progress. Each is given before the step it names, but where several threads copy: there
/// [`Step::Copying`] may come later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Looking whether it can be done at all.
    Checking,
    /// The path named was a symlink; what it leads to is taken instead.
    Followed {
        /// As named.
        from: PathBuf,
        /// What is worked on.
        to: PathBuf,
    },
    /// Looking for enough space.
    Space,
    /// Entering it into the journal.
    Recording,
    /// Making the places for the copy.
    Preparing,
    /// Copying this file, directory or symlink.
    Copying {
        /// Its original path.
        path: PathBuf,
    },
    /// How much file contents has been copied or compared.
    Bytes {
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Setting the directories' attributes.
    Attributes,
    /// Waiting until it is on disk.
    Syncing,
    /// Reading back and comparing.
    Comparing,
    /// Moving the ciphertext to its place, or away from it.
    Placing,
    /// Exchanging original and symlink.
    Swapping,
    /// Removing this.
    Removing {
        /// As it is named now.
        path: PathBuf,
    },
    /// Putting back what an interrupted or failed run left.
    Undoing {
        /// The location's original path.
        path: PathBuf,
    },
}

/// What [`super::encrypt()`], [`super::decrypt()`] and [`super::recover()`] work with.
pub struct Context<'a> {
    /// The state directory, free of symlinks.
    pub state: &'a Path,
    /// The storage directory, inside the state directory. The caller makes it, for itself only.
    pub storage: &'a Path,
    /// The mount point.
    pub mount: &'a Path,
    /// Our own executable, which is never encrypted.
    pub binary: &'a Path,
    /// Original paths of all records in the journal, whatever their phase.
    pub locations: &'a [PathBuf],
    /// The keys of the record's category.
    pub keys: Arc<CategoryKeys>,
    /// The journal.
    pub journal: &'a mut dyn Journal,
    /// The live tree.
    pub tree: &'a dyn Tree,
    /// Told of each step.
    pub progress: &'a mut dyn FnMut(Step),
}

impl Context<'_> {
    pub(super) fn tell(&mut self, step: Step) {
        (self.progress)(step);
    }
}
