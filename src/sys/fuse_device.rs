//! `/dev/fuse`, and more descriptors of the connection that one of them stands for.

use rustix::ioctl::{self, Setter, opcode};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;

const DEVICE: &str = "/dev/fuse";

/// Opens the device, not yet connected to any mount.
///
/// # Errors
/// The kernel's: no such device, no right to open it.
pub fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_CLOEXEC).open(DEVICE)
}

/// One more descriptor of the same connection, with a queue of its own for what is read and not yet
/// answered: threads that each have theirs do not wait for each other.
///
/// # Errors
/// The kernel's: as [`open`], or the connection is over.
pub fn another(device: &File) -> io::Result<File> {
    /// `FUSE_DEV_IOC_CLONE`.
    const CLONE: ioctl::Opcode = opcode::read::<u32>(229, 0);
    let descriptor = u32::try_from(device.as_raw_fd()).map_err(io::Error::other)?;
    let fresh = open()?;
    // SAFETY: despite its number the call reads a descriptor's number at the pointer that it is given,
    // and writes nothing.
    let connect = unsafe { Setter::<CLONE, u32>::new(descriptor) };
    // SAFETY: the request is the device's own, and the argument is what it expects.
    unsafe { ioctl::ioctl(fresh.as_fd(), connect) }?;
    Ok(fresh)
}
