//! What is read-only because a request on it panicked.
//!
//! A panic is a fault of this program: what it was about to write is not known to be right. Each sector on disk is
//! old or new all the same, so reading goes on, and everything else does.

use super::file::CipherFile;
use super::inodes::Inode;
use super::{Error, Ino, Result, Volume};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The nodes that are read-only, until the volume is closed.
#[derive(Default)]
pub(super) struct ReadOnly {
    any: AtomicBool,
    all: AtomicBool,
    nodes: Mutex<HashSet<Ino>>,
}

impl ReadOnly {
    fn nodes(&self) -> MutexGuard<'_, HashSet<Ino>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the node is read-only.
    pub fn covers(&self, ino: Ino) -> bool {
        self.any.load(Ordering::Acquire)
            && (self.all.load(Ordering::Acquire) || self.nodes().contains(&ino))
    }
}

impl Volume {
    /// Takes the node read-only that a request was about when it panicked, or everything when that is not known,
    /// and tells so. `what` is what the panic said.
    pub fn panicked(&self, ino: Option<Ino>, what: &str) {
        match ino {
            Some(ino) => drop(self.read_only.nodes().insert(ino)),
            None => self.read_only.all.store(true, Ordering::Release),
        }
        self.read_only.any.store(true, Ordering::Release);
        // Not only what has a handle: a change of keys and a repair have contents open, too. Whoever opens the node's
        // contents now has its slot in hand until they can be found there, and looks by itself when it comes later.
        let known = match ino {
            Some(ino) => self.inodes.get(ino).into_iter().collect(),
            None => self.inodes.all(),
        };
        for node in known.iter().chain(&self.handles.open_files()) {
            if self.read_only.covers(node.ino)
                && let Some(file) = node.open_file()
            {
                file.set_read_only();
            }
        }
        let place = ino.and_then(|ino| self.place(ino).ok());
        self.observer.request_panicked(place.as_ref(), what);
    }

    /// Takes contents of a node read-only when the node is.
    pub(super) fn keep_read_only(&self, inode: &Inode, file: &CipherFile) {
        if self.read_only.covers(inode.ino) {
            file.set_read_only();
        }
    }

    /// Refuses where a node may not be changed any more.
    ///
    /// # Errors
    /// [`Error::ReadOnly`].
    pub(super) fn may_change(&self, ino: Ino) -> Result<()> {
        if self.read_only.covers(ino) { Err(Error::ReadOnly) } else { Ok(()) }
    }
}
