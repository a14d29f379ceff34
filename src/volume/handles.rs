//! What is open: file and directory handles by number.

use super::file::CipherFile;
use super::inodes::Inode;
use super::{Error, Result};
use rustix::fs::Dir;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The number of an open handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HandleId(pub u64);

/// An open file.
#[derive(Clone)]
pub struct FileHandle {
    /// The node.
    pub inode: Arc<Inode>,
    /// Its contents, shared with the node's other handles.
    pub file: Arc<CipherFile>,
}

/// An open directory.
#[derive(Clone)]
pub struct DirectoryHandle {
    /// The node.
    pub inode: Arc<Inode>,
    /// The stream over its entries, and the offset it stands at.
    pub(super) stream: Arc<Mutex<Stream>>,
}

pub(super) struct Stream {
    pub directory: Dir,
    pub offset: i64,
}

#[derive(Clone)]
enum Handle {
    File(FileHandle),
    Directory(DirectoryHandle),
}

/// All open handles.
#[derive(Default)]
pub struct Handles {
    next: AtomicU64,
    open: Mutex<HashMap<HandleId, Handle>>,
}

impl Handles {
    /// Adds an open file.
    pub fn add_file(&self, inode: Arc<Inode>, file: Arc<CipherFile>) -> HandleId {
        self.add(Handle::File(FileHandle { inode, file }))
    }

    /// Adds an open directory.
    pub fn add_directory(&self, inode: Arc<Inode>, directory: Dir) -> HandleId {
        let stream = Arc::new(Mutex::new(Stream { directory, offset: 0 }));
        self.add(Handle::Directory(DirectoryHandle { inode, stream }))
    }

    /// The open file.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown handle, [`Error::WrongKind`] for a directory's.
    pub fn file(&self, id: HandleId) -> Result<FileHandle> {
        match self.lock().get(&id) {
            Some(Handle::File(handle)) => Ok(handle.clone()),
            Some(Handle::Directory(_)) => Err(Error::WrongKind),
            None => Err(Error::NotFound),
        }
    }

    /// The open directory.
    ///
    /// # Errors
    /// As [`Handles::file`], the other way round.
    pub fn directory(&self, id: HandleId) -> Result<DirectoryHandle> {
        match self.lock().get(&id) {
            Some(Handle::Directory(handle)) => Ok(handle.clone()),
            Some(Handle::File(_)) => Err(Error::WrongKind),
            None => Err(Error::NotFound),
        }
    }

    /// Closes a handle.
    pub fn remove(&self, id: HandleId) {
        let removed = self.lock().remove(&id);
        // Outside the lock: dropping the last handle closes files.
        drop(removed);
    }

    /// Closes everything.
    pub fn clear(&self) {
        let all = std::mem::take(&mut *self.lock());
        drop(all);
    }

    /// The nodes of all open files.
    pub fn open_files(&self) -> Vec<Arc<Inode>> {
        let file = |handle: &Handle| match handle {
            Handle::File(handle) => Some(handle.inode.clone()),
            Handle::Directory(_) => None,
        };
        self.lock().values().filter_map(file).collect()
    }

    fn add(&self, handle: Handle) -> HandleId {
        let id = HandleId(self.next.fetch_add(1, Ordering::Relaxed) + 1);
        self.lock().insert(id, handle);
        id
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HandleId, Handle>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
