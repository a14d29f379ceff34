//! Where nodes are: the original paths that rules are about.
//!
//! The kernel tells the path behind a node's descriptor, up to 4095 bytes. Trees that are deeper are
//! legal (programs reach them by relative names), so beyond that the path is put together from the
//! directories above.

use super::{DIRECTORY, Volume, open_beneath, stat_of};
use crate::volume::inodes::{Inode, original_path, path_behind};
use crate::volume::{Error, Ino, Kind, Place, ROOT, Result};
use rustix::fs::{Dir, Mode};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

impl Volume {
    /// Where a node is.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not known or not below the storage directory.
    pub fn place(&self, ino: Ino) -> Result<Place> {
        self.place_of(&*self.inodes.get(ino)?)
    }

    /// Where the name in a directory is, whether or not it exists.
    ///
    /// # Errors
    /// As [`Volume::place`].
    pub fn child_place(&self, parent: Ino, name: &OsStr) -> Result<Place> {
        if parent == ROOT {
            return Err(Error::Fixed);
        }
        let mut place = self.place(parent)?;
        place.path.push(name);
        place.many_names = false;
        Ok(place)
    }

    /// Places of the files that are open, once per handle.
    pub fn open_places(&self) -> Vec<Place> {
        self.handles.open_files().iter().filter_map(|inode| self.place_of(inode).ok()).collect()
    }

    pub(super) fn place_of(&self, inode: &Inode) -> Result<Place> {
        let Some(category) = &inode.category else {
            return Ok(Place { category: "".into(), path: "/".into(), many_names: false });
        };
        let many_names = inode.kind != Kind::Directory && stat_of(&*inode.path())?.stx_nlink > 1;
        let stored = match inode.storage_path() {
            Err(Errno::NAMETOOLONG) => self.long_path(inode)?,
            path => path?,
        };
        let path = original_path(&self.storage, &category.name, &stored);
        Ok(Place {
            category: category.name.clone(),
            path: path.ok_or(Error::NotFound)?,
            many_names,
        })
    }

    /// The path of a node that lies too deep for the kernel to tell.
    fn long_path(&self, inode: &Inode) -> Result<PathBuf> {
        let mut names = Vec::new();
        let mut directory = if inode.kind == Kind::Directory {
            open_parent(&inode.path())?
        } else {
            let parent = self.inodes.get(inode.parent_hint())?;
            open_beneath(&*parent.path(), ".", DIRECTORY)?
        };
        names.push(name_of(&directory, inode.ino.0)?);
        loop {
            match path_behind(&directory) {
                Ok(mut path) => {
                    path.extend(names.iter().rev());
                    return Ok(path);
                }
                Err(Errno::NAMETOOLONG) => {
                    let child = stat_of(&directory)?.stx_ino;
                    directory = open_parent(&directory)?;
                    names.push(name_of(&directory, child)?);
                }
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

fn open_parent(directory: &OwnedFd) -> Result<OwnedFd> {
    Ok(rustix::fs::openat(directory, "..", DIRECTORY, Mode::empty())?)
}

/// The name under which a directory has an inode.
fn name_of(directory: &OwnedFd, ino: u64) -> Result<OsString> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if entry.ino() == ino && name != "." && name != ".." {
            return Ok(name.to_owned());
        }
    }
    Err(Error::NotFound)
}
