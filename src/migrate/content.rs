//! A file's plaintext, whether it lies there plain or sealed.

use crate::crypto::CategoryKeys;
use crate::format::geometry::{SectorIndex, sectors};
use crate::storage::DiskFile;
use crate::volume::file::CipherFile;
use crate::volume::{Error, Result};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// How the files of a tree lie on disk.
#[derive(Clone)]
pub(super) enum Form {
    /// As they are.
    Plain,
    /// Sealed under a category's keys.
    Cipher(Arc<CategoryKeys>),
}

/// One open file. Offsets and sizes count plaintext bytes.
pub(super) enum Content {
    Plain(DiskFile),
    Cipher(Box<CipherFile>),
}

impl Content {
    pub(super) fn open(descriptor: OwnedFd, form: &Form) -> Result<Self> {
        let disk = DiskFile::new(descriptor);
        Ok(match form {
            Form::Plain => Self::Plain(disk),
            Form::Cipher(keys) => Self::Cipher(Box::new(CipherFile::open(disk, keys.clone())?)),
        })
    }

    pub(super) fn size(&self) -> Result<u64> {
        match self {
            Self::Plain(file) => Ok(file.size()?),
            Self::Cipher(file) => Ok(file.size()),
        }
    }

    /// # Errors
    /// [`Error::Unwritten`] when nothing but zeros is there in the place of ciphertext.
    pub(super) fn must_be_written(&self) -> Result<()> {
        match self {
            Self::Cipher(file) if file.is_unwritten() => Err(Error::Unwritten),
            _ => Ok(()),
        }
    }

    /// Reads until `out` is full or the file ends.
    pub(super) fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(file) => Ok(file.read_at(out, offset)?),
            Self::Cipher(file) => file.read_at(offset, out),
        }
    }

    pub(super) fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        match self {
            Self::Plain(file) => Ok(file.write_at(data, offset)?),
            Self::Cipher(file) => file.write_at(offset, data),
        }
    }

    pub(super) fn set_size(&self, size: u64) -> Result<()> {
        match self {
            Self::Plain(file) => Ok(file.set_size(size)?),
            Self::Cipher(file) => file.set_size(size),
        }
    }

    /// Has the kernel begin to write a range to the disk, where it thinks of it: nothing is promised.
    pub(super) fn begin_write_out(&self, range: Range<u64>) {
        match self {
            Self::Plain(file) => file.forget_cached(range),
            Self::Cipher(file) => {
                file.forget_cached(SectorIndex::of(range.start).0..sectors(range.end));
            }
        }
    }

    pub(super) fn seek_data(&self, offset: u64) -> Result<Option<u64>> {
        match self {
            Self::Plain(file) => Ok(file.seek_data(offset)?),
            Self::Cipher(file) => file.seek_data(offset),
        }
    }

    pub(super) fn seek_hole(&self, offset: u64) -> Result<Option<u64>> {
        match self {
            Self::Plain(file) => Ok(file.seek_hole(offset)?),
            Self::Cipher(file) => file.seek_hole(offset),
        }
    }
}
