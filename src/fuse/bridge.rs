//! The volume behind the gate: what every request shares.

use super::convert::{attr, ino};
use super::errno::errno_of;
use super::{Access, Caller, Counters, Gate};
use crate::sys::declare;
use crate::volume::{Entry, NewNode, Opening, Owner, Place, Result as VolumeResult, Volume};
use fuser::{Errno, FopenFlags, Generation, INodeNo, ReplyEmpty, ReplyEntry, ReplyXattr, Request};
use std::ffi::OsStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// How long the kernel may keep names and attributes: the service is the only writer beneath the
/// mount, and drops what it changes itself.
pub(super) const KEEP: Duration = Duration::from_secs(3600);

/// The kernel's own mark of an open for executing (`FMODE_EXEC`).
const OPEN_FOR_EXEC: i32 = 0x20;

/// The volume, behind the gate.
pub(super) struct Bridge {
    pub volume: Arc<Volume>,
    pub gate: Arc<dyn Gate>,
    pub counters: Arc<Counters>,
}

pub(super) type Answer<T> = Result<T, Errno>;

impl Bridge {
    /// Carries a request out. A panic answers `EIO` and takes nothing else down.
    pub(super) fn answer<T>(&self, work: impl FnOnce() -> Answer<T>) -> Answer<T> {
        self.counters.requests.fetch_add(1, Relaxed);
        let _in_hand = self.gate.requests_in_hand().read().unwrap_or_else(PoisonError::into_inner);
        catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Errno::EIO))
    }

    /// Turns the tree's result into the kernel's, counting damage.
    pub(super) fn checked<T>(&self, result: VolumeResult<T>) -> Answer<T> {
        result.map_err(|error| {
            if error.is_damage() {
                self.counters.integrity_errors.fetch_add(1, Relaxed);
            }
            errno_of(&error)
        })
    }

    /// Hands a statement about a node to the gate. No other `ioctl` is known: so says the kernel of
    /// filesystems that know none.
    pub(super) fn state(
        &self,
        request: &Request,
        node: INodeNo,
        command: u32,
        data: &[u8],
        out_size: u32,
    ) -> Answer<()> {
        let statement: &[u8; declare::LEN] = match data.try_into() {
            Ok(statement) if command == declare::COMMAND && out_size == 0 => statement,
            _ => return Err(Errno::ENOTTY),
        };
        let caller = Caller { tid: request.pid(), uid: request.uid(), gid: request.gid() };
        let place = self.checked(self.volume.place(ino(node)))?;
        Ok(self.gate.declare(caller, &place, statement)?)
    }

    pub(super) fn ask(&self, request: &Request, access: Access, places: &[Place]) -> Answer<()> {
        let caller = Caller { tid: request.pid(), uid: request.uid(), gid: request.gid() };
        Ok(self.gate.permit(caller, access, places)?)
    }

    pub(super) fn ask_node(&self, request: &Request, access: Access, node: INodeNo) -> Answer<()> {
        let place = self.checked(self.volume.place(ino(node)))?;
        self.ask(request, access, &[place])
    }

    pub(super) fn ask_child(
        &self,
        request: &Request,
        access: Access,
        parent: INodeNo,
        name: &OsStr,
    ) -> Answer<()> {
        let place = self.checked(self.volume.child_place(ino(parent), name))?;
        self.ask(request, access, &[place])
    }

    pub(super) fn make(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        node: NewNode<'_>,
        umask: u32,
    ) -> Answer<Entry> {
        self.answer(|| {
            self.ask_child(request, Access::Create, parent, name)?;
            let owner = Owner { uid: request.uid(), gid: request.gid(), umask };
            self.checked(self.volume.make(ino(parent), name, node, owner))
        })
    }

    pub(super) fn add(&self, counter: &AtomicU64, bytes: usize) {
        counter.fetch_add(bytes as u64, Relaxed);
    }
}

pub(super) fn opening(flags: i32) -> Opening {
    Opening { truncate: flags & libc::O_TRUNC != 0, exclusive: flags & libc::O_EXCL != 0 }
}

pub(super) fn access_of(flags: i32) -> Access {
    if flags & OPEN_FOR_EXEC != 0 {
        return Access::Execute;
    }
    match flags & libc::O_ACCMODE {
        libc::O_RDONLY if flags & libc::O_TRUNC == 0 => Access::Read,
        libc::O_WRONLY => Access::Write,
        _ => Access::ReadWrite,
    }
}

/// The page cache is kept across opens: nobody writes beneath the mount but through it. Handles with
/// `O_DIRECT` are left to the kernel too: it takes any alignment, writes cached pages back first, drops
/// them after, and turns `O_SYNC` into a sync, none of which it does where a reply says `DIRECT_IO`.
pub(super) const OPEN_REPLY: FopenFlags = FopenFlags::FOPEN_KEEP_CACHE;

pub(super) fn reply_entry(reply: ReplyEntry, entry: Answer<Entry>) {
    match entry {
        Ok(entry) => reply.entry(&KEEP, &attr(&entry.attributes), Generation(0)),
        Err(errno) => reply.error(errno),
    }
}

pub(super) fn reply_empty(reply: ReplyEmpty, answer: Answer<()>) {
    match answer {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

pub(super) fn reply_xattr(reply: ReplyXattr, size: u32, value: Answer<Vec<u8>>) {
    match value {
        Ok(value) if size == 0 => reply.size(u32::try_from(value.len()).unwrap_or(u32::MAX)),
        Ok(value) if value.len() <= size as usize => reply.data(&value),
        Ok(_) => reply.error(Errno::ERANGE),
        Err(errno) => reply.error(errno),
    }
}
