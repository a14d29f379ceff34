//! Listing directories into the kernel's buffers.

use super::super::bridge::{About, Answer, Bridge, Served, reply_empty};
use super::super::convert::{entry_out, kind_bits};
use super::super::transport::Request;
use super::super::wire::abi::{OpenOut, ReadIn};
use super::super::wire::{Entries, Named};
use crate::volume::{Attributes, Error, HandleId, Ino, ListedEntry, Timestamp};
use std::io::ErrorKind;

impl Served {
    pub(super) fn open_directory(&self, request: Request<'_>) {
        let node = request.node();
        let open = || self.checked(self.volume.open_directory(node));
        let opened = self.answer(About::Node(node), open);
        request
            .reply
            .answer(opened.map(|handle| OpenOut { handle: handle.0, ..OpenOut::default() }));
    }

    pub(super) fn sync_directory(&self, request: Request<'_>) {
        let node = request.node();
        let sync = || self.checked(self.volume.sync_directory(node));
        reply_empty(request.reply, self.answer(About::Node(node), sync));
    }

    pub(super) fn list(&self, request: Request<'_>) {
        self.fill(request, Bridge::list_into);
    }

    pub(super) fn list_with_attributes(&self, request: Request<'_>) {
        self.fill(request, Bridge::list_with_attributes_into);
    }

    fn fill(
        &self,
        request: Request<'_>,
        list: fn(&Bridge, HandleId, u64, &mut Entries<'_>) -> Answer<()>,
    ) {
        match request.body().arguments::<ReadIn>() {
            Ok(wanted) => request.reply.filled(wanted.size as usize, |buffer| {
                let mut entries = Entries::new(buffer);
                list(self, HandleId(wanted.handle), wanted.offset, &mut entries)?;
                Ok(entries.used())
            }),
            Err(errno) => request.reply.error(errno),
        }
    }
}

impl Bridge {
    fn list_into(&self, handle: HandleId, offset: u64, entries: &mut Entries<'_>) -> Answer<()> {
        self.answer(About::Handle(handle), || {
            self.checked(self.volume.list(handle, offset, &mut |entry| entries.add(&named(&entry))))
        })
    }

    fn list_with_attributes_into(
        &self,
        handle: HandleId,
        offset: u64,
        entries: &mut Entries<'_>,
    ) -> Answer<()> {
        let mut failed = None;
        self.answer(About::Handle(handle), || {
            self.checked(self.volume.list(handle, offset, &mut |entry| {
                let (attributes, counted) = match self.attributes_of(handle, &entry) {
                    Ok(found) => found,
                    // Removed since the directory was read.
                    Err(Error::NotFound) => return true,
                    Err(error) => {
                        // What was added is given first; the kernel then asks from here on.
                        failed = (entries.used() == 0).then_some(error);
                        return false;
                    }
                };
                let is_added = entries.add_looked_up(&entry_out(&attributes), &named(&entry));
                if !is_added && let Some(counted) = counted {
                    self.volume.forget(counted, 1);
                }
                is_added
            }))?;
            failed.map_or(Ok(()), |error| self.checked(Err(error)))
        })
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

fn named(entry: &ListedEntry) -> Named<'_> {
    let (ino, next, kind) = (entry.ino.0, entry.next, kind_bits(entry.kind) >> 12);
    Named { ino, next, kind, name: &entry.name }
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
