//! The kernel's random source; there is no generator of our own that a fork or a restored snapshot
//! could repeat.

use super::{Error, Result};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// Fills `bytes` from `getrandom(2)`.
///
/// # Errors
/// [`Error::Random`] when the kernel gives none.
pub fn fill(mut bytes: &mut [u8]) -> Result<()> {
    while !bytes.is_empty() {
        match getrandom(&mut *bytes, GetRandomFlags::empty()) {
            Ok(count) => bytes = &mut bytes[count..],
            Err(Errno::INTR) => {}
            Err(_) => return Err(Error::Random),
        }
    }
    Ok(())
}

/// `N` random bytes.
///
/// # Errors
/// [`Error::Random`] when the kernel gives none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}
