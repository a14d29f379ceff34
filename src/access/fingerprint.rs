//! What must still hold of a program, and how it is found out without reading it each time.
//!
//! A [`Fingerprint`] is of the contents. An [`Identity`] is what `statx` tells. A hash is kept by it
//! only if, while it was taken, nobody had the file open for writing or mapped writable ([`Lease`]):
//! from then on whatever changes the contents changes the ctime too, which no call sets (what root can
//! do beneath the filesystem or to the clock stands in `docs/threat-model.md`). As long as
//! somebody can write, they can do so without a trace in any time, through a page that is dirty
//! already. Hashed anew each time is hence a file that somebody can write just now, one on a
//! filesystem that does not tell, and one whose ctime is so recent that a further change could bear
//! the same one. A running program has no writers. Knows nothing of rules and processes.

use super::Error;
use super::bounded::Bounded;
use crate::sys::caller::FileStat;
use crate::sys::lease::Lease;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The contents of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// SHA-256 (FIPS 180-4) of all bytes.
    pub sha256: [u8; 32],
    /// Number of bytes.
    pub size: u64,
}

impl Fingerprint {
    /// Reads to the end and hashes.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn of(mut reader: impl Read) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 128 << 10];
        let mut size = 0;
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(Self { sha256: hasher.finalize().into(), size }),
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    size += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Which file, in which state. Equal identities have equal contents if nobody could write when the
/// first was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Device, as `st_dev`.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Size in bytes.
    pub size: u64,
    /// Last change of the contents, in nanoseconds since 1970.
    pub mtime_ns: i128,
    /// Last change of the inode, in nanoseconds since 1970.
    pub ctime_ns: i128,
}

impl Identity {
    /// Whether both are the same file, in whatever state.
    pub fn same_file(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }

    /// Whether a later change must show in the ctime: true when that is more than two seconds old
    /// at `now_ns`, two seconds being the coarsest step of a filesystem's clock (FAT).
    fn is_settled(&self, now_ns: i128) -> bool {
        self.ctime_ns + 2_000_000_000 < now_ns
    }
}

impl From<FileStat> for Identity {
    fn from(stat: FileStat) -> Self {
        let FileStat { dev, ino, size, mtime_ns, ctime_ns, .. } = stat;
        Self { dev, ino, size, mtime_ns, ctime_ns }
    }
}

/// What is hashed.
trait Source: Read {
    /// Whether nobody could write to it since before the first byte was read.
    fn is_unwritten(&self) -> bool;
}

/// A file, with a lease on it where one could be had.
struct Leased<'a> {
    file: &'a File,
    lease: Option<Lease<'a>>,
}

impl Read for Leased<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Whoever wants to write waits for one piece, not for the whole file.
        self.is_unwritten();
        self.file.read(buffer)
    }
}

impl Source for Leased<'_> {
    fn is_unwritten(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::holds)
    }
}

/// The hashes known by identity; bounded, and shared between threads.
pub(super) struct Hashes(Mutex<Bounded<Identity, [u8; 32]>>);

impl Hashes {
    pub fn new() -> Self {
        Self(Mutex::new(Bounded::new(4096)))
    }

    /// The fingerprint of an open file, hashed unless known. `path` is for errors only.
    pub fn of_file(&self, path: &Path, file: &File) -> Result<(Identity, Fingerprint), Error> {
        let stat = || Ok(FileStat::at_hand(file, Path::new(""))?.into());
        // Without a lease, for whatever reason, the hash is right just now and is not kept.
        let open = || Leased { file, lease: Lease::take(file).ok() };
        self.measure(path, stat, open)
    }

    /// As [`Hashes::of_file`], with `stat` telling the identity of what `open` opens.
    fn measure<S: Source>(
        &self,
        path: &Path,
        stat: impl Fn() -> io::Result<Identity>,
        open: impl FnOnce() -> S,
    ) -> Result<(Identity, Fingerprint), Error> {
        let failed = |source| Error::Unreadable { path: path.into(), source };
        let before = stat().map_err(failed)?;
        if let Some(sha256) = self.known(&before) {
            return Ok((before, Fingerprint { sha256, size: before.size }));
        }
        let mut source = open();
        let fingerprint = Fingerprint::of(&mut source).map_err(failed)?;
        if stat().map_err(failed)? != before || fingerprint.size != before.size {
            return Err(Error::ChangedWhileHashed { path: path.into() });
        }
        if source.is_unwritten() {
            self.learn(before, fingerprint.sha256);
        }
        Ok((before, fingerprint))
    }

    /// The hash of a file in this state, where it is known.
    pub fn known(&self, identity: &Identity) -> Option<[u8; 32]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(identity).copied()
    }

    /// Keeps a hash for as long as the file stays in this state; to be called only where that tells
    /// of every change.
    pub fn learn(&self, identity: Identity, sha256: [u8; 32]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if identity.is_settled(i128::try_from(now.as_nanos()).unwrap_or_default()) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(identity, sha256);
        }
    }
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;
