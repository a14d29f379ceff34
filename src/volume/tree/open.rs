//! Opening files, and reading and writing through handles.

use super::Volume;
use crate::storage::DiskFile;
use crate::volume::file::{CipherFile, Watcher};
use crate::volume::inodes::Inode;
use crate::volume::{Error, FileHandle, HandleId, Ino, Kind, Place, Result};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

/// How a file is opened. Whether it is read or written is the caller's business: contents are opened
/// for both, since writing half a sector reads the other half.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opening {
    /// Cut it to nothing first (`O_TRUNC`).
    pub truncate: bool,
    /// It must not exist yet (`O_EXCL`).
    pub exclusive: bool,
    /// What is written goes to the end (`O_APPEND`), which the kernel knows before it asks for the opening.
    pub append: bool,
}

impl Volume {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::WrongKind`] when it is no regular file; [`Error::Header`] when it is damaged and not
    /// to be truncated; [`Error::OtherSize`] when it is to be appended to and has another size than its
    /// attributes told, until they have told the right one; the kernel's.
    pub fn open_file(&self, ino: Ino, flags: Opening) -> Result<HandleId> {
        let inode = self.inodes.get(ino)?;
        let file = self.open_contents(&inode, flags.truncate)?;
        if flags.truncate {
            file.set_size(0)?;
        } else if flags.append && file.has_untold_size() {
            // Until it is opened again: a size that is not put right on the disk is known to what is open only.
            inode.keep_open(Some(file));
            return Err(Error::OtherSize);
        }
        inode.keep_open(None);
        let handle = self.handles.add_file(inode.clone(), file.clone());
        self.keep_read_only(&inode, &file);
        Ok(handle)
    }

    /// The open file behind a handle.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`].
    pub fn file(&self, handle: HandleId) -> Result<FileHandle> {
        self.handles.file(handle)
    }

    /// Closes a file or directory.
    pub fn close(&self, handle: HandleId) {
        self.handles.remove(handle);
    }

    /// The node's contents, shared by all who have them open. With `discard` a damaged header does
    /// not matter: the caller is about to cut the file to nothing.
    pub(super) fn open_contents(
        &self,
        inode: &Arc<Inode>,
        discard: bool,
    ) -> Result<Arc<CipherFile>> {
        if inode.kind != Kind::File {
            return Err(Error::WrongKind);
        }
        let mut slot = inode.file_slot();
        if let Some(file) = slot.upgrade() {
            return Ok(file);
        }
        if discard {
            self.may_change(inode.ino)?;
        }
        let disk = DiskFile::new(reopen(inode)?);
        if discard {
            disk.set_size(0)?;
        }
        let keys = inode.category()?.keys.clone();
        let file = Arc::new(CipherFile::open_watched(disk, keys, Some(self.watcher(inode)?))?);
        self.share(inode, &mut slot, &file);
        Ok(file)
    }

    /// Puts contents that were opened just now where everybody finds them. `slot` is the node's own, in hand
    /// since before they were opened.
    pub(super) fn share(&self, inode: &Inode, slot: &mut Weak<CipherFile>, file: &Arc<CipherFile>) {
        *slot = Arc::downgrade(file);
        self.keep_read_only(inode, file);
    }

    pub(super) fn watcher(&self, inode: &Inode) -> Result<Watcher> {
        let (observer, ino, place): (_, Ino, Place) =
            (self.observer.clone(), inode.ino, self.place_of(inode)?);
        Ok(Arc::new(move |event| observer.file_event(ino, &place, event)))
    }
}

/// A descriptor to read and write with, through the node's own: no path is walked.
pub(super) fn reopen(inode: &Inode) -> Result<OwnedFd> {
    let both = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(inode.proc_path(), both, Mode::empty()) {
        Err(Errno::ROFS) => reopen_to_read(inode),
        other => Ok(other?),
    }
}

/// A descriptor to read with only.
pub(super) fn reopen_to_read(inode: &Inode) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::open(inode.proc_path(), flags, Mode::empty())?)
}
