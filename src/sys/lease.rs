//! Knowing that nobody changes a file: a read lease (`fcntl(2)`), which the kernel gives only while
//! nobody has the file open for writing or mapped writable, and breaks before somebody does.
//!
//! While somebody has, the times of the file do not tell: a store through a mapping, to a page that
//! is dirty already, changes none. Once nobody has, the next one to store must open the file, map it,
//! and fault, which changes them.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// The signal of a lease that is to be broken. The default, `SIGIO`, ends a process; nobody is sent
/// this one for any other reason here, and it is ignored where nothing is said about it.
const SIGNAL: libc::c_int = libc::SIGURG;
/// `F_SETSIG` of `<asm-generic/fcntl.h>`, which the `libc` crate does not have.
const F_SETSIG: libc::c_int = 10;

/// Filesystems for which a lease and, after it, the times tell of every writer.
///
/// Not among them: overlayfs, where a mapping, and whoever writes to the upper layer, have another
/// file open than the one that a lease is on; tmpfs, where a page that was read through a writable
/// mapping is stored to without a change of the times; FUSE and network filesystems, where others
/// write.
const ACCOUNTABLE: [u64; 4] = [
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683e, // btrfs
    0xf2f5_2010, // f2fs
];

/// A read lease on a file, given back when dropped, or when somebody waits to write.
#[derive(Debug)]
pub struct Lease<'a> {
    file: &'a File,
    held: Cell<bool>,
}

impl<'a> Lease<'a> {
    /// Takes a lease on a file that is open for reading only, by a descriptor that nobody shares.
    ///
    /// # Errors
    /// `EAGAIN` while somebody has the file open for writing or mapped writable; `EOPNOTSUPP` where
    /// a lease would tell nothing; `EACCES` on somebody else's file without the right to
    /// (`CAP_LEASE`); others where the filesystem has no leases.
    pub fn take(file: &'a File) -> io::Result<Self> {
        let kind = rustix::fs::fstatfs(file)?.f_type;
        if !ACCOUNTABLE.iter().any(|known| u64::try_from(kind) == Ok(*known)) {
            return Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP));
        }
        // Before there is a lease that could be broken.
        control(file, F_SETSIG, SIGNAL)?;
        control(file, libc::F_SETLEASE, libc::F_RDLCK)?;
        Ok(Self { file, held: Cell::new(true) })
    }

    /// Whether nobody could write since it was taken. Whoever waits to write goes on after a no: the
    /// kernel keeps them waiting for as long as the lease stands, up to `fs.lease-break-time`.
    pub fn holds(&self) -> bool {
        if self.held.get() && control(self.file, libc::F_GETLEASE, 0).ok() != Some(libc::F_RDLCK) {
            self.give_back();
        }
        self.held.get()
    }

    fn give_back(&self) {
        if self.held.replace(false) {
            // It cannot fail while the lease stands, and one that is gone need not be given back.
            let _ = control(self.file, libc::F_SETLEASE, libc::F_UNLCK);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn control(file: &File, command: libc::c_int, value: libc::c_int) -> io::Result<libc::c_int> {
    // SAFETY: the descriptor is open for as long as `file` is borrowed, and the commands of this
    // module take a number, or ignore it; none takes a pointer.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, value) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "mapping.rs"]
pub mod mapping;
