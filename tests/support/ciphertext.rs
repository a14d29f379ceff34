//! What the headers of ciphertext files say in clear.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Set while a file is re-encrypted.
pub const REKEYING: u32 = 2;

/// The header of one file, in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The file.
    pub path: PathBuf,
    /// The epoch of its category's key.
    pub epoch: u32,
    /// Flags.
    pub flags: u32,
    /// How often the header has been written.
    pub generation: u32,
}

/// The headers of all files below a directory that are not empty. Files that go away meanwhile are
/// left out.
pub fn headers(directory: &Path) -> Vec<Header> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            found.extend(headers(&path));
        } else if kind.is_file() {
            found.extend(header(path));
        }
    }
    found
}

fn header(path: PathBuf) -> Option<Header> {
    let mut bytes = [0; 64];
    File::open(&path).ok()?.read_exact_at(&mut bytes, 0).ok()?;
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    Some(Header { path, epoch: number(32), flags: number(12), generation: number(36) })
}

/// Fails the test unless each file is under the key of `epoch` and not being re-encrypted.
#[track_caller]
pub fn assert_all_under(directory: &Path, epoch: u32) {
    let found = headers(directory);
    assert!(!found.is_empty(), "a blind test");
    for Header { path, epoch: found, flags, .. } in found {
        assert_eq!((found, flags & REKEYING), (epoch, 0), "{}", path.display());
    }
}
