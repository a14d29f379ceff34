//! Listing directories into the kernel's buffers.

use super::bridge::{Bridge, KEEP};
use super::convert::{attr, file_type};
use crate::volume::{Attributes, HandleId, Ino, Kind, ListedEntry, Timestamp};
use fuser::{Generation, INodeNo, ReplyDirectory, ReplyDirectoryPlus};

impl Bridge {
    pub(super) fn list(&self, handle: HandleId, offset: u64, mut reply: ReplyDirectory) {
        let answer = self.answer(|| {
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
        let answer = self.answer(|| {
            self.checked(self.volume.list(handle, offset, &mut |entry| {
                let (attributes, counted) = self.attributes_of(handle, &entry);
                let (ino, attributes) = (INodeNo(entry.ino.0), attr(&attributes));
                let full =
                    reply.add(ino, entry.next, entry.name, &KEEP, &attributes, Generation(0));
                if full && let Some(counted) = counted {
                    self.volume.forget(counted, 1);
                }
                !full
            }))
        });
        match answer {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    /// The attributes of a listed entry, and the node whose lookup that counted. Node number 0 tells
    /// the kernel that it has to look the name up itself.
    fn attributes_of(&self, handle: HandleId, entry: &ListedEntry) -> (Attributes, Option<Ino>) {
        let looked_up = if entry.name == "." || entry.name == ".." {
            None
        } else {
            self.volume.look_up_listed(handle, &entry.name).ok()
        };
        match looked_up {
            Some(found) => (found.attributes, Some(found.attributes.ino)),
            None => (unknown(entry.kind), None),
        }
    }
}

fn unknown(kind: Kind) -> Attributes {
    let never = Timestamp { seconds: 0, nanoseconds: 0 };
    Attributes {
        ino: Ino(0),
        kind,
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
