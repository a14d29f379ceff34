//! Reading a keystore's file, and trusting its bytes only if nobody else could have put them there.

use super::{Error, Result};
use crate::format::keystore::{Error as FormatError, MAX_FILE};
use crate::storage::{durable, names};
use rustix::fs::{self, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Why a file is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    /// A symlink, directory, device, FIFO or socket.
    #[error("it is not a regular file")]
    NotRegular,
    /// Its permissions let the group or others write it.
    #[error("others may write it (mode {0:04o})")]
    WritableByOthers(u32),
    /// It belongs neither to this user nor to root.
    #[error("it belongs to user {0}")]
    Owner(u32),
}

/// Reads the whole file, without following a symlink and without waiting for a FIFO.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let descriptor = fs::open(path, flags, Mode::empty()).map_err(|errno| refused(path, errno))?;
    let stat = fs::fstat(&descriptor).map_err(|errno| refused(path, errno))?;
    check(stat.st_mode, stat.st_uid)
        .map_err(|reason| Error::Unsafe { path: path.into(), reason })?;
    if u64::try_from(stat.st_size).unwrap_or(u64::MAX) > MAX_FILE as u64 {
        return Err(damaged(path, FormatError::TooLong));
    }
    let mut bytes = Vec::new();
    let mut file = File::from(descriptor).take(MAX_FILE as u64 + 1);
    names::other(|| file.read_to_end(&mut bytes))
        .map_err(|source| Error::Read { path: path.into(), source })?;
    if bytes.len() > MAX_FILE { Err(damaged(path, FormatError::TooLong)) } else { Ok(bytes) }
}

/// The error for a keystore whose bytes are wrong; it names the previous version if there is one.
pub(super) fn damaged(path: &Path, source: FormatError) -> Error {
    Error::Damaged { path: path.into(), previous: existing_previous(path), source }
}

/// The previous version's path, when there is something of that name.
pub(super) fn existing_previous(path: &Path) -> Option<PathBuf> {
    let previous = durable::previous(path);
    fs::lstat(&previous).is_ok().then_some(previous)
}

fn check(mode: u32, owner: u32) -> std::result::Result<(), Unsafe> {
    if FileType::from_raw_mode(mode) != FileType::RegularFile {
        Err(Unsafe::NotRegular)
    } else if mode & 0o022 != 0 {
        Err(Unsafe::WritableByOthers(mode & 0o7777))
    } else if owner != 0 && owner != geteuid().as_raw() {
        Err(Unsafe::Owner(owner))
    } else {
        Ok(())
    }
}

fn refused(path: &Path, errno: Errno) -> Error {
    match errno {
        Errno::NOENT => match existing_previous(path) {
            Some(previous) => Error::OnlyPrevious { path: path.into(), previous },
            None => Error::Missing(path.into()),
        },
        Errno::LOOP | Errno::NXIO => {
            Error::Unsafe { path: path.into(), reason: Unsafe::NotRegular }
        }
        _ => Error::Read { path: path.into(), source: errno.into() },
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
