//! The kernel's requests, one method each: ask, call, reply.

use super::Access;
use super::bridge::{About, Served, access_of, opening};
use super::bridge::{
    reply_attributes, reply_created, reply_empty, reply_entry, reply_opened, reply_xattr,
};
use super::convert::{ino, set_time};
use crate::storage::with_buffer;
use crate::volume::{Changes, HandleId, NewNode};
use fuser::{
    BsdFileFlags, Errno, FileHandle, Filesystem, FopenFlags, INodeNo, InitFlags, IoctlFlags,
    KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyLseek, ReplyOpen,
    ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// The largest write, in bytes; reads follow the kernel's read-ahead.
const MAX_WRITE: u32 = 1 << 20;

impl Filesystem for Served {
    fn init(&mut self, _request: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let wanted = InitFlags::FUSE_ASYNC_READ
            | InitFlags::FUSE_BIG_WRITES
            | InitFlags::FUSE_MAX_PAGES
            | InitFlags::FUSE_ASYNC_DIO
            | InitFlags::FUSE_PARALLEL_DIROPS
            | InitFlags::FUSE_ATOMIC_O_TRUNC
            | InitFlags::FUSE_DO_READDIRPLUS
            | InitFlags::FUSE_READDIRPLUS_AUTO
            | InitFlags::FUSE_CACHE_SYMLINKS
            | InitFlags::FUSE_POSIX_ACL
            | InitFlags::FUSE_DONT_MASK;
        let offered = config.capabilities();
        // Only what this kernel offers is asked for; none of them is needed.
        let _ = config.add_capabilities(wanted & offered);
        let _ = config.set_max_write(MAX_WRITE);
        let _ = config.set_max_readahead(MAX_WRITE);
        let _ = config.set_max_background(64);
        Ok(())
    }

    fn lookup(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        reply_entry(
            reply,
            self.answer(About::Node(parent), || {
                self.checked(self.volume.look_up(ino(parent), name))
            }),
        );
    }

    fn forget(&self, _request: &Request, node: INodeNo, count: u64) {
        self.volume.forget(ino(node), count);
    }

    fn getattr(
        &self,
        _request: &Request,
        node: INodeNo,
        _handle: Option<FileHandle>,
        reply: ReplyAttr,
    ) {
        let answer =
            self.answer(About::Node(node), || self.checked(self.volume.attributes(ino(node))));
        reply_attributes(reply, answer);
    }

    fn setattr(
        &self,
        request: &Request,
        node: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let changes = Changes {
            mode,
            uid,
            gid,
            size,
            atime: atime.map(set_time),
            mtime: mtime.map(set_time),
        };
        let held = handle.map(|handle| HandleId(handle.0));
        // Whoever holds a handle was asked when it was opened.
        if held.is_some() && mode.is_none() && uid.is_none() && gid.is_none() {
            let change = || self.checked(self.volume.change(ino(node), held, &changes));
            return reply_attributes(reply, self.answer(About::Node(node), change));
        }
        self.decided(request, About::Node(node), reply, reply_attributes, move |bridge, asker| {
            bridge.ask_node(asker, Access::Change, node)?;
            bridge.checked(bridge.volume.change(ino(node), held, &changes))
        });
    }

    fn readlink(&self, _request: &Request, node: INodeNo, reply: ReplyData) {
        match self.answer(About::Node(node), || self.checked(self.volume.read_link(ino(node)))) {
            Ok(target) => reply.data(target.as_os_str().as_encoded_bytes()),
            Err(errno) => reply.error(errno),
        }
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        let name = name.to_owned();
        self.decided(request, About::Node(parent), reply, reply_entry, move |bridge, asker| {
            bridge.make(asker, parent, &name, NewNode::Special { mode, rdev }, umask)
        });
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let name = name.to_owned();
        self.decided(request, About::Node(parent), reply, reply_entry, move |bridge, asker| {
            bridge.make(asker, parent, &name, NewNode::Directory { mode }, umask)
        });
    }

    fn symlink(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let (name, target) = (name.to_owned(), target.to_owned());
        self.decided(request, About::Node(parent), reply, reply_entry, move |bridge, asker| {
            bridge.make(asker, parent, &name, NewNode::Symlink { target: &target }, 0)
        });
    }

    fn unlink(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        self.decided(request, About::Node(parent), reply, reply_empty, move |bridge, asker| {
            bridge.ask_child(asker, Access::Rename, parent, &name)?;
            bridge.checked(bridge.volume.unlink(ino(parent), &name))
        });
    }

    fn rmdir(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        self.decided(request, About::Node(parent), reply, reply_empty, move |bridge, asker| {
            bridge.ask_child(asker, Access::Rename, parent, &name)?;
            bridge.checked(bridge.volume.remove_directory(ino(parent), &name))
        });
    }

    fn rename(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        self.decided(request, About::Tree, reply, reply_empty, move |bridge, asker| {
            let (from, to) = ((ino(parent), &*name), (ino(new_parent), &*new_name));
            let places = [from, to].map(|(parent, name)| bridge.volume.child_place(parent, name));
            let [from_place, to_place] = places.map(|place| bridge.checked(place));
            bridge.ask(asker, Access::Rename, &[from_place?, to_place?])?;
            let flags = rustix::fs::RenameFlags::from_bits(flags.bits()).ok_or(Errno::EINVAL)?;
            bridge.checked(bridge.volume.rename(from, to, flags))
        });
    }

    fn link(
        &self,
        request: &Request,
        node: INodeNo,
        new_parent: INodeNo,
        new_name: &OsStr,
        reply: ReplyEntry,
    ) {
        let new_name = new_name.to_owned();
        self.decided(request, About::Node(node), reply, reply_entry, move |bridge, asker| {
            let from = bridge.checked(bridge.volume.place(ino(node)))?;
            let to = bridge.checked(bridge.volume.child_place(ino(new_parent), &new_name))?;
            bridge.ask(asker, Access::Link, &[from, to])?;
            bridge.checked(bridge.volume.link(ino(node), ino(new_parent), &new_name))
        });
    }

    fn open(&self, request: &Request, node: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        self.decided(request, About::Node(node), reply, reply_opened, move |bridge, asker| {
            bridge.ask_node(asker, access_of(flags.0), node)?;
            bridge.checked(bridge.volume.open_file(ino(node), opening(flags.0)))
        });
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let name = name.to_owned();
        self.decided(request, About::Node(parent), reply, reply_created, move |bridge, asker| {
            bridge.ask_child(asker, Access::Create, parent, &name)?;
            let (owner, opening) = (asker.owner(umask), opening(flags));
            bridge.checked(bridge.volume.create(ino(parent), &name, mode, owner, opening))
        });
    }

    fn read(
        &self,
        _request: &Request,
        _node: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        with_buffer(size as usize, |buffer| {
            let answer = self.answer(About::Handle(HandleId(handle.0)), || {
                let open = self.checked(self.volume.file(HandleId(handle.0)))?;
                self.checked(open.file.read_at(offset, buffer))
            });
            match answer {
                Ok(count) => {
                    self.add(&self.counters.bytes_read, count);
                    reply.data(&buffer[..count]);
                }
                Err(errno) => reply.error(errno),
            }
        });
    }

    fn write(
        &self,
        _request: &Request,
        _node: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let answer = self.answer(About::Handle(HandleId(handle.0)), || {
            let open = self.checked(self.volume.file(HandleId(handle.0)))?;
            self.checked(open.file.write_at(offset, data))
        });
        match answer {
            Ok(()) => {
                self.add(&self.counters.bytes_written, data.len());
                // A request is never longer than MAX_WRITE.
                reply.written(data.len() as u32);
            }
            Err(errno) => reply.error(errno),
        }
    }

    // No `flush`: nothing is held back between a write's answer and the file below, and the kernel
    // stops asking once it has been told so (ENOSYS).

    fn release(
        &self,
        _request: &Request,
        _node: INodeNo,
        handle: FileHandle,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.volume.close(HandleId(handle.0));
        reply.ok();
    }

    fn fsync(
        &self,
        _request: &Request,
        _node: INodeNo,
        handle: FileHandle,
        data_only: bool,
        reply: ReplyEmpty,
    ) {
        let answer = self.answer(About::Handle(HandleId(handle.0)), || {
            let open = self.checked(self.volume.file(HandleId(handle.0)))?;
            self.add(&self.counters.syncs, 1);
            self.checked(open.file.sync(data_only))
        });
        reply_empty(reply, answer);
    }

    fn fallocate(
        &self,
        _request: &Request,
        _node: INodeNo,
        handle: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let answer = self.reserve(HandleId(handle.0), (offset, length), mode);
        reply_empty(reply, answer);
    }

    fn lseek(
        &self,
        _request: &Request,
        _node: INodeNo,
        handle: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        let found = self.seek(HandleId(handle.0), offset, whence);
        match found {
            Ok(offset) => reply.offset(offset.cast_signed()),
            Err(errno) => reply.error(errno),
        }
    }

    fn ioctl(
        &self,
        request: &Request,
        node: INodeNo,
        _handle: FileHandle,
        _flags: IoctlFlags,
        command: u32,
        data: &[u8],
        out_size: u32,
        reply: ReplyIoctl,
    ) {
        let data = data.to_owned();
        let respond = |reply: ReplyIoctl, answer| match answer {
            Ok(()) => reply.ioctl(0, &[]),
            Err(errno) => reply.error(errno),
        };
        self.decided(request, About::Node(node), reply, respond, move |bridge, asker| {
            bridge.state(asker, node, command, &data, out_size)
        });
    }

    fn opendir(&self, _request: &Request, node: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        match self.answer(About::Node(node), || self.checked(self.volume.open_directory(ino(node))))
        {
            Ok(handle) => reply.opened(FileHandle(handle.0), FopenFlags::empty()),
            Err(errno) => reply.error(errno),
        }
    }

    fn readdir(
        &self,
        _request: &Request,
        _node: INodeNo,
        handle: FileHandle,
        offset: u64,
        reply: ReplyDirectory,
    ) {
        self.list(HandleId(handle.0), offset, reply);
    }

    fn readdirplus(
        &self,
        _request: &Request,
        _node: INodeNo,
        handle: FileHandle,
        offset: u64,
        reply: ReplyDirectoryPlus,
    ) {
        self.list_with_attributes(HandleId(handle.0), offset, reply);
    }

    fn releasedir(
        &self,
        _request: &Request,
        _node: INodeNo,
        handle: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.volume.close(HandleId(handle.0));
        reply.ok();
    }

    fn fsyncdir(
        &self,
        _request: &Request,
        node: INodeNo,
        _handle: FileHandle,
        _data_only: bool,
        reply: ReplyEmpty,
    ) {
        reply_empty(
            reply,
            self.answer(About::Node(node), || self.checked(self.volume.sync_directory(ino(node)))),
        );
    }

    fn statfs(&self, _request: &Request, _node: INodeNo, reply: ReplyStatfs) {
        match self.answer(About::Tree, || self.checked(self.volume.space())) {
            Ok(space) => reply.statfs(
                space.f_blocks,
                space.f_bfree,
                space.f_bavail,
                space.f_files,
                space.f_ffree,
                space.f_bsize as u32,
                space.f_namemax as u32,
                space.f_frsize as u32,
            ),
            Err(errno) => reply.error(errno),
        }
    }

    fn setxattr(
        &self,
        request: &Request,
        node: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.decided(request, About::Node(node), reply, reply_empty, move |bridge, asker| {
            bridge.ask_node(asker, Access::Change, node)?;
            let flags = flags.cast_unsigned();
            bridge.checked(bridge.volume.set_xattr(ino(node), &name, &value, flags))
        });
    }

    fn getxattr(
        &self,
        _request: &Request,
        node: INodeNo,
        name: &OsStr,
        size: u32,
        reply: ReplyXattr,
    ) {
        let value =
            self.answer(About::Node(node), || self.checked(self.volume.xattr(ino(node), name)));
        reply_xattr(reply, size, value);
    }

    fn listxattr(&self, _request: &Request, node: INodeNo, size: u32, reply: ReplyXattr) {
        let names =
            self.answer(About::Node(node), || self.checked(self.volume.xattr_names(ino(node))));
        reply_xattr(reply, size, names);
    }

    fn removexattr(&self, request: &Request, node: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        self.decided(request, About::Node(node), reply, reply_empty, move |bridge, asker| {
            bridge.ask_node(asker, Access::Change, node)?;
            bridge.checked(bridge.volume.remove_xattr(ino(node), &name))
        });
    }
}
