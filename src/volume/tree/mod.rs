//! The operations of the tree, by what they are about.

mod attributes;
mod create;
mod inspect;
mod list;
mod moves;
mod names;
mod open;
mod pinned;
mod places;
mod walk;
mod xattr;

pub use create::{NewNode, Owner};
pub use inspect::Inspection;
pub use list::ListedEntry;
pub use moves::{Moved, Moves, Since, Watching};
pub use open::Opening;
pub use pinned::Pinned;
pub use walk::Visit;

use super::handles::{HandleId, Handles};
use super::inodes::{Category, Inode, Inodes};
use super::panics::ReadOnly;
use super::{Attributes, Error, Ino, KeyCell, Kind, Observer, ROOT, Result};
use crate::crypto::CategoryKeys;
use crate::sys::beneath;
use rustix::fs::{AtFlags, Mode, OFlags, Statx, StatxFlags, statx};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A node that was looked up or made, and what `stat` says of it.
pub struct Entry {
    /// Its attributes; the number is good until it is forgotten.
    pub attributes: Attributes,
}

/// The encrypted tree over one storage directory. All methods may be called from any thread.
pub struct Volume {
    storage: PathBuf,
    pub(super) inodes: Inodes,
    pub(super) handles: Handles,
    pub(super) read_only: ReadOnly,
    categories: RwLock<BTreeMap<Arc<str>, Arc<KeyCell>>>,
    moves: Moves,
    pub(super) observer: Arc<dyn Observer>,
}

impl Volume {
    /// Opens the tree in the directory `storage`.
    ///
    /// # Errors
    /// The kernel's, when the directory cannot be opened.
    pub fn open(storage: &Path, observer: Arc<dyn Observer>) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = rustix::fs::open(storage, flags, Mode::empty())?;
        let root = Inode::new(ROOT, Kind::Directory, None, descriptor, ROOT);
        let storage = root.storage_path()?;
        let inodes = Inodes::default();
        inodes.look_up(root);
        let categories = RwLock::default();
        let (handles, moves) = (Handles::default(), Moves::default());
        let read_only = ReadOnly::default();
        Ok(Self { storage, inodes, handles, read_only, categories, moves, observer })
    }

    /// Makes a category's files readable, or replaces its keys, also for the files that are open: when
    /// this returns, whatever writes a header from now on uses these.
    pub fn set_category(&self, name: &str, keys: Arc<CategoryKeys>) {
        let mut categories = self.categories.write().unwrap_or_else(PoisonError::into_inner);
        match categories.get(name) {
            Some(cell) => cell.replace(keys),
            None => drop(categories.insert(name.into(), Arc::new(KeyCell::new(keys)))),
        }
    }

    /// How many files are open, counting handles.
    pub fn open_files(&self) -> usize {
        self.handles.open_files().len()
    }

    /// Forgets all nodes, handles and categories, and with them their keys. What is asked afterwards is
    /// not found.
    pub fn close_all(&self) {
        self.handles.clear();
        self.inodes.clear();
        self.categories.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What moves in the tree.
    pub fn moves(&self) -> &Moves {
        &self.moves
    }

    /// The node behind a handle, if there is one.
    pub fn node_of(&self, handle: HandleId) -> Option<Ino> {
        let file = self.handles.file(handle).map(|open| open.inode.ino);
        file.or_else(|_| self.handles.directory(handle).map(|open| open.inode.ino)).ok()
    }

    /// Looks a name up and counts the lookup.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for what the tree does not show.
    pub fn look_up(&self, parent: Ino, name: &OsStr) -> Result<Entry> {
        let parent = self.inodes.get(parent)?;
        self.look_up_in(&parent, name)
    }

    /// Takes back lookups.
    pub fn forget(&self, ino: Ino, count: u64) {
        self.inodes.forget(ino, count);
    }

    /// Whether a node is known.
    pub fn knows(&self, ino: Ino) -> bool {
        self.inodes.get(ino).is_ok()
    }

    /// Waits until more than `most` nodes are known; returns some thousands whose contents nobody has open, any of them, for
    /// the kernel to be asked to forget: others for each `turn`. `None` once the volume is closed. For one thread.
    pub fn wait_for_crowd(&self, most: usize, turn: usize) -> Option<Vec<Ino>> {
        self.inodes.wait_for_crowd(most, turn)
    }

    /// Looks up an original path of a category, for the service itself; forget it afterwards.
    ///
    /// # Errors
    /// As [`Volume::look_up`].
    pub fn look_up_path(&self, category: &str, path: &Path) -> Result<Entry> {
        let mut entry = self.look_up(ROOT, OsStr::new(category))?;
        for component in path.components().skip_while(|c| c.as_os_str() == "/") {
            let parent = entry.attributes.ino;
            let next = self.look_up(parent, component.as_os_str());
            self.forget(parent, 1);
            entry = next?;
        }
        Ok(entry)
    }

    fn look_up_in(&self, parent: &Inode, name: &OsStr) -> Result<Entry> {
        let (found, attributes) = self.find_in(parent, name)?;
        let inode = self.inodes.look_up(found);
        Ok(Entry { attributes: with_open_size(attributes, &inode) })
    }

    /// The node of a name, not counted yet.
    fn find_in(&self, parent: &Inode, name: &OsStr) -> Result<(Inode, Attributes)> {
        let category = self.category_below(parent, name)?;
        if name == "." || name == ".." {
            return Err(Error::NotFound);
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = open_beneath(&*parent.path(), name, flags)?;
        let stat = stat_of(&descriptor)?;
        let attributes = Attributes::from_stat(Ino(stat.stx_ino), &stat);
        if attributes.ino == ROOT || (parent.ino == ROOT && attributes.kind != Kind::Directory) {
            return Err(Error::NotFound);
        }
        let (ino, kind) = (attributes.ino, attributes.kind);
        Ok((Inode::new(ino, kind, Some(category), descriptor, parent.ino), attributes))
    }

    /// The category of a child: the parent's, or the one that the child's name is.
    fn category_below(&self, parent: &Inode, name: &OsStr) -> Result<Category> {
        if let Some(category) = &parent.category {
            return Ok(category.clone());
        }
        let categories = self.categories.read().unwrap_or_else(PoisonError::into_inner);
        let known = name.to_str().and_then(|name| categories.get_key_value(name));
        let (name, keys) = known.ok_or(Error::NotFound)?;
        Ok(Category { name: name.clone(), keys: keys.clone() })
    }

    /// A directory whose entries may be changed: any but the root.
    fn parent(&self, ino: Ino) -> Result<Arc<Inode>> {
        if ino == ROOT {
            return Err(Error::Fixed);
        }
        self.may_change(ino)?;
        self.inodes.get(ino)
    }
}

/// Opens a name beneath a directory, following nothing and staying on its filesystem.
fn open_beneath(directory: impl AsFd, name: impl AsRef<Path>, flags: OFlags) -> Result<OwnedFd> {
    Ok(beneath::open(directory, name.as_ref(), flags, Mode::empty())?)
}

fn stat_of(descriptor: impl AsFd) -> Result<Statx> {
    Ok(statx(descriptor, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?)
}

/// While a file is open, its contents know the size best.
fn with_open_size(mut attributes: Attributes, inode: &Inode) -> Attributes {
    if let Some(file) = inode.open_file() {
        attributes.size = file.tell_size();
    }
    attributes
}
