//! Making nodes.

use super::{Entry, Opening, Volume, open_beneath, stat_of};
use crate::volume::inodes::{Inode, proc_path};
use crate::volume::{Error, HandleId, Ino, Kind, Result};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::fs::{chownat, fchmod, linkat, mkdirat, mknodat, openat, symlinkat, unlinkat};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Whose a new node is, and what its creator masks out.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// The creator's user.
    pub uid: u32,
    /// The creator's group; in a setgid directory the directory's is taken.
    pub gid: u32,
    /// The creator's umask; a default ACL of the directory takes its place.
    pub umask: u32,
}

/// What to make.
#[derive(Debug, Clone, Copy)]
pub enum NewNode<'a> {
    /// A directory.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A symlink.
    Symlink {
        /// Where it points; never followed by us.
        target: &'a Path,
    },
    /// A file, FIFO, socket or device.
    Special {
        /// Type and permission bits.
        mode: u32,
        /// Device number.
        rdev: u32,
    },
}

impl Volume {
    /// Creates and opens a file. One that exists is opened, unless `flags` has `O_EXCL`.
    ///
    /// # Errors
    /// The kernel's.
    pub fn create(
        &self,
        parent: Ino,
        name: &OsStr,
        mode: u32,
        owner: Owner,
        flags: Opening,
    ) -> Result<(Entry, HandleId)> {
        let directory = self.parent(parent)?;
        let mode = self.masked(&directory, mode, owner);
        let made = openat(&*directory.path(), name, new_file_flags(), Mode::from_raw_mode(mode));
        let mut flags = flags;
        let entry = match made {
            Ok(descriptor) => {
                // Nothing is in it.
                flags.truncate = false;
                give_to(&directory, &descriptor, owner, mode).inspect_err(|_| {
                    let _ = unlinkat(&*directory.path(), name, AtFlags::empty());
                })?;
                self.look_up_in(&directory, name)?
            }
            Err(rustix::io::Errno::EXIST) if !flags.exclusive => {
                self.look_up_in(&directory, name)?
            }
            Err(error) => return Err(error.into()),
        };
        match self.open_file(entry.attributes.ino, flags) {
            Ok(handle) => Ok((entry, handle)),
            Err(error) => {
                self.forget(entry.attributes.ino, 1);
                Err(error)
            }
        }
    }

    /// Makes a node that is not opened.
    ///
    /// # Errors
    /// The kernel's.
    pub fn make(
        &self,
        parent: Ino,
        name: &OsStr,
        node: NewNode<'_>,
        owner: Owner,
    ) -> Result<Entry> {
        let directory = self.parent(parent)?;
        let at = directory.path();
        let mode = match node {
            NewNode::Directory { mode } | NewNode::Special { mode, .. } => {
                self.masked(&directory, mode & 0o7777, owner)
            }
            NewNode::Symlink { .. } => 0o777,
        };
        let bits = Mode::from_raw_mode(mode);
        match node {
            NewNode::Directory { .. } => mkdirat(&*at, name, bits)?,
            NewNode::Symlink { target } => symlinkat(target, &*at, name)?,
            NewNode::Special { mode, rdev } => {
                let kind = FileType::from_raw_mode(mode);
                mknodat(&*at, name, kind, bits, rdev.into())?;
            }
        }
        let path_only = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = open_beneath(&*at, name, path_only)?;
        give_to(&directory, &made, owner, mode).inspect_err(|_| {
            let directory = matches!(node, NewNode::Directory { .. });
            let flags = if directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
            let _ = unlinkat(&*at, name, flags);
        })?;
        self.look_up_in(&directory, name)
    }

    /// Gives a node one more name, in the same category.
    ///
    /// # Errors
    /// [`Error::CrossCategory`]; the kernel's.
    pub fn link(&self, ino: Ino, parent: Ino, name: &OsStr) -> Result<Entry> {
        let (inode, directory) = (self.inodes.get(ino)?, self.parent(parent)?);
        self.may_change(ino)?;
        if inode.category()?.name != directory.category()?.name {
            return Err(Error::CrossCategory);
        }
        let (from, to) = (inode.path(), directory.path());
        let names = [(&directory, name)];
        let _move = self.moves.begin(&inode.category()?.name, &names);
        if linkat(&*from, c"", &*to, name, AtFlags::EMPTY_PATH).is_err() {
            // Without CAP_DAC_READ_SEARCH (in a user namespace) only the way through /proc is open.
            linkat(rustix::fs::CWD, inode.proc_path(), &*to, name, AtFlags::SYMLINK_FOLLOW)?;
        }
        self.look_up_in(&directory, name)
    }

    /// The mode after the creator's mask, which a default ACL of the directory replaces.
    fn masked(&self, directory: &Inode, mode: u32, owner: Owner) -> u32 {
        let has_default_acl =
            rustix::fs::getxattr_query(directory.proc_path(), c"system.posix_acl_default").is_ok();
        if has_default_acl { mode } else { mode & !owner.umask }
    }
}

fn new_file_flags() -> OFlags {
    OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

/// Gives a node that we made as root to its creator. A setgid directory has already handed down its
/// group.
fn give_to(directory: &Inode, made: &OwnedFd, owner: Owner, mode: u32) -> Result<()> {
    let setgid = stat_of(&*directory.path())?.stx_mode & 0o2000 != 0;
    let gid = (!setgid).then_some(owner.gid);
    let stat = stat_of(made)?;
    if stat.stx_uid == owner.uid && gid.is_none_or(|gid| gid == stat.stx_gid) {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(owner.uid), gid.map(Gid::from_raw));
    chownat(made, c"", Some(uid), gid, AtFlags::EMPTY_PATH)?;
    // Changing the owner of a file clears these two; a directory keeps what it inherited.
    if mode & 0o6000 != 0 && Kind::of_mode(stat.stx_mode.into()) != Kind::Directory {
        let bits = Mode::from_raw_mode(mode);
        if fchmod(made, bits).is_err() {
            rustix::fs::chmod(proc_path(made), bits).map_err(Error::from)?;
        }
    }
    Ok(())
}
