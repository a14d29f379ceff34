//! The one place where ciphertext meets the filesystem below: each method is one system call.
//!
//! Outside the library's own tests there is only the kernel, and this is nothing but the calls. In the
//! tests the double (`storage::double`) can stand in its place: it forgets, tears and refuses as a disk may.

#[cfg(test)]
use super::double::Double;
use rustix::fs::{self, Advice, FallocateFlags, SeekFrom, Timespec, Timestamps};
use rustix::io::{Result, pread, pwrite};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;

/// What a ciphertext file's system calls go to.
#[derive(Debug)]
pub(super) enum Disk {
    /// The filesystem below.
    Kernel(OwnedFd),
    /// One in memory that fails at will.
    #[cfg(test)]
    Double(Double),
}

/// Calls the kernel, or does the same with the double.
macro_rules! call {
    ($disk:expr, $kernel:ident => $work:expr, $double:ident => $instead:expr) => {
        match $disk {
            Disk::Kernel($kernel) => $work,
            #[cfg(test)]
            Disk::Double($double) => $instead,
        }
    };
}

impl Disk {
    pub fn size(&self) -> Result<u64> {
        call!(self,
            file => Ok(u64::try_from(fs::fstat(file)?.st_size).unwrap_or(0)),
            double => Ok(double.size()))
    }

    pub fn pread(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        call!(self, file => pread(file, bytes, offset), double => double.pread(bytes, offset))
    }

    pub fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        call!(self, file => pwrite(file, bytes, offset), double => double.pwrite(bytes, offset))
    }

    pub fn truncate(&self, size: u64) -> Result<()> {
        call!(self, file => fs::ftruncate(file, size), double => double.truncate(size))
    }

    pub fn sync(&self, data_only: bool) -> Result<()> {
        call!(self,
            file => if data_only { fs::fdatasync(file) } else { fs::fsync(file) },
            double => double.sync())
    }

    pub fn forget(&self, from: u64, length: Option<NonZeroU64>) {
        call!(self,
            file => drop(fs::fadvise(file, from, length, Advice::DontNeed)),
            double => double.forget());
    }

    pub fn allocate(&self, mode: FallocateFlags, offset: u64, length: u64) -> Result<()> {
        call!(self,
            file => fs::fallocate(file, mode, offset, length),
            double => double.allocate(mode, offset, length))
    }

    pub fn seek(&self, to: SeekFrom) -> Result<u64> {
        call!(self, file => fs::seek(file, to), double => double.seek(to))
    }

    pub fn modified(&self) -> Result<Timespec> {
        call!(self,
            file => {
                let stat = fs::fstat(file)?;
                Ok(Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec.cast_signed() })
            },
            double => double.modified())
    }

    pub fn set_times(&self, times: &Timestamps) -> Result<()> {
        call!(self, file => fs::futimens(file, times), double => double.set_times(times))
    }
}
