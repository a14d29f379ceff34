//! One of the two trees of a copy: where it is, and how its files lie there.

use super::beneath;
use super::content::{Content, Form};
use super::error::{At, Error, Result};
use super::scan::{Entry, inode};
use crate::format::geometry::{MAX_SIZE, ciphertext_size};
use crate::storage::FOLIO;
use rustix::fs::{Advice, AtFlags, FileType, Mode, OFlags, StatxFlags, fadvise, statx};
use std::ffi::OsString;
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// A tree below a directory that stays open, so that renaming anything above it changes nothing.
pub(super) struct Side {
    /// The directory.
    pub base: OwnedFd,
    /// The tree's root, relative to it.
    pub root: PathBuf,
    /// The original path, which errors name.
    pub original: PathBuf,
    pub form: Form,
}

/// What attributes are set on and read from.
pub(super) enum Item {
    /// An open file or directory.
    Open(OwnedFd),
    /// What cannot be opened (a symlink, a FIFO): its name in its directory.
    Named(OwnedFd, OsString),
}

impl Side {
    /// An entry's path relative to the base.
    pub(super) fn path(&self, entry: &Path) -> PathBuf {
        beneath::join(&self.root, entry)
    }

    /// An entry's original path.
    pub(super) fn shown(&self, entry: &Path) -> PathBuf {
        beneath::join(&self.original, entry)
    }

    /// Opens an entry for reading, or names it where it cannot be opened.
    ///
    /// Fails with [`Error::Changed`] when something else took its name.
    pub(super) fn item(&self, entry: &Entry) -> Result<Item> {
        let shown = self.shown(&entry.path);
        let path = self.path(&entry.path);
        if !entry.is_file() && !entry.is_directory() {
            let (above, name) = beneath::parent(&self.base, &path).at("open", &shown)?;
            return Ok(Item::Named(above, name.to_owned()));
        }
        let opened = beneath::open_quietly(&self.base, &path, OFlags::RDONLY).at("open", &shown)?;
        let mask = StatxFlags::BASIC_STATS;
        let stat = statx(&opened, "", AtFlags::EMPTY_PATH, mask).at("read", &shown)?;
        let same = inode(&stat) == entry.inode && beneath::file_type(&stat) == entry.file_type;
        if same { Ok(Item::Open(opened)) } else { Err(Error::Changed(shown)) }
    }

    /// Opens an entry's contents, given the entry opened by [`Side::item`].
    pub(super) fn content(&self, entry: &Entry, opened: &OwnedFd) -> Result<Content> {
        let shown = self.shown(&entry.path);
        let copy = opened.try_clone().at("open", &shown)?;
        Content::open(copy, &self.form).map_err(|source| Error::Volume { path: shown, source })
    }

    /// Makes the kernel forget what it has cached of a range of a file's plaintext, so that reading it asks the disk. A
    /// filesystem without a disk may refuse.
    pub(super) fn forget_cached(&self, opened: &OwnedFd, range: &Range<u64>) {
        let physical = |offset| match self.form {
            Form::Plain => offset,
            Form::Cipher(_) => ciphertext_size(offset),
        };
        let start = physical(range.start) / FOLIO * FOLIO;
        // What is not counted goes to the end.
        let length = (range.end < MAX_SIZE)
            .then(|| physical(range.end).next_multiple_of(FOLIO) - start)
            .and_then(NonZeroU64::new);
        let _ = fadvise(opened, start, length, Advice::DontNeed);
    }

    /// Makes an empty file, for its owner only.
    pub(super) fn create(&self, path: &Path) -> Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let mode = Mode::RUSR | Mode::WUSR;
        beneath::open(&self.base, &self.path(path), flags, mode).at("create", &self.shown(path))
    }

    /// Makes what is neither file nor directory by `make`, given its directory and name.
    pub(super) fn make(
        &self,
        path: &Path,
        make: impl FnOnce(&OwnedFd, &Path) -> rustix::io::Result<()>,
    ) -> Result<Item> {
        let shown = self.shown(path);
        let full = self.path(path);
        let (above, name) = beneath::parent(&self.base, &full).at("create", &shown)?;
        make(&above, Path::new(name)).at("create", &shown)?;
        Ok(Item::Named(above, name.to_owned()))
    }
}

/// Whether a copy can be made of such a thing: FIFOs and sockets hold nothing.
pub(super) fn can_be_copied(file_type: FileType) -> bool {
    !matches!(file_type, FileType::BlockDevice | FileType::CharacterDevice | FileType::Unknown)
}
