//! Contents of files: opened, read, written, synced, closed; and what is said about a file by `ioctl(2)`.

use super::super::bridge::{About, Answer, Served, access_of, opening, reply_empty, reply_opened};
use super::super::transport::{Reply, Request};
use super::super::wire::abi::{
    FSYNC_DATA_ONLY, FallocateIn, FsyncIn, IoctlIn, IoctlOut, LseekIn, LseekOut, OPEN_KILL_SUIDGID,
    OpenIn, ReadIn, ReleaseIn, WRITE_KILL_SUIDGID, WriteIn, WriteOut,
};
use crate::sys::declare;
use crate::volume::HandleId;
use rustix::io::Errno;

impl Served {
    pub(super) fn open(&self, request: Request<'_>) {
        let node = request.node();
        let wanted = match request.body().arguments::<OpenIn>() {
            Ok(wanted) => wanted,
            Err(errno) => return request.reply.error(errno),
        };
        let flags = wanted.flags.cast_signed();
        self.decided(request, About::Node(node), reply_opened, move |bridge, asker| {
            bridge.ask_node(asker, access_of(flags), node)?;
            let handle = bridge.checked(bridge.volume.open_file(node, opening(flags)))?;
            if wanted.open_flags & OPEN_KILL_SUIDGID != 0 {
                let dropped = bridge.checked(bridge.volume.drop_set_ids(node));
                dropped.inspect_err(|_| bridge.volume.close(handle))?;
            }
            Ok(handle)
        });
    }

    pub(super) fn read(&self, request: Request<'_>) {
        let wanted = match request.body().arguments::<ReadIn>() {
            Ok(wanted) => wanted,
            Err(errno) => return request.reply.error(errno),
        };
        let handle = HandleId(wanted.handle);
        request.reply.filled(wanted.size as usize, |buffer| {
            let count = self.answer(About::Handle(handle), || {
                let open = self.checked(self.volume.file(handle))?;
                self.checked(open.file.read_at(wanted.offset, buffer))
            })?;
            self.add(&self.counters.bytes_read, count);
            Ok(count)
        });
    }

    pub(super) fn write(&self, request: Request<'_>) {
        let node = request.node();
        let written = request.body().split::<WriteIn>().and_then(|(wanted, rest)| {
            let data = rest.get(..wanted.size as usize).ok_or(Errno::INVAL)?;
            let handle = HandleId(wanted.handle);
            self.answer(About::Handle(handle), || {
                let open = self.checked(self.volume.file(handle))?;
                if wanted.write_flags & WRITE_KILL_SUIDGID != 0 {
                    self.checked(self.volume.drop_set_ids(node))?;
                }
                self.checked(open.file.write_at(wanted.offset, data))
            })?;
            self.add(&self.counters.bytes_written, data.len());
            Ok(wanted.size)
        });
        request.reply.answer(written.map(|size| WriteOut { size, padding: 0 }));
    }

    pub(super) fn sync(&self, request: Request<'_>) {
        let done = request.body().arguments::<FsyncIn>().and_then(|wanted| {
            let handle = HandleId(wanted.handle);
            self.answer(About::Handle(handle), || {
                let open = self.checked(self.volume.file(handle))?;
                self.add(&self.counters.syncs, 1);
                self.checked(open.file.sync(wanted.flags & FSYNC_DATA_ONLY != 0))
            })
        });
        reply_empty(request.reply, done);
    }

    pub(super) fn release(&self, request: Request<'_>) {
        let released = request.body().arguments::<ReleaseIn>();
        let closed = released.map(|released| self.volume.close(HandleId(released.handle)));
        reply_empty(request.reply, closed);
    }

    pub(super) fn reserve(&self, request: Request<'_>) {
        let done = request.body().arguments::<FallocateIn>().and_then(|wanted| {
            let range = (wanted.offset, wanted.length);
            self.reserve_range(HandleId(wanted.handle), range, wanted.mode.cast_signed())
        });
        reply_empty(request.reply, done);
    }

    pub(super) fn seek(&self, request: Request<'_>) {
        let found = request.body().arguments::<LseekIn>().and_then(|wanted| {
            let (offset, whence) = (wanted.offset.cast_signed(), wanted.whence.cast_signed());
            self.seek_range(HandleId(wanted.handle), offset, whence)
        });
        request.reply.answer(found.map(|offset| LseekOut { offset }));
    }

    pub(super) fn ioctl(&self, request: Request<'_>) {
        let node = request.node();
        let parts = request.body().split::<IoctlIn>().and_then(|(wanted, rest)| {
            // No other is known: so says the kernel of filesystems that know none. Nobody need be looked at for
            // that; many programs ask of every file whether it is a terminal.
            if wanted.command != declare::COMMAND || wanted.out_size != 0 {
                return Err(Errno::NOTTY);
            }
            let statement = rest.get(..wanted.in_size as usize).ok_or(Errno::INVAL)?;
            <[u8; declare::LEN]>::try_from(statement).map_err(|_| Errno::NOTTY)
        });
        let statement = match parts {
            Ok(statement) => statement,
            Err(errno) => return request.reply.error(errno),
        };
        let respond =
            |reply: Reply, answer: Answer<()>| reply.answer(answer.map(|()| IoctlOut::default()));
        self.decided(request, About::Node(node), respond, move |bridge, asker| {
            bridge.state(asker, node, &statement)
        });
    }
}
