//! Executables inside the encrypted tree, read through the volume and never through the mount.

use crate::access::{EncryptedPrograms, Fingerprint, Identity};
use crate::volume::file::CipherFile;
use crate::volume::{Attributes, Kind, Opening, Timestamp, Volume};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

/// The tree's programs, by their path below the mount point.
pub struct TreePrograms {
    /// The tree.
    pub volume: Arc<Volume>,
    /// The mount's device, as its files show it.
    pub device: u64,
}

impl TreePrograms {
    /// The first bytes of a file, at most `length`.
    ///
    /// # Errors
    /// As [`EncryptedPrograms::identify`]; an integrity error when they do not verify.
    pub fn head(&self, mount_relative: &Path, length: u64) -> io::Result<Vec<u8>> {
        let attributes = self.attributes(mount_relative)?;
        let opened = self.volume.open_file(attributes.ino, Opening::default());
        let head = opened.map_err(io::Error::other).and_then(|handle| {
            let mut head = Vec::new();
            let read = self.volume.file(handle).map_err(io::Error::other).and_then(|open| {
                Reader { file: &open.file, at: 0 }.take(length).read_to_end(&mut head)
            });
            self.volume.close(handle);
            read.map(|_| head)
        });
        self.volume.forget(attributes.ino, 1);
        head
    }

    fn attributes(&self, path: &Path) -> io::Result<Attributes> {
        let not_found = || io::Error::from(ErrorKind::NotFound);
        let mut parts = path.components();
        let category = parts.next().and_then(|first| first.as_os_str().to_str());
        let original = Path::new("/").join(parts.as_path());
        let found = self.volume.look_up_path(category.ok_or_else(not_found)?, &original);
        let attributes = found.map_err(io::Error::other)?.attributes;
        if attributes.kind == Kind::File {
            return Ok(attributes);
        }
        self.volume.forget(attributes.ino, 1);
        Err(ErrorKind::InvalidInput.into())
    }

    fn identity(&self, attributes: &Attributes) -> Identity {
        Identity {
            dev: self.device,
            ino: attributes.ino.0,
            size: attributes.size,
            mtime_ns: nanoseconds(attributes.mtime),
            ctime_ns: nanoseconds(attributes.ctime),
        }
    }
}

impl EncryptedPrograms for TreePrograms {
    fn identify(&self, mount_relative: &Path) -> io::Result<Identity> {
        let attributes = self.attributes(mount_relative)?;
        self.volume.forget(attributes.ino, 1);
        Ok(self.identity(&attributes))
    }

    fn hash(&self, mount_relative: &Path) -> io::Result<(Identity, [u8; 32])> {
        let before = self.attributes(mount_relative)?;
        let opened = self.volume.open_file(before.ino, Opening::default());
        let hashed = opened.map_err(io::Error::other).and_then(|handle| {
            let file = self.volume.file(handle).map_err(io::Error::other);
            let hashed = file.and_then(|open| Fingerprint::of(Reader { file: &open.file, at: 0 }));
            self.volume.close(handle);
            hashed
        });
        let after = self.volume.attributes(before.ino).map_err(io::Error::other);
        self.volume.forget(before.ino, 1);
        let identity = self.identity(&before);
        if self.identity(&after?) == identity {
            Ok((identity, hashed?.sha256))
        } else {
            Err(ErrorKind::ResourceBusy.into())
        }
    }
}

/// Reads a file from its beginning.
struct Reader<'a> {
    file: &'a CipherFile,
    at: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(self.at, out).map_err(io::Error::other)?;
        self.at += count as u64;
        Ok(count)
    }
}

fn nanoseconds(time: Timestamp) -> i128 {
    i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanoseconds)
}
