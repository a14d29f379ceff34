//! Removing and renaming.

use super::Volume;
use crate::volume::{Error, Ino, Kind, Result};
use rustix::fs::{AtFlags, OFlags, RenameFlags, renameat_with, unlinkat};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

impl Volume {
    /// Removes a name that is not a directory's.
    ///
    /// # Errors
    /// The kernel's.
    pub fn unlink(&self, parent: Ino, name: &OsStr) -> Result<()> {
        Ok(unlinkat(&*self.parent(parent)?.path(), name, AtFlags::empty())?)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// The kernel's.
    pub fn remove_directory(&self, parent: Ino, name: &OsStr) -> Result<()> {
        Ok(unlinkat(&*self.parent(parent)?.path(), name, AtFlags::REMOVEDIR)?)
    }

    /// Renames within a category, atomically.
    ///
    /// # Errors
    /// [`Error::CrossCategory`]; the kernel's.
    pub fn rename(&self, from: (Ino, &OsStr), to: (Ino, &OsStr), flags: RenameFlags) -> Result<()> {
        let (source, target) = (self.parent(from.0)?, self.parent(to.0)?);
        if source.category()?.name != target.category()?.name {
            return Err(Error::CrossCategory);
        }
        let names = [(&source, from.1), (&target, to.1)];
        let _move = self.moves.begin(&source.category()?.name, &names);
        Ok(renameat_with(&*source.path(), from.1, &*target.path(), to.1, flags)?)
    }

    /// Where a symlink points.
    ///
    /// # Errors
    /// [`Error::WrongKind`] when it is none; the kernel's.
    pub fn read_link(&self, ino: Ino) -> Result<PathBuf> {
        let inode = self.inodes.get(ino)?;
        if inode.kind != Kind::Symlink {
            return Err(Error::WrongKind);
        }
        let target = rustix::fs::readlinkat(&*inode.path(), c"", Vec::new())?;
        Ok(std::ffi::OsString::from_vec(target.into_bytes()).into())
    }

    /// Makes a directory's entries durable.
    ///
    /// # Errors
    /// The kernel's.
    pub fn sync_directory(&self, ino: Ino) -> Result<()> {
        let inode = self.inodes.get(ino)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = super::open_beneath(&*inode.path(), ".", flags)?;
        Ok(rustix::fs::fsync(directory)?)
    }
}
