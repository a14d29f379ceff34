//! Reading and changing attributes.

use super::{Volume, stat_of, with_open_size};
use crate::volume::inodes::Inode;
use crate::volume::{
    Attributes, Changes, Error, HandleId, Ino, Kind, ROOT, Result, SetTime, Timestamp,
};
use rustix::fs::{AtFlags, CWD, Gid, Mode, StatVfs, Timespec, Timestamps, Uid};
use rustix::fs::{UTIME_NOW, UTIME_OMIT, chmodat, chownat, statvfs, utimensat};

impl Volume {
    /// What `stat` says of a node.
    ///
    /// # Errors
    /// The kernel's.
    pub fn attributes(&self, ino: Ino) -> Result<Attributes> {
        self.attributes_of(&*self.inodes.get(ino)?)
    }

    /// Changes attributes in the order that keeps privileges from leaking: size, owner, mode, times.
    /// A size is set through `handle` where there is one.
    ///
    /// # Errors
    /// As [`crate::volume::file::CipherFile::set_size`], and the kernel's. What came before a failed
    /// change stays changed.
    pub fn change(
        &self,
        ino: Ino,
        handle: Option<HandleId>,
        changes: &Changes,
    ) -> Result<Attributes> {
        let inode = self.inodes.get(ino)?;
        if ino == ROOT {
            return Err(Error::Fixed);
        }
        self.may_change(ino)?;
        if let Some(size) = changes.size {
            match handle {
                Some(handle) => self.handles.file(handle)?.file.set_size(size)?,
                None => self.open_contents(&inode, size == 0)?.set_size(size)?,
            }
        }
        if changes.uid.is_some() || changes.gid.is_some() {
            let (uid, gid) = (changes.uid.map(Uid::from_raw), changes.gid.map(Gid::from_raw));
            chownat(&*inode.path(), c"", uid, gid, AtFlags::EMPTY_PATH)?;
        }
        if let Some(mode) = changes.mode {
            if inode.kind == Kind::Symlink {
                return Err(Error::Unsupported);
            }
            chmodat(CWD, inode.proc_path(), Mode::from_raw_mode(mode & 0o7777), AtFlags::empty())?;
        }
        if changes.atime.is_some() || changes.mtime.is_some() {
            let times = Timestamps {
                last_access: timespec(changes.atime),
                last_modification: timespec(changes.mtime),
            };
            set_times(&inode, &times)?;
        }
        self.attributes_of(&inode)
    }

    /// Takes the setuid bit away, and the setgid bit where it has a meaning for programs (the group may execute), as
    /// is due when somebody writes who may not keep them.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; the kernel's.
    pub fn drop_set_ids(&self, ino: Ino) -> Result<()> {
        let inode = self.inodes.get(ino)?;
        let mode = Mode::from_raw_mode(u32::from(stat_of(&*inode.path())?.stx_mode) & 0o7777);
        let mut kept = mode & !Mode::SUID;
        if mode.contains(Mode::XGRP) {
            kept &= !Mode::SGID;
        }
        if kept != mode {
            self.may_change(ino)?;
            chmodat(CWD, inode.proc_path(), kept, AtFlags::empty())?;
        }
        Ok(())
    }

    /// Space and inodes of the filesystem below.
    ///
    /// # Errors
    /// The kernel's.
    pub fn space(&self) -> Result<StatVfs> {
        Ok(statvfs(&self.storage)?)
    }

    pub(super) fn attributes_of(&self, inode: &Inode) -> Result<Attributes> {
        let stat = stat_of(&*inode.path())?;
        Ok(with_open_size(Attributes::from_stat(inode.ino, &stat), inode))
    }
}

/// Sets times when nobody puts back those that a file had before it was re-encrypted.
fn set_times(inode: &Inode, times: &Timestamps) -> Result<()> {
    let slot = inode.file_slot();
    let file = slot.upgrade();
    let set = || utimensat(&*inode.path(), c"", times, AtFlags::EMPTY_PATH);
    let done = match &file {
        // Open: it stays this very one, and the place is free for who else opens it.
        Some(file) => {
            drop(slot);
            let _held = file.hold();
            set()
        }
        // Nobody opens it meanwhile.
        None => {
            let done = set();
            drop(slot);
            done
        }
    };
    Ok(done?)
}

fn timespec(time: Option<SetTime>) -> Timespec {
    let (tv_sec, tv_nsec) = match time {
        None => (0, UTIME_OMIT),
        Some(SetTime::Now) => (0, UTIME_NOW),
        Some(SetTime::To(Timestamp { seconds, nanoseconds })) => (seconds, nanoseconds.into()),
    };
    Timespec { tv_sec, tv_nsec }
}
