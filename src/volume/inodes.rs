//! The nodes that the caller knows: one `O_PATH` descriptor each, counted lookups.
//!
//! A node is found by its inode number in the storage directory, which lies on one filesystem. The
//! descriptor keeps the number from being reused while the node is known, and the kernel keeps the
//! path behind it current through every rename, so no names are kept here.

use super::attributes::Kind;
use super::file::CipherFile;
use super::{Error, KeyCell, Result};
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, Weak};

/// A node's number: that of its ciphertext file, or [`ROOT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ino(pub u64);

/// Nodes that are given up in one go, at most.
const AT_ONCE: usize = 8192;

/// The root of the tree.
pub const ROOT: Ino = Ino(1);

/// A category as the tree needs it.
#[derive(Clone)]
pub struct Category {
    /// Its name, without the `@`.
    pub name: Arc<str>,
    /// Its keys, as they are at any time.
    pub keys: Arc<KeyCell>,
}

/// Where a node is: what rules are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The category; empty for the root.
    pub category: Arc<str>,
    /// The original path, absolute: of a file with several names, one of them.
    pub path: PathBuf,
    /// Whether it is a file with several names (hard links).
    pub many_names: bool,
}

/// A known node.
pub struct Inode {
    /// Its number.
    pub ino: Ino,
    /// What it is; never changes.
    pub kind: Kind,
    /// Its category; `None` for the root only.
    pub category: Option<Category>,
    path: RwLock<Arc<OwnedFd>>,
    /// The directory in which it was last looked up; only a hint, since renames do not update it.
    parent: AtomicU64,
    file: Mutex<Weak<CipherFile>>,
    /// Contents that stay open although nobody has a handle.
    kept_open: Mutex<Option<Arc<CipherFile>>>,
}

impl Inode {
    /// A node behind an `O_PATH` descriptor, found in the directory `parent`.
    pub fn new(
        ino: Ino,
        kind: Kind,
        category: Option<Category>,
        path: OwnedFd,
        parent: Ino,
    ) -> Self {
        let (path, parent) = (RwLock::new(Arc::new(path)), AtomicU64::new(parent.0));
        Self {
            ino,
            kind,
            category,
            path,
            parent,
            file: Mutex::default(),
            kept_open: Mutex::default(),
        }
    }

    /// The directory in which it was last looked up.
    pub fn parent_hint(&self) -> Ino {
        Ino(self.parent.load(Relaxed))
    }

    /// The `O_PATH` descriptor.
    pub fn path(&self) -> Arc<OwnedFd> {
        self.path.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A path in `/proc` through which system calls reach the node itself.
    pub fn proc_path(&self) -> PathBuf {
        proc_path(&self.path())
    }

    /// The category.
    ///
    /// # Errors
    /// [`Error::Fixed`] for the root, which is in none.
    pub fn category(&self) -> Result<&Category> {
        self.category.as_ref().ok_or(Error::Fixed)
    }

    /// The file's contents, if some handle has them open.
    pub fn open_file(&self) -> Option<Arc<CipherFile>> {
        self.file_slot().upgrade()
    }

    /// Whether nobody has the contents open, nor is about to.
    fn is_idle(&self) -> bool {
        self.file.try_lock().is_ok_and(|file| file.strong_count() == 0)
    }

    /// The place where the open contents are kept; locked while they are opened.
    pub fn file_slot(&self) -> MutexGuard<'_, Weak<CipherFile>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps contents open until this is called again or the node is forgotten.
    pub fn keep_open(&self, file: Option<Arc<CipherFile>>) {
        // What it was before is closed without the lock.
        let before = std::mem::replace(
            &mut *self.kept_open.lock().unwrap_or_else(PoisonError::into_inner),
            file,
        );
        drop(before);
    }

    /// The path in storage, as the kernel knows it now.
    ///
    /// # Errors
    /// The kernel's; `ENAMETOOLONG` from 4096 bytes on.
    pub fn storage_path(&self) -> rustix::io::Result<PathBuf> {
        path_behind(&self.path())
    }
}

/// `/proc/self/fd/N`.
pub fn proc_path(descriptor: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_raw_fd()))
}

/// The path behind a descriptor, as the kernel knows it now.
///
/// # Errors
/// The kernel's; `ENAMETOOLONG` from 4096 bytes on.
pub fn path_behind(descriptor: &OwnedFd) -> rustix::io::Result<PathBuf> {
    let link = rustix::fs::readlink(proc_path(descriptor), Vec::new())?;
    Ok(PathBuf::from(OsString::from_vec(link.into_bytes())))
}

/// The original path behind a path in storage: what follows the category's directory. A removed file
/// is judged by the path it had.
pub fn original_path(storage: &Path, category: &str, path: &Path) -> Option<PathBuf> {
    let below = path.strip_prefix(storage.join(category)).ok()?;
    let bytes = below.as_os_str().as_bytes();
    let bytes = bytes
        .strip_suffix(b" (deleted)")
        .filter(|_| path.symlink_metadata().is_err())
        .unwrap_or(bytes);
    Some(Path::new("/").join(std::ffi::OsStr::from_bytes(bytes)))
}

/// All known nodes.
pub struct Inodes {
    known: Mutex<HashMap<Ino, (Arc<Inode>, u64)>>,
    /// More than so many are too many.
    most: AtomicUsize,
    /// There are too many, or all were forgotten for good.
    crowded: Condvar,
    is_over: AtomicBool,
}

impl Default for Inodes {
    fn default() -> Self {
        let (most, is_over) = (AtomicUsize::new(usize::MAX), AtomicBool::new(false));
        Self { known: Mutex::default(), most, crowded: Condvar::new(), is_over }
    }
}

impl Inodes {
    /// The node, which the caller has looked up.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not known.
    pub fn get(&self, ino: Ino) -> Result<Arc<Inode>> {
        self.lock().get(&ino).map(|(inode, _)| inode.clone()).ok_or(Error::NotFound)
    }

    /// Counts one lookup of the node. One that is known already takes over the new descriptor, so
    /// that of several names the last one used decides.
    pub fn look_up(&self, found: Inode) -> Arc<Inode> {
        let mut known = self.lock();
        if let Some((inode, count)) = known.get_mut(&found.ino) {
            *count += 1;
            *inode.path.write().unwrap_or_else(PoisonError::into_inner) = found.path();
            inode.parent.store(found.parent_hint().0, Relaxed);
            return inode.clone();
        }
        let inode = Arc::new(found);
        known.insert(inode.ino, (inode.clone(), 1));
        if known.len() > self.most.load(Relaxed) {
            self.crowded.notify_all();
        }
        inode
    }

    /// Counts one lookup of the node as [`Inodes::look_up`] does, but leaves a known one as it is.
    pub fn pin(&self, found: Inode) -> Arc<Inode> {
        let mut known = self.lock();
        let (inode, count) = known.entry(found.ino).or_insert_with(|| (Arc::new(found), 0));
        *count += 1;
        inode.clone()
    }

    /// Takes back `count` lookups; after the last the node is no longer known.
    pub fn forget(&self, ino: Ino, count: u64) {
        let mut known = self.lock();
        if let Some((_, lookups)) = known.get_mut(&ino) {
            *lookups = lookups.saturating_sub(count);
            if *lookups == 0 && ino != ROOT {
                known.remove(&ino);
            }
        }
    }

    /// Waits until a lookup finds that there are more than `most`; returns half of those whose contents nobody has open, any of
    /// them, but no more than [`AT_ONCE`]. `None` once all were forgotten by [`Inodes::clear`]. For one thread, which gives
    /// another `turn` each time: after those that the kernel did not forget others come.
    pub fn wait_for_crowd(&self, most: usize, turn: usize) -> Option<Vec<Ino>> {
        let mut known = self.lock();
        self.most.store(most, Relaxed);
        while known.len() <= most {
            if self.is_over.load(Relaxed) {
                return None;
            }
            known = self.crowded.wait(known).unwrap_or_else(PoisonError::into_inner);
        }
        // The lock is waited for by every request, so not all are looked at.
        let first = turn.wrapping_mul(AT_ONCE) % known.len();
        let some = known.values().cycle().skip(first).take(known.len().min(2 * AT_ONCE));
        let idle = some.filter(|(inode, _)| inode.ino != ROOT && inode.is_idle());
        Some(idle.map(|(inode, _)| inode.ino).step_by(2).collect())
    }

    /// All that are known.
    pub fn all(&self) -> Vec<Arc<Inode>> {
        self.lock().values().map(|(inode, _)| inode.clone()).collect()
    }

    /// Forgets all nodes, for good.
    pub fn clear(&self) {
        let mut known = self.lock();
        // With the lock in hand: whoever waits looks at it with the lock in hand, too.
        self.is_over.store(true, Relaxed);
        self.crowded.notify_all();
        known.clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ino, (Arc<Inode>, u64)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "inodes_tests.rs"]
mod tests;
