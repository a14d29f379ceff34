//! The encrypted tree: inodes, handles, file contents, directories.
//!
//! It gives the operations of a POSIX filesystem on plaintext, over a directory of ciphertext: names,
//! owners, modes, times and extended attributes are those of the ciphertext files, contents and sizes
//! are decrypted. It knows nothing of FUSE and nothing of who asks: whoever calls has already decided
//! that the caller may.
//!
//! The first level of the tree are the categories, one directory each. They and nothing else in the
//! storage directory are shown.

mod attributes;
mod error;
pub mod file;
mod handles;
mod inodes;
mod keys;
mod panics;
#[cfg(test)]
pub(crate) mod test_support;
mod tree;

pub use attributes::{Attributes, Changes, Kind, SetTime, Timestamp};
pub use error::{Error, Result};
pub use handles::{DirectoryHandle, FileHandle, HandleId};
pub use inodes::{Ino, Place, ROOT};
pub use keys::KeyCell;
pub use tree::Watching;
pub use tree::{
    Entry, Inspection, ListedEntry, Moved, Moves, NewNode, Opening, Owner, Pinned, Since, Visit,
    Volume,
};

/// Something found or done that the log should know; told as it happens.
pub trait Observer: Send + Sync {
    /// A file's bytes were found to be odd.
    fn file_event(&self, ino: Ino, place: &Place, event: file::Event);

    /// A request panicked, which said `what`. What it was about, or everything when that is not known, is
    /// read-only from now on.
    fn request_panicked(&self, place: Option<&Place>, what: &str);
}
