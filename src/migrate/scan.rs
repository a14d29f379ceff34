//! Walking a tree: what is in it, with which attributes, and whether that changed since.
//!
//! A manifest holds names and attributes, no contents: some 200 bytes an entry.

use super::beneath;
use super::error::{At, Error, Result};
use super::side::Side;
use crate::sys::open_files::Inode;
use rustix::fs::{FileType, Statx, StatxAttributes, StatxTimestamp};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Seconds and nanoseconds.
pub(super) type Time = (i64, u32);

/// One file, directory, symlink or other thing in a tree.
pub(super) struct Entry {
    /// Below the tree's root; empty for the root itself.
    pub path: PathBuf,
    pub file_type: FileType,
    pub inode: Inode,
    /// Permission bits, setuid, setgid and sticky among them.
    pub mode: u32,
    pub owner: (u32, u32),
    pub links: u32,
    /// Bytes on this side; a ciphertext file's are not its plaintext's.
    pub size: u64,
    /// Bytes allocated.
    pub allocated: u64,
    pub accessed: Time,
    pub modified: Time,
    changed: Time,
    /// Immutable or append-only.
    pub fixed: bool,
    /// The entry before it that is another name of the same file.
    pub link_to: Option<usize>,
}

impl Entry {
    fn new(path: PathBuf, stat: &Statx) -> Self {
        let time = |time: StatxTimestamp| (time.tv_sec, time.tv_nsec);
        let fixed = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
        Self {
            path,
            file_type: beneath::file_type(stat),
            inode: inode(stat),
            mode: u32::from(stat.stx_mode) & 0o7777,
            owner: (stat.stx_uid, stat.stx_gid),
            links: stat.stx_nlink,
            size: stat.stx_size,
            allocated: stat.stx_blocks.saturating_mul(512),
            accessed: time(stat.stx_atime),
            modified: time(stat.stx_mtime),
            changed: time(stat.stx_ctime),
            fixed: stat.stx_attributes.intersects(fixed),
            link_to: None,
        }
    }

    /// Bytes that are not in holes, about.
    pub(super) fn data(&self) -> u64 {
        self.size.min(self.allocated)
    }

    pub(super) fn is_file(&self) -> bool {
        self.file_type == FileType::RegularFile
    }

    pub(super) fn is_directory(&self) -> bool {
        self.file_type == FileType::Directory
    }

    fn same(&self, other: &Self, moved: bool) -> bool {
        // Renaming the root changes its ctime, and on XFS exchanging it the mtime of a directory as well: what is
        // in it is compared anyway. A directory's size is the filesystem's affair.
        let times = (moved && self.is_directory() || self.modified == other.modified)
            && (moved || self.changed == other.changed);
        let size = self.is_directory() || self.size == other.size;
        self.path == other.path
            && self.inode == other.inode
            && self.file_type == other.file_type
            && self.mode == other.mode
            && self.owner == other.owner
            && (self.is_directory() || self.links == other.links)
            && times
            && size
    }
}

/// The identity that a stat tells.
pub(super) fn inode(stat: &Statx) -> Inode {
    Inode { device: (stat.stx_dev_major, stat.stx_dev_minor), number: stat.stx_ino }
}

/// All of a tree, each directory before what is in it.
pub(super) struct Manifest {
    pub entries: Vec<Entry>,
}

impl Manifest {
    /// Walks a tree.
    pub(super) fn of(side: &Side) -> Result<Self> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut first_names = HashMap::new();
        let mut pending = vec![PathBuf::new()];
        while let Some(path) = pending.pop() {
            let shown = side.shown(&path);
            let full = side.path(&path);
            let (above, name) = beneath::parent(&side.base, &full).at("read", &shown)?;
            let stat = beneath::stat(&above, name).at("read", &shown)?;
            // It was named by its directory a moment ago.
            let stat = stat.ok_or_else(|| Error::Changed(shown.clone()))?;
            let mut entry = Entry::new(path, &stat);
            if entry.is_directory() {
                let directory = beneath::open_directory(&above, Path::new(name));
                let names = directory.and_then(beneath::names).at("list", &shown)?;
                pending.extend(names.iter().rev().map(|name| entry.path.join(name)));
            } else if entry.links > 1 {
                let index = entries.len();
                let first = *first_names.entry(entry.inode).or_insert(index);
                entry.link_to = (first != index).then_some(first);
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// The tree's root.
    pub(super) fn root(&self) -> &Entry {
        // A walk that succeeded has at least its root.
        &self.entries[0]
    }

    /// The identities of everything in the tree.
    pub(super) fn inodes(&self) -> HashSet<Inode> {
        self.entries.iter().map(|entry| entry.inode).collect()
    }

    /// Bytes of file contents that are not in holes, about.
    pub(super) fn data(&self) -> u64 {
        self.entries
            .iter()
            .filter(|entry| entry.is_file() && entry.link_to.is_none())
            .map(Entry::data)
            .sum()
    }

    /// Compares with a later walk of the same tree; `moved` when its root was renamed meanwhile.
    ///
    /// Fails with [`Error::Changed`] for the first entry that came, went or changed.
    pub(super) fn check_unchanged(&self, later: &Self, moved: bool, side: &Side) -> Result<()> {
        let mut before = self.entries.iter();
        let mut after = later.entries.iter();
        loop {
            match (before.next(), after.next()) {
                (None, None) => return Ok(()),
                (Some(old), Some(new))
                    if old.same(new, moved && old.path.as_os_str().is_empty()) => {}
                (Some(entry), _) | (None, Some(entry)) => {
                    return Err(Error::Changed(side.shown(&entry.path)));
                }
            }
        }
    }
}
