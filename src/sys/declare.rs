//! A statement about a file below our mount, made on the file itself: an `ioctl` that the kernel takes
//! to the service together with the thread id of whoever makes it, which cannot be forged or relayed.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Length of a statement, in bytes.
pub const LEN: usize = 64;

/// The `ioctl` that carries a statement, as the service sees it: `_IOW('z', 1, char[64])`.
pub const COMMAND: u32 = nix::request_code_write!(b'z', 1, LEN) as u32;

/// Makes a statement about an open file.
///
/// # Errors
/// `EACCES` when the service refuses it; `ENOTTY` when the file is on no mount of a service.
pub fn declare(file: &File, statement: &[u8; LEN]) -> io::Result<()> {
    // SAFETY: the command says that `LEN` bytes are read from the pointer and none are written, and
    // the array lives, with that many bytes, until the call returns.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), COMMAND.into(), statement.as_ptr()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
