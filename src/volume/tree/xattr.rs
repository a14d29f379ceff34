//! Extended attributes, ACLs among them: those of the ciphertext files.

use super::Volume;
use crate::volume::{Error, Ino, Kind, ROOT, Result};
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::path::PathBuf;

/// The largest value or list of names that Linux allows, in bytes.
const MAX_LEN: usize = 65536;

impl Volume {
    /// An attribute's value.
    ///
    /// # Errors
    /// The kernel's; `ENODATA` when there is none.
    pub fn xattr(&self, ino: Ino, name: &OsStr) -> Result<Vec<u8>> {
        let Some(path) = self.xattr_path(ino)? else { return Err(Errno::NODATA.into()) };
        read_all(|buffer| rustix::fs::getxattr(&path, name, buffer))
    }

    /// The names of all attributes, each followed by a zero byte.
    ///
    /// # Errors
    /// The kernel's.
    pub fn xattr_names(&self, ino: Ino) -> Result<Vec<u8>> {
        let Some(path) = self.xattr_path(ino)? else { return Ok(Vec::new()) };
        read_all(|buffer| rustix::fs::listxattr(&path, buffer))
    }

    /// Sets an attribute; `flags` as of `setxattr(2)`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for symlinks; the kernel's.
    pub fn set_xattr(&self, ino: Ino, name: &OsStr, value: &[u8], flags: u32) -> Result<()> {
        let path = self.changeable_path(ino)?;
        let flags = XattrFlags::from_bits(flags).ok_or(Errno::INVAL)?;
        Ok(rustix::fs::setxattr(&path, name, value, flags)?)
    }

    /// Removes an attribute.
    ///
    /// # Errors
    /// As [`Volume::set_xattr`].
    pub fn remove_xattr(&self, ino: Ino, name: &OsStr) -> Result<()> {
        Ok(rustix::fs::removexattr(self.changeable_path(ino)?, name)?)
    }

    /// Symlinks have none: no system call reaches theirs through a descriptor.
    fn xattr_path(&self, ino: Ino) -> Result<Option<PathBuf>> {
        let inode = self.inodes.get(ino)?;
        Ok((inode.kind != Kind::Symlink).then(|| inode.proc_path()))
    }

    fn changeable_path(&self, ino: Ino) -> Result<PathBuf> {
        if ino == ROOT {
            return Err(Error::Fixed);
        }
        self.may_change(ino)?;
        self.xattr_path(ino)?.ok_or(Error::Unsupported)
    }
}

fn read_all(read: impl FnOnce(&mut [u8]) -> rustix::io::Result<usize>) -> Result<Vec<u8>> {
    let mut buffer = vec![0; MAX_LEN];
    let length = read(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}
