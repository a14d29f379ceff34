//! The one place where small files are written, renamed, linked and removed: each function is one system call.
//!
//! In the library's own tests the double takes down what is done, and lets calls fail
//! (`storage::double::names`).

#[cfg(test)]
use super::double::names::observed;
use rustix::fs::{self, RenameFlags};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// What is about to be done. Only the double wants to know.
#[cfg_attr(not(test), expect(dead_code, reason = "the kernel is called, and nobody is told"))]
pub(crate) enum Call<'a> {
    /// Something that changes nothing that a crash could bring back.
    Other,
    /// Bytes are written to an empty file.
    Write { path: &'a Path, bytes: &'a [u8] },
    /// What was written to a file is made durable.
    Sync(&'a Path),
    /// A file gets another name.
    Link { file: &'a Path, name: &'a Path },
    /// A file gets a name in the place of the one it had.
    Rename { from: &'a Path, to: &'a Path },
    /// A name is removed.
    Remove(&'a Path),
    /// The names in a directory are made durable.
    SyncDirectory,
}

/// Does what the call says.
#[cfg(not(test))]
fn observed<T>(_: &Call<'_>, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    work()
}

/// Does something that changes nothing that a crash could bring back: makes a temporary file, reads.
///
/// # Errors
/// Those of `work`.
pub fn other<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    observed(&Call::Other, work)
}

/// Writes all of `bytes` to a new file.
///
/// # Errors
/// The kernel's.
pub fn write(mut file: &File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    observed(&Call::Write { path, bytes }, || file.write_all(bytes))
}

/// Makes what was written to a file durable.
///
/// # Errors
/// The kernel's.
pub fn sync(file: &File, path: &Path) -> io::Result<()> {
    observed(&Call::Sync(path), || file.sync_all())
}

/// Gives a file another name.
///
/// # Errors
/// The kernel's.
pub fn link(file: &Path, name: &Path) -> io::Result<()> {
    observed(&Call::Link { file, name }, || Ok(fs::link(file, name)?))
}

/// Renames a file.
///
/// # Errors
/// The kernel's.
pub fn rename(from: &Path, to: &Path, flags: RenameFlags) -> io::Result<()> {
    let work = || Ok(fs::renameat_with(fs::CWD, from, fs::CWD, to, flags)?);
    observed(&Call::Rename { from, to }, work)
}

/// Removes a name; one that is not there is no error.
///
/// # Errors
/// The kernel's.
pub fn remove(path: &Path) -> io::Result<()> {
    observed(&Call::Remove(path), || match fs::unlink(path) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    })
}

/// Makes the names in a directory durable.
///
/// # Errors
/// The kernel's.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    observed(&Call::SyncDirectory, || File::open(directory)?.sync_all())
}
