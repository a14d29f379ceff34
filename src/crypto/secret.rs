//! Memory that holds secrets.

use super::Result;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A 256-bit secret key, on the heap so that moving it copies no bytes, wiped when dropped.
///
/// Deliberately neither `Debug` nor `Clone`: a copy is an explicit [`Key::duplicate`].
pub struct Key(Box<[u8; 32]>);

impl Key {
    /// Draws a key from the kernel's random source.
    ///
    /// # Errors
    /// [`super::Error::Random`] when the kernel gives none.
    pub fn random() -> Result<Self> {
        let mut key = Self::zero();
        super::fill_random(&mut key.0[..])?;
        Ok(key)
    }

    /// Takes the 32 bytes over and wipes the place they came from.
    pub fn take(bytes: &mut [u8; 32]) -> Self {
        let mut key = Self::zero();
        key.0.copy_from_slice(bytes);
        bytes.zeroize();
        key
    }

    /// A key of zeros, to be filled in place.
    pub(super) fn zero() -> Self {
        Self(Box::new([0; 32]))
    }

    /// The key's bytes. Whoever copies them wipes the copy.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn expose_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }

    /// A second copy of the key, which wipes itself as the first does.
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// Compares two keys in time that does not depend on their bytes.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Overwrites bytes with zeros, which the compiler does not leave out. `Zeroize` does it byte by byte, and
/// takes longer over a sector than sealing it.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

/// Overwrites the stack below the caller, where functions that have returned may have left copies of
/// secrets: block ciphers work on up to a kilobyte at a time there (compare libgcrypt's
/// `_gcry_burn_stack`).
#[inline(never)]
pub fn burn_stack() {
    burn::<{ 64 << 10 }>();
}

/// Runs `work` and overwrites the stack that one cipher's preparation has used: its key schedule is
/// made there and moved, and begins with the key. Cheap enough for each file that is opened.
#[inline(never)]
pub(super) fn burning<T>(work: impl FnOnce() -> T) -> T {
    #[inline(never)]
    fn called<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
    let result = called(work);
    burn::<{ 8 << 10 }>();
    result
}

#[inline(never)]
fn burn<const BYTES: usize>() {
    // Whatever looks at the array must find it as it is, so it is written.
    std::hint::black_box(&mut [0u8; BYTES]);
}

/// Secret bytes of any length (a passphrase, a salt, a sealed body), wiped when dropped.
///
/// Neither `Debug` nor `Clone`.
#[derive(Default)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes the bytes over without copying them.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to be changed in place. Growing them may leave a copy behind: reserve first.
    pub fn expose_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// A second copy, which wipes itself as the first does.
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
