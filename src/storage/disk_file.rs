//! A ciphertext file on the filesystem below.

use super::disk::Disk;
#[cfg(test)]
use super::double::broken::{self, Broken};
use rustix::fs::{FallocateFlags, SeekFrom, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;
use std::io::{Error, ErrorKind, Result};
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::fd::OwnedFd;

/// Bytes of a file that the kernel keeps in memory as one, at most; they begin at a multiple of that.
pub const FOLIO: u64 = 2 << 20;

/// An open ciphertext file. All offsets and sizes are physical, in bytes.
///
/// Errors are the kernel's; interrupted and short transfers are carried on here.
#[derive(Debug)]
pub struct DiskFile(Disk);

impl DiskFile {
    /// Takes over a descriptor that is open for reading and, if it is to be written, for writing,
    /// without `O_APPEND`.
    pub fn new(descriptor: OwnedFd) -> Self {
        Self(Disk::Kernel(descriptor))
    }

    /// A file that lies nowhere but in the double.
    #[cfg(test)]
    pub(crate) fn doubled(double: super::double::Double) -> Self {
        Self(Disk::Double(double))
    }

    /// The size now.
    ///
    /// # Errors
    /// The kernel's.
    pub fn size(&self) -> Result<u64> {
        Ok(self.0.size()?)
    }

    /// Reads until `bytes` is full or the file ends; returns how many were read.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        let mut done = 0;
        while done < bytes.len() {
            match self.0.pread(&mut bytes[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }

    /// Writes all of `bytes`.
    ///
    /// Give it page-aligned buffers at page-aligned offsets: then each page lands whole or not at
    /// all when the process is killed.
    ///
    /// # Errors
    /// The kernel's; some leading part may have been written.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        #[cfg(test)]
        if let Some(done) = broken::write(self, bytes, offset) {
            return done;
        }
        let mut done = 0;
        while done < bytes.len() {
            match self.0.pwrite(&bytes[done..], offset + done as u64) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Cuts the file or extends it by a hole.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_size(&self, size: u64) -> Result<()> {
        Ok(uninterrupted(|| self.0.truncate(size))?)
    }

    /// Has the kernel let go of what it keeps of a range in memory, as far as that is on the disk: the next
    /// reading is of the disk. It lets go of whole folios only ([`FOLIO`]). Where it does not, nothing
    /// is lost but that.
    pub fn forget_cached(&self, range: Range<u64>) {
        let length = NonZeroU64::new(range.end.saturating_sub(range.start));
        if length.is_some() {
            self.0.forget(range.start, length);
        }
    }

    /// Makes what was written durable; with `data_only`, times may be lost (`fdatasync`).
    ///
    /// # Errors
    /// The kernel's. After one, what was written since the last success may be lost.
    pub fn sync(&self, data_only: bool) -> Result<()> {
        #[cfg(test)]
        if broken::is(Broken::SkippedSync) {
            return Ok(());
        }
        Ok(uninterrupted(|| self.0.sync(data_only))?)
    }

    /// Asks the kernel to read what it is asked for next from the disk. It may know better.
    pub fn forget(&self) {
        self.0.forget(0, None);
    }

    /// When it was last modified.
    ///
    /// # Errors
    /// The kernel's.
    pub fn modified(&self) -> Result<Timespec> {
        Ok(self.0.modified()?)
    }

    /// Sets when it was last modified.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_modified(&self, time: Timespec) -> Result<()> {
        let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let times = Timestamps { last_access, last_modification: time };
        Ok(self.0.set_times(&times)?)
    }

    /// Reserves space for a range without changing the size.
    ///
    /// # Errors
    /// The kernel's; `EOPNOTSUPP` where the filesystem cannot.
    pub fn reserve(&self, offset: u64, length: u64) -> Result<()> {
        self.fallocate(FallocateFlags::KEEP_SIZE, offset, length)
    }

    /// Makes a range read as zeros and frees its space.
    ///
    /// # Errors
    /// As [`DiskFile::reserve`].
    pub fn punch(&self, offset: u64, length: u64) -> Result<()> {
        self.fallocate(FallocateFlags::KEEP_SIZE | FallocateFlags::PUNCH_HOLE, offset, length)
    }

    fn fallocate(&self, mode: FallocateFlags, offset: u64, length: u64) -> Result<()> {
        Ok(uninterrupted(|| self.0.allocate(mode, offset, length))?)
    }

    /// The first byte at or after `offset` that is not in a hole; `None` when only holes follow.
    ///
    /// # Errors
    /// The kernel's.
    pub fn seek_data(&self, offset: u64) -> Result<Option<u64>> {
        self.seek(SeekFrom::Data(offset))
    }

    /// The first byte at or after `offset` that is in a hole, the end counting as one; `None` when
    /// `offset` is at or beyond the end.
    ///
    /// # Errors
    /// The kernel's.
    pub fn seek_hole(&self, offset: u64) -> Result<Option<u64>> {
        self.seek(SeekFrom::Hole(offset))
    }

    fn seek(&self, to: SeekFrom) -> Result<Option<u64>> {
        match self.0.seek(to) {
            Ok(offset) => Ok(Some(offset)),
            Err(Errno::NXIO) => Ok(None),
            Err(error) => Err(Error::from(error)),
        }
    }
}

/// Makes a call again as long as signals interrupt it.
fn uninterrupted(call: impl Fn() -> rustix::io::Result<()>) -> rustix::io::Result<()> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}
