//! Listing directories into the kernel's buffers.

use super::bridge::{About, Bridge, KEEP};
use super::convert::{attr, file_type};
use crate::volume::{Attributes, Error, HandleId, Ino, ListedEntry, Timestamp};
use fuser::{Generation, INodeNo, ReplyDirectory, ReplyDirectoryPlus};
use std::io::ErrorKind;

impl Bridge {
    pub(super) fn list(&self, handle: HandleId, offset: u64, mut reply: ReplyDirectory) {
        let answer = self.answer(About::Handle(handle), || {
            self.checked(self.volume.list(handle, offset, &mut |entry| {
                let (ino, kind) = (INodeNo(entry.ino.0), file_type(entry.kind));
                !reply.add(ino, entry.next, kind, entry.name)
            }))
        });
        match answer {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    pub(super) fn list_with_attributes(
        &self,
        handle: HandleId,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let (mut added, mut failed) = (false, None);
        let answer = self.answer(About::Handle(handle), || {
            self.checked(self.volume.list(handle, offset, &mut |entry| {
                let (attributes, counted) = match self.attributes_of(handle, &entry) {
                    Ok(found) => found,
                    // Removed since the directory was read.
                    Err(Error::NotFound) => return true,
                    Err(error) => {
                        // What was added is given first; the kernel then asks from here on.
                        failed = (!added).then_some(error);
                        return false;
                    }
                };
                let (ino, attributes) = (INodeNo(entry.ino.0), attr(&attributes));
                let full =
                    reply.add(ino, entry.next, entry.name, &KEEP, &attributes, Generation(0));
                if full && let Some(counted) = counted {
                    self.volume.forget(counted, 1);
                }
                added |= !full;
                !full
            }))?;
            failed.map_or(Ok(()), |error| self.checked(Err(error)))
        });
        match answer {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    /// The attributes of a listed entry, and the node whose lookup that counted: none for the directory
    /// itself and the one above, of which the kernel takes the number only.
    fn attributes_of(
        &self,
        handle: HandleId,
        entry: &ListedEntry,
    ) -> crate::volume::Result<(Attributes, Option<Ino>)> {
        if entry.name == "." || entry.name == ".." {
            return Ok((number_only(entry), None));
        }
        match self.volume.look_up_listed(handle, &entry.name) {
            Err(Error::Io(error)) if error.kind() == ErrorKind::NotFound => Err(Error::NotFound),
            found => {
                let attributes = found?.attributes;
                Ok((attributes, Some(attributes.ino)))
            }
        }
    }
}

fn number_only(entry: &ListedEntry) -> Attributes {
    let never = Timestamp { seconds: 0, nanoseconds: 0 };
    Attributes {
        ino: entry.ino,
        kind: entry.kind,
        mode: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        rdev: 0,
        size: 0,
        blocks: 0,
        atime: never,
        mtime: never,
        ctime: never,
    }
}
