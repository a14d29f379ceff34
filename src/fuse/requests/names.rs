//! Names: looked up, made, moved, removed.

use super::super::Access;
use super::super::bridge::{About, Answer, Asker, Bridge, Served};
use super::super::bridge::{opening, reply_created, reply_empty, reply_entry};
use super::super::transport::Request;
use super::super::wire::abi::{CreateIn, LinkIn, MkdirIn, MknodIn, Rename2In, RenameIn};
use super::super::wire::name;
use crate::volume::{Entry, Ino, NewNode};
use rustix::fs::RenameFlags;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use zerocopy::FromBytes;

impl Served {
    pub(super) fn look_up(&self, request: Request<'_>) {
        let parent = request.node();
        let answer = name(request.body().rest()).and_then(|(name, _)| {
            self.answer(About::Node(parent), || self.checked(self.volume.look_up(parent, name)))
        });
        reply_entry(request.reply, answer);
    }

    pub(super) fn read_link(&self, request: Request<'_>) {
        let node = request.node();
        match self.answer(About::Node(node), || self.checked(self.volume.read_link(node))) {
            Ok(target) => request.reply.bytes(&[target.as_os_str().as_encoded_bytes()]),
            Err(errno) => request.reply.error(errno),
        }
    }

    pub(super) fn make_special(&self, request: Request<'_>) {
        self.with_name(request, |served, request, wanted: MknodIn, name| {
            served.make(request, move |bridge, asker, parent| {
                let node = NewNode::Special { mode: wanted.mode, rdev: wanted.rdev };
                bridge.make(asker, parent, &name, node, wanted.umask)
            });
        });
    }

    pub(super) fn make_directory(&self, request: Request<'_>) {
        self.with_name(request, |served, request, wanted: MkdirIn, name| {
            served.make(request, move |bridge, asker, parent| {
                let node = NewNode::Directory { mode: wanted.mode };
                bridge.make(asker, parent, &name, node, wanted.umask)
            });
        });
    }

    pub(super) fn make_symlink(&self, request: Request<'_>) {
        let names = name(request.body().rest())
            .and_then(|(new, rest)| Ok((new.to_owned(), PathBuf::from(name(rest)?.0))));
        match names {
            Ok((new, target)) => self.make(request, move |bridge, asker, parent| {
                bridge.make(asker, parent, &new, NewNode::Symlink { target: &target }, 0)
            }),
            Err(errno) => request.reply.error(errno),
        }
    }

    fn make(
        &self,
        request: Request<'_>,
        work: impl Fn(&Bridge, &Asker, Ino) -> Answer<Entry> + Send + 'static,
    ) {
        let parent = request.node();
        self.decided(request, About::Node(parent), reply_entry, move |bridge, asker| {
            work(bridge, asker, parent)
        });
    }

    pub(super) fn unlink(&self, request: Request<'_>) {
        self.remove(request, |bridge, parent, name| bridge.volume.unlink(parent, name));
    }

    pub(super) fn remove_directory(&self, request: Request<'_>) {
        self.remove(request, |bridge, parent, name| bridge.volume.remove_directory(parent, name));
    }

    fn remove(
        &self,
        request: Request<'_>,
        remove: fn(&Bridge, Ino, &OsStr) -> crate::volume::Result<()>,
    ) {
        let parent = request.node();
        let name = match name(request.body().rest()) {
            Ok((name, _)) => name.to_owned(),
            Err(errno) => return request.reply.error(errno),
        };
        self.decided(request, About::Node(parent), reply_empty, move |bridge, asker| {
            bridge.ask_child(asker, Access::Rename, parent, &name)?;
            bridge.checked(remove(bridge, parent, &name))
        });
    }

    pub(super) fn rename(&self, request: Request<'_>) {
        match request.body().split::<RenameIn>() {
            Ok((wanted, names)) => {
                let names = two_names(names);
                self.rename_to(request, Ino(wanted.new_parent), names, 0);
            }
            Err(errno) => request.reply.error(errno),
        }
    }

    pub(super) fn rename_with_flags(&self, request: Request<'_>) {
        match request.body().split::<Rename2In>() {
            Ok((wanted, names)) => {
                let names = two_names(names);
                self.rename_to(request, Ino(wanted.new_parent), names, wanted.flags);
            }
            Err(errno) => request.reply.error(errno),
        }
    }

    fn rename_to(
        &self,
        request: Request<'_>,
        new_parent: Ino,
        names: Answer<(OsString, OsString)>,
        flags: u32,
    ) {
        let parent = request.node();
        let (name, new_name) = match names {
            Ok(names) => names,
            Err(errno) => return request.reply.error(errno),
        };
        self.decided(request, About::Tree, reply_empty, move |bridge, asker| {
            let (from, to) = ((parent, &*name), (new_parent, &*new_name));
            let places = [from, to].map(|(parent, name)| bridge.volume.child_place(parent, name));
            let [from_place, to_place] = places.map(|place| bridge.checked(place));
            bridge.ask(asker, Access::Rename, &[from_place?, to_place?])?;
            let flags = RenameFlags::from_bits(flags).ok_or(Errno::INVAL)?;
            bridge.checked(bridge.volume.rename(from, to, flags))
        });
    }

    pub(super) fn link(&self, request: Request<'_>) {
        let new_parent = request.node();
        self.with_name(request, |served, request, wanted: LinkIn, new_name| {
            let node = Ino(wanted.node);
            served.decided(request, About::Node(node), reply_entry, move |bridge, asker| {
                let from = bridge.checked(bridge.volume.place(node))?;
                let to = bridge.checked(bridge.volume.child_place(new_parent, &new_name))?;
                bridge.ask(asker, Access::Link, &[from, to])?;
                bridge.checked(bridge.volume.link(node, new_parent, &new_name))
            });
        });
    }

    pub(super) fn create(&self, request: Request<'_>) {
        let parent = request.node();
        self.with_name(request, |served, request, wanted: CreateIn, name| {
            let about = About::Node(parent);
            served.decided(request, about, reply_created, move |bridge, asker| {
                bridge.ask_child(asker, Access::Create, parent, &name)?;
                let opening = opening(wanted.flags.cast_signed());
                let made = bridge.volume.create(
                    parent,
                    &name,
                    wanted.mode,
                    asker.owner(wanted.umask),
                    opening,
                );
                bridge.checked(made)
            });
        });
    }

    /// Takes a request apart that has arguments and a name.
    fn with_name<'r, T: FromBytes>(
        &self,
        request: Request<'r>,
        work: impl FnOnce(&Self, Request<'r>, T, OsString),
    ) {
        let parts = request.body().split::<T>();
        let named = parts.and_then(|(wanted, rest)| Ok((wanted, name(rest)?.0.to_owned())));
        match named {
            Ok((wanted, name)) => work(self, request, wanted, name),
            Err(errno) => request.reply.error(errno),
        }
    }
}

fn two_names(bytes: &[u8]) -> Answer<(OsString, OsString)> {
    let (first, rest) = name(bytes)?;
    Ok((first.to_owned(), name(rest)?.0.to_owned()))
}
