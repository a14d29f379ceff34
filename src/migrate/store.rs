//! A location's ciphertext in the storage directory: staged, in its place, discarded.
//!
//! A tree is built and taken apart under `.staging/<id>` only and moves from and to its place in one
//! step, so the mount never shows half of one.

use super::beneath;
use super::content::Form;
use super::error::{At, Error, Result};
use super::record::Record;
use super::side::Side;
use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, fsync, mkdirat, renameat_with, syncfs, unlinkat,
};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

const STAGING: &str = ".staging";

/// Where the ciphertext of one record is.
pub(super) struct Store {
    root: OwnedFd,
    /// The storage directory's path, for errors.
    path: PathBuf,
    /// The original path.
    original: PathBuf,
    /// Relative to the storage directory.
    place: PathBuf,
    staged: PathBuf,
}

impl Store {
    /// Opens the storage directory.
    pub(super) fn open(record: &Record, storage: &Path) -> Result<Self> {
        let root = beneath::open_absolute(storage).at("open", storage)?;
        let below = record.path.strip_prefix("/").unwrap_or(&record.path);
        let place = Path::new(&record.category).join(below);
        let staged = Path::new(STAGING).join(record.id.to_string());
        let original = record.path.clone();
        Ok(Self { root, path: storage.to_owned(), original, place, staged })
    }

    /// The storage directory.
    pub(super) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// The ciphertext's path once it is in its place.
    pub(super) fn place(&self) -> PathBuf {
        self.path.join(&self.place)
    }

    /// Whether there is something in the ciphertext's place.
    pub(super) fn is_placed(&self) -> Result<bool> {
        self.is_there(&self.place)
    }

    fn is_there(&self, path: &Path) -> Result<bool> {
        let (above, name) = match beneath::parent(&self.root, path) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(false),
            other => other.at("open", &self.path.join(path))?,
        };
        Ok(beneath::stat(&above, name).at("read", &self.path.join(path))?.is_some())
    }

    /// Makes the directory for staging.
    pub(super) fn prepare(&self) -> Result<()> {
        match mkdirat(&self.root, STAGING, Mode::RWXU) {
            Ok(()) => fsync(&self.root).at("sync", &self.path),
            Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error).at("create", &self.path.join(STAGING)),
        }
    }

    /// The staged tree.
    pub(super) fn staged(&self, form: Form) -> Result<Side> {
        self.side(&self.staged, form)
    }

    /// The tree in its place.
    pub(super) fn placed(&self, form: Form) -> Result<Side> {
        self.side(&self.place, form)
    }

    fn side(&self, path: &Path, form: Form) -> Result<Side> {
        let base = self.root.try_clone().at("open", &self.path)?;
        Ok(Side { base, root: path.to_owned(), original: self.original.clone(), form })
    }

    /// Writes out everything on the storage directory's filesystem.
    pub(super) fn sync_filesystem(&self) -> Result<()> {
        syncfs(&self.root).at("sync the filesystem of", &self.path)
    }

    /// Moves the staged tree into its place, durably.
    pub(super) fn put_in_place(&self) -> Result<()> {
        let shown = self.place();
        let above = self.place.parent().unwrap_or(Path::new(""));
        beneath::make_directories(&self.root, above).at("create", &shown)?;
        match self.rename(&self.staged, &self.place) {
            Err(Errno::EXIST) => Err(Error::Exists(shown)),
            other => other.at("move ciphertext to", &shown),
        }
    }

    /// Removes the ciphertext, staged or in its place, and directories that it leaves empty.
    pub(super) fn discard(&self, tell: &mut dyn FnMut(PathBuf)) -> Result<()> {
        let shown = self.path.join(&self.staged);
        self.prepare()?;
        // What is staged never got to its place, or was taken from there: the place is then free,
        // or another's.
        if !self.is_there(&self.staged)? && self.is_placed()? {
            self.rename(&self.place, &self.staged).at("move away", &self.place())?;
        }
        beneath::remove_tree(&self.root, &self.staged, &shown, tell)?;
        beneath::open_directory(&self.root, Path::new(STAGING))
            .and_then(fsync)
            .at("sync", &self.path.join(STAGING))?;
        self.remove_empty_parents()
    }

    fn rename(&self, from: &Path, to: &Path) -> rustix::io::Result<()> {
        let (above_from, from) = beneath::parent(&self.root, from)?;
        let (above_to, to) = beneath::parent(&self.root, to)?;
        renameat_with(&above_from, from, &above_to, to, RenameFlags::NOREPLACE)?;
        // A descriptor that only names a directory cannot be synced.
        for directory in [above_to, above_from] {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            fsync(beneath::open(directory, Path::new("."), flags, Mode::empty())?)?;
        }
        Ok(())
    }

    /// The category's own directory stays.
    fn remove_empty_parents(&self) -> Result<()> {
        for above in self.place.ancestors().skip(1) {
            if above.components().count() < 2 {
                break;
            }
            let removed = beneath::parent(&self.root, above)
                .and_then(|(directory, name)| unlinkat(directory, name, AtFlags::REMOVEDIR));
            match removed {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::NOTEMPTY | Errno::EXIST) => break,
                Err(error) => return Err(error).at("remove", &self.path.join(above)),
            }
        }
        Ok(())
    }
}
