//! A node that the service itself works on, whoever else has it open.

use super::open::reopen_to_read;
use super::{Volume, stat_of};
use crate::storage::DiskFile;
use crate::volume::file::CipherFile;
use crate::volume::inodes::Inode;
use crate::volume::{Ino, Place, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// A node that stays known as long as this lives.
pub struct Pinned<'v> {
    volume: &'v Volume,
    inode: Arc<Inode>,
}

impl<'v> Pinned<'v> {
    /// Takes over one lookup of the node.
    pub(super) fn new(volume: &'v Volume, inode: Arc<Inode>) -> Self {
        Self { volume, inode }
    }

    pub(super) fn volume(&self) -> &'v Volume {
        self.volume
    }

    pub(super) fn inode(&self) -> &Arc<Inode> {
        &self.inode
    }

    /// Its number.
    pub fn ino(&self) -> Ino {
        self.inode.ino
    }

    /// Where it is now.
    ///
    /// # Errors
    /// As [`Volume::place`].
    pub fn place(&self) -> Result<Place> {
        self.volume.place_of(&self.inode)
    }

    /// One of its original paths now; empty when that cannot be told.
    pub fn path(&self) -> PathBuf {
        self.place().map_or_else(|_| PathBuf::new(), |place| place.path)
    }

    /// Its contents, shared with all who have them open.
    ///
    /// # Errors
    /// As [`Volume::open_file`].
    pub fn contents(&self) -> Result<Arc<CipherFile>> {
        self.volume.open_contents(&self.inode, false)
    }

    /// Its ciphertext, for reading.
    ///
    /// # Errors
    /// The kernel's.
    pub fn ciphertext(&self) -> Result<DiskFile> {
        Ok(DiskFile::new(reopen_to_read(&self.inode)?))
    }

    /// Whether it has no name any more: nobody can open it again.
    pub fn is_removed(&self) -> bool {
        stat_of(&*self.inode.path()).is_ok_and(|stat| stat.stx_nlink == 0)
    }

    /// Bytes that its ciphertext takes on disk.
    pub fn stored_bytes(&self) -> u64 {
        stat_of(&*self.inode.path())
            .map_or(0, |stat| stat.stx_size.min(stat.stx_blocks.saturating_mul(512)))
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        self.volume.inodes.forget(self.inode.ino, 1);
    }
}
