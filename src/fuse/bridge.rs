//! The volume behind the gate: what every request shares.

use super::convert::{attr_out, entry_out};
use super::errno::errno_of;
use super::looking::Looking;
use super::pending::Pending;
use super::transport::{Reply, Request};
use super::wire::abi::{CreateOut, OPEN_KEEP_CACHE, OpenOut};
use super::{Access, Counters, Gate, Refusal, Sight};
use crate::access::Caller;
use crate::sys::declare;
use crate::volume::Result as VolumeResult;
use crate::volume::{Attributes, Entry, HandleId, Ino, NewNode, Opening, Owner, Place, Volume};
use rustix::io::Errno;
use std::cell::Cell;
use std::ffi::OsStr;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

/// The kernel's own mark of an open for executing (`FMODE_EXEC`).
const OPEN_FOR_EXEC: i32 = 0x20;

/// The volume, behind the gate.
pub(super) struct Bridge {
    pub volume: Arc<Volume>,
    pub gate: Arc<dyn Gate>,
    pub counters: Arc<Counters>,
}

pub(super) type Answer<T> = Result<T, Errno>;

/// What a request is about, and so what is read-only once it panicked.
#[derive(Clone, Copy)]
pub(super) enum About {
    /// A node: a file, or the directory that a name is in.
    Node(Ino),
    /// What is behind a handle.
    Handle(HandleId),
    /// Several nodes, or none that is known.
    Tree,
}

/// The bridge as it is mounted: shared with the threads that look at callers.
pub(super) struct Served {
    bridge: Arc<Bridge>,
    looking: Arc<Looking>,
}

impl Deref for Served {
    type Target = Bridge;

    fn deref(&self) -> &Bridge {
        &self.bridge
    }
}

/// Who asks, and what is known of them.
pub(super) struct Asker {
    pub caller: Caller,
    sight: Sight,
    /// What is known did not suffice.
    look_again: Cell<bool>,
}

impl Served {
    pub fn new(bridge: Bridge) -> Self {
        let looking = Arc::new(Looking::new(bridge.gate.clone()));
        Self { bridge: Arc::new(bridge), looking }
    }

    /// Carries a request out that the gate is asked about, and replies: at once when enough is known
    /// of the caller, else after a look at it on another thread. `work` may be begun again, and asks
    /// before it does anything.
    pub fn decided<T: 'static>(
        &self,
        request: Request<'_>,
        about: About,
        respond: fn(Reply, Answer<T>),
        work: impl Fn(&Bridge, &Asker) -> Answer<T> + Send + 'static,
    ) {
        let header = request.header();
        let caller = Caller { tid: header.pid, uid: header.uid, gid: header.gid };
        let reply = request.reply;
        let bridge = self.bridge.clone();
        let attempt = move |sight| bridge.attempt(caller, about, sight, &work);
        let known = self.gate.recall(caller).map(Sight::Recalled);
        match known.and_then(&attempt) {
            Some(answer) => respond(reply, answer),
            None => {
                Pending { looking: self.looking.clone(), caller, attempt, reply, respond }.look();
            }
        }
    }
}

impl Bridge {
    /// Carries a request out by what is known of the caller; nothing when that does not suffice.
    fn attempt<T>(
        &self,
        caller: Caller,
        about: About,
        sight: Sight,
        work: impl Fn(&Self, &Asker) -> Answer<T>,
    ) -> Option<Answer<T>> {
        let asker = Asker { caller, sight, look_again: Cell::new(false) };
        let answer = self.answer(about, || work(self, &asker));
        (!asker.look_again.get()).then_some(answer)
    }

    /// Carries a request out. A panic answers `EIO` and takes what the request is about read-only; the service
    /// lives.
    pub(super) fn answer<T>(&self, about: About, work: impl FnOnce() -> Answer<T>) -> Answer<T> {
        let _in_hand = self.gate.requests_in_hand().read().unwrap_or_else(PoisonError::into_inner);
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let what = panic.downcast_ref::<String>().map(String::as_str);
            let what = what.or_else(|| panic.downcast_ref::<&str>().copied());
            let node = match about {
                About::Node(node) => Some(node),
                About::Handle(handle) => self.volume.node_of(handle),
                About::Tree => None,
            };
            // Whatever is wrong here, too: the request is answered.
            let tell = || self.volume.panicked(node, what.unwrap_or("a panic"));
            let _ = catch_unwind(AssertUnwindSafe(tell));
            Err(Errno::IO)
        })
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

    /// Hands a statement about a node to the gate.
    pub(super) fn state(
        &self,
        asker: &Asker,
        node: Ino,
        statement: &[u8; declare::LEN],
    ) -> Answer<()> {
        let place = self.checked(self.volume.place(node))?;
        asker.told(self.gate.declare(asker.caller, &asker.sight, &place, statement))
    }

    pub(super) fn ask(&self, asker: &Asker, access: Access, places: &[Place]) -> Answer<()> {
        asker.told(self.gate.permit(asker.caller, &asker.sight, access, places))
    }

    pub(super) fn ask_node(&self, asker: &Asker, access: Access, node: Ino) -> Answer<()> {
        let place = self.checked(self.volume.place(node))?;
        self.ask(asker, access, &[place])
    }

    pub(super) fn ask_child(
        &self,
        asker: &Asker,
        access: Access,
        parent: Ino,
        name: &OsStr,
    ) -> Answer<()> {
        let place = self.checked(self.volume.child_place(parent, name))?;
        self.ask(asker, access, &[place])
    }

    pub(super) fn make(
        &self,
        asker: &Asker,
        parent: Ino,
        name: &OsStr,
        node: NewNode<'_>,
        umask: u32,
    ) -> Answer<Entry> {
        self.ask_child(asker, Access::Create, parent, name)?;
        self.checked(self.volume.make(parent, name, node, asker.owner(umask)))
    }

    pub(super) fn add(&self, counter: &AtomicU64, bytes: usize) {
        counter.fetch_add(bytes as u64, Relaxed);
    }
}

impl Asker {
    /// Who owns what they make.
    pub(super) fn owner(&self, umask: u32) -> Owner {
        Owner { uid: self.caller.uid, gid: self.caller.gid, umask }
    }

    fn told(&self, outcome: Result<(), Refusal>) -> Answer<()> {
        if outcome == Err(Refusal::LookAgain) {
            self.look_again.set(true);
        }
        Ok(outcome?)
    }
}

pub(super) fn opening(flags: i32) -> Opening {
    let has = |flag| flags & flag != 0;
    Opening {
        truncate: has(libc::O_TRUNC),
        exclusive: has(libc::O_EXCL),
        append: has(libc::O_APPEND),
    }
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

pub(super) fn reply_entry(reply: Reply, entry: Answer<Entry>) {
    reply.answer(entry.map(|entry| entry_out(&entry.attributes)));
}

pub(super) fn reply_attributes(reply: Reply, answer: Answer<Attributes>) {
    reply.answer(answer.map(|attributes| attr_out(&attributes)));
}

pub(super) fn reply_opened(reply: Reply, answer: Answer<HandleId>) {
    reply.answer(answer.map(opened));
}

pub(super) fn reply_created(reply: Reply, answer: Answer<(Entry, HandleId)>) {
    reply.answer(answer.map(|(entry, handle)| CreateOut {
        entry: entry_out(&entry.attributes),
        open: opened(handle),
    }));
}

pub(super) fn reply_empty(reply: Reply, answer: Answer<()>) {
    match answer {
        Ok(()) => reply.done(),
        Err(errno) => reply.error(errno),
    }
}

/// The page cache is kept across opens: nobody writes beneath the mount but through it. Handles with
/// `O_DIRECT` are left to the kernel too: it takes any alignment, writes cached pages back first, drops
/// them after, and turns `O_SYNC` into a sync, none of which it does where a reply says `DIRECT_IO`.
fn opened(handle: HandleId) -> OpenOut {
    OpenOut { handle: handle.0, open_flags: OPEN_KEEP_CACHE, backing: 0 }
}

#[cfg(test)]
#[path = "bridge_tests.rs"]
mod tests;
