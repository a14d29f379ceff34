//! Listing directories.

use super::{Entry, Volume, open_beneath};
use crate::volume::{HandleId, Ino, Kind, ROOT, Result};
use rustix::fs::{Dir, OFlags};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::sync::PoisonError;

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEntry {
    /// The node's number.
    pub ino: Ino,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: OsString,
    /// Where to go on after this entry.
    pub next: u64,
}

impl Volume {
    /// Opens a directory for listing.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open_directory(&self, ino: Ino) -> Result<HandleId> {
        let inode = self.inodes.get(ino)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = Dir::new(open_beneath(&*inode.path(), ".", flags)?)?;
        Ok(self.handles.add_directory(inode, directory))
    }

    /// Gives the entries from `offset` on to `take`, until it answers that it has enough: the entry
    /// it refused comes again next time.
    ///
    /// # Errors
    /// The kernel's.
    pub fn list(
        &self,
        handle: HandleId,
        offset: u64,
        take: &mut dyn FnMut(ListedEntry) -> bool,
    ) -> Result<()> {
        let handle = self.handles.directory(handle)?;
        let mut stream = handle.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = offset.cast_signed();
        if offset == 0 {
            // Rewound, so that entries made since the last pass are seen.
            stream.directory.rewind();
        } else if stream.offset != offset {
            stream.directory.seek(offset)?;
        }
        stream.offset = offset;
        while let Some(entry) = stream.directory.read() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            let next = entry.offset();
            if handle.inode.ino != ROOT || self.shows(name) {
                let ino = if name == "." { handle.inode.ino } else { Ino(entry.ino()) };
                let kind = Kind::of_mode(entry.file_type().as_raw_mode());
                let listed =
                    ListedEntry { ino, kind, name: name.to_owned(), next: next.cast_unsigned() };
                if !take(listed) {
                    // The stream is behind the refused entry: the next call must seek.
                    stream.offset = -1;
                    return Ok(());
                }
            }
            stream.offset = next;
        }
        Ok(())
    }

    /// Looks up a listed entry by its name, counting the lookup.
    ///
    /// # Errors
    /// As [`Volume::look_up`].
    pub fn look_up_listed(&self, handle: HandleId, name: &OsStr) -> Result<Entry> {
        self.look_up_in(&self.handles.directory(handle)?.inode, name)
    }

    /// Of the storage directory itself only the categories are shown.
    fn shows(&self, name: &OsStr) -> bool {
        let categories = self.categories.read().unwrap_or_else(PoisonError::into_inner);
        name == "." || name == ".." || name.to_str().is_some_and(|n| categories.contains_key(n))
    }
}
