//! Checking a file's bytes while others use it.
//!
//! A file that is open is checked through what all share, under its lock. One that is not is opened for
//! all, unless that would change it: put a wrong size right, or write the header of one that is being
//! re-encrypted. Such a file is looked at apart, step by step, while nobody can open it.

use super::Pinned;
use super::open::reopen;
use crate::format::geometry::sectors;
use crate::storage::DiskFile;
use crate::volume::Result;
use crate::volume::file::{Apart, Checked, CipherFile, Damage};
use std::ops::Range;
use std::sync::Arc;

/// A file whose sectors can be checked, by several threads at once.
pub struct Inspection<'v> {
    file: Pinned<'v>,
    /// None while it is looked at apart.
    shared: Option<Arc<CipherFile>>,
    was_open: bool,
    whole: Vec<Damage>,
    size: u64,
}

impl<'v> Pinned<'v> {
    /// Looks at header and size. Nothing is changed on disk, and no observer is told.
    ///
    /// # Errors
    /// The filesystem's.
    pub fn inspect(self) -> Result<Inspection<'v>> {
        let inode = self.inode().clone();
        let mut slot = inode.file_slot();
        if let Some(shared) = slot.upgrade() {
            drop(slot);
            let (whole, size) = (shared.check_whole()?, shared.size());
            let shared = Some(shared);
            return Ok(Inspection { file: self, shared, was_open: true, whole, size });
        }
        let Apart { file, whole } = self.open_apart()?;
        let size = file.as_ref().map_or(0, CipherFile::size);
        let is_odd = whole.iter().any(|damage| matches!(damage, Damage::Size { .. }));
        let file = file.filter(|file| size > 0 && !is_odd && file.is_settled());
        let shared = match file {
            Some(file) => {
                let disk = DiskFile::new(reopen(&inode)?);
                Some(Arc::new(file.shared(disk, self.volume().watcher(&inode)?)))
            }
            None => None,
        };
        if let Some(file) = &shared {
            self.volume().share(&inode, &mut slot, file);
        }
        drop(slot);
        Ok(Inspection { file: self, shared, was_open: false, whole, size })
    }

    fn open_apart(&self) -> Result<Apart> {
        let inode = self.inode();
        let keys = inode.category()?.keys.clone();
        CipherFile::open_apart(self.ciphertext()?, keys)
    }
}

impl<'v> Inspection<'v> {
    /// The file.
    pub fn file(&self) -> &Pinned<'v> {
        &self.file
    }

    /// What is wrong with the file as a whole.
    pub fn whole(&self) -> &[Damage] {
        &self.whole
    }

    /// Plaintext bytes that it had when this began; 0 when its header does not verify.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether somebody had it open when this began: then header and size are known, whatever is on disk.
    pub fn was_open(&self) -> bool {
        self.was_open
    }

    /// The first sector at or after `from` that is not in a hole of the filesystem below.
    ///
    /// # Errors
    /// The filesystem's.
    pub fn after_hole(&self, from: u64) -> Result<u64> {
        self.with_contents(|file| file.after_hole(from, sectors(self.size)))
            .map(|at| at.unwrap_or(from))
    }

    /// Has the sectors of a range, and some around them, be read from the disk when they are read next.
    /// Returns the first sector behind those.
    ///
    /// # Errors
    /// The filesystem's.
    pub fn forget_cached(&self, range: Range<u64>) -> Result<u64> {
        let end = range.end;
        self.with_contents(|file| Ok(file.forget_cached(range))).map(|at| at.unwrap_or(end))
    }

    /// Checks the sectors of a range, at most [`CipherFile::CHECKED_AT_ONCE`].
    ///
    /// # Errors
    /// The filesystem's.
    pub fn check(&self, range: Range<u64>) -> Result<Checked> {
        self.with_contents(|file| file.check_sectors(range)).map(Option::unwrap_or_default)
    }

    fn with_contents<T>(&self, work: impl FnOnce(&CipherFile) -> Result<T>) -> Result<Option<T>> {
        if let Some(file) = &self.shared {
            return work(file).map(Some);
        }
        let slot = self.file.inode().file_slot();
        if let Some(file) = slot.upgrade() {
            drop(slot);
            return work(&file).map(Some);
        }
        let apart = self.file.open_apart()?;
        let done = apart.file.as_ref().map(work).transpose();
        drop(slot);
        done
    }
}
