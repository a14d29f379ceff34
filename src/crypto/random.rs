//! The kernel's random source; there is no generator of our own that a fork or a restored snapshot
//! could repeat.

use super::{Error, Result};

/// Fills `bytes` from `getrandom(2)`.
///
/// # Errors
/// [`Error::Random`] when the kernel gives none.
pub fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| Error::Random)
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
