//! The encrypted tree: inodes, handles, file contents, directories.
//!
//! It gives the operations of a POSIX filesystem on plaintext, over a directory of ciphertext. It
//! knows nothing of FUSE and nothing of who asks: whoever calls has already decided that the caller
//! may.

mod error;
pub mod file;

pub use error::{Error, Result};
