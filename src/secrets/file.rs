//! Files that hold secrets: read only when nobody but their owner, who is root or this user, can read
//! them; and made.

use super::{MAX_LEN, without_newline};
use crate::crypto::{self, SecretBytes};
use crate::storage::durable;
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there, or the kernel refuses.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// A directory, device, FIFO or socket.
    #[error("{path} is not a regular file", path = .0.display())]
    NotRegular(PathBuf),
    /// Its permissions let others than its owner in.
    #[error("{path} holds a secret and is open to others than its owner", path = .0.display())]
    OpenToOthers(PathBuf),
    /// It belongs neither to root nor to this user.
    #[error("{path} holds a secret and belongs to another user", path = .0.display())]
    Owner(PathBuf),
    /// It is longer than is accepted.
    #[error("{path} is longer than {limit} bytes", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// What is accepted.
        limit: usize,
    },
    /// There is a file already where one was to be made.
    #[error("{path} exists", path = .0.display())]
    Exists(PathBuf),
    /// The file could not be made.
    #[error("cannot make a file with a secret: {0}")]
    Make(#[source] durable::Error),
    /// There were no random bytes.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}

/// The secret in a file, without a newline at its end.
///
/// # Errors
/// Why it is not read; its bytes are in no error.
pub fn secret(path: &Path) -> Result<SecretBytes, Error> {
    let content = without_newline(content(path, MAX_LEN + 1)?);
    if content.expose().len() > MAX_LEN {
        return Err(Error::TooLong { path: path.into(), limit: MAX_LEN });
    }
    Ok(content)
}

/// The bytes of a file of at most `limit` bytes, which nobody but its owner may read.
///
/// # Errors
/// As [`secret`].
pub fn content(path: &Path, limit: usize) -> Result<SecretBytes, Error> {
    let file = open(path)?;
    let stat = rustix::fs::fstat(&file).map_err(|error| unreadable(path, error.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Error::NotRegular(path.into()));
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(Error::OpenToOthers(path.into()));
    }
    if stat.st_uid != 0 && stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Error::Owner(path.into()));
    }
    read(path, file, limit)
}

/// The bytes of a file that anybody may read: a public key, a certificate.
///
/// # Errors
/// As [`content`], but for permissions.
pub fn public(path: &Path, limit: usize) -> Result<SecretBytes, Error> {
    public_of(path, limit).map(|(content, ..)| content)
}

/// The same, with the permissions and the owner of the very file that was read.
///
/// # Errors
/// As [`public`].
pub(super) fn public_of(path: &Path, limit: usize) -> Result<(SecretBytes, u32, u32), Error> {
    let file = open(path)?;
    let stat = rustix::fs::fstat(&file).map_err(|error| unreadable(path, error.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Error::NotRegular(path.into()));
    }
    Ok((read(path, file, limit)?, stat.st_mode & 0o7777, stat.st_uid))
}

/// Makes a file with 256 random bits in hex that only its owner may read, durably.
///
/// # Errors
/// [`Error::Exists`], and then it stays as it is; [`Error::Make`].
pub fn generate(path: &Path) -> Result<(), Error> {
    let key = crypto::Key::random()?;
    let mut text = SecretBytes::new(Vec::with_capacity(65));
    for byte in key.expose() {
        for digit in [byte >> 4, byte & 15] {
            text.expose_mut().push(b"0123456789abcdef"[usize::from(digit)]);
        }
    }
    text.expose_mut().push(b'\n');
    durable::create(path, text.expose(), 0o600).map_err(|error| match error {
        durable::Error::Exists(path) => Error::Exists(path),
        other => Error::Make(other),
    })
}

fn open(path: &Path) -> Result<File, Error> {
    // Without NONBLOCK a FIFO would keep us waiting for a writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty());
    file.map(File::from).map_err(|errno| unreadable(path, errno.into()))
}

fn read(path: &Path, file: File, limit: usize) -> Result<SecretBytes, Error> {
    // One allocation, never grown: growing would leave a copy behind.
    let mut content = SecretBytes::new(Vec::with_capacity(limit + 2));
    file.take(limit as u64 + 1)
        .read_to_end(content.expose_mut())
        .map_err(|error| unreadable(path, error))?;
    if content.expose().len() > limit {
        return Err(Error::TooLong { path: path.into(), limit });
    }
    Ok(content)
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::Unreadable { path: path.into(), source }
}
