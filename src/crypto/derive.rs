//! Every derived key, with its label, on one screen.
//!
//! All of them are HKDF-SHA256 (RFC 5869) with 64 bytes of output, of which the first half is the
//! key and the second half commits to it (AES-GCM and ChaCha20-Poly1305 do not commit to a key by
//! themselves: Albertini et al., "How to Abuse and Fix Authenticated Encryption Without Key
//! Commitment", 2022).
//!
//! | key | input | salt | info |
//! | --- | --- | --- | --- |
//! | file wrapping key | category key | file id | `ezncrypt v1 file` |
//! | keyslot wrapping key | scrypt output | slot id | `ezncrypt v1 keyslot` |
//! | keystore body key | master key | keystore id | `ezncrypt v1 keystore` |
//! | key bundle's body key | its master key | bundle id | `ezncrypt v1 bundle` |
//! | audit log's seal key | master key | keystore id | `ezncrypt v1 audit` |

use super::{Error, Key, Result};
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A derived key and the public value that commits to it.
pub struct Derived {
    /// The secret half.
    pub key: Key,
    /// The public half, stored beside what the key sealed.
    pub commitment: [u8; 32],
}

impl Derived {
    /// Compares with a stored commitment, in constant time.
    ///
    /// # Errors
    /// [`Error::Commitment`] when it is another key's.
    pub fn check(&self, stored: &[u8; 32]) -> Result<()> {
        if bool::from(self.commitment.ct_eq(stored)) { Ok(()) } else { Err(Error::Commitment) }
    }
}

/// The key that wraps one file's key.
///
/// # Errors
/// None in practice; the output length is constant.
pub fn file_wrapping(category_key: &Key, file_id: &[u8; 16]) -> Result<Derived> {
    derive(category_key, file_id, b"ezncrypt v1 file")
}

/// The key that wraps the master key in one keyslot.
///
/// # Errors
/// As [`file_wrapping`].
pub fn keyslot(slot_secret: &Key, slot_id: &[u8; 16]) -> Result<Derived> {
    derive(slot_secret, slot_id, b"ezncrypt v1 keyslot")
}

/// The key that seals the keystore's body.
///
/// # Errors
/// As [`file_wrapping`].
pub fn keystore_body(master: &Key, keystore_id: &[u8; 16]) -> Result<Derived> {
    derive(master, keystore_id, b"ezncrypt v1 keystore")
}

/// The key that seals the body of a key bundle.
///
/// # Errors
/// As [`file_wrapping`].
pub fn bundle_body(master: &Key, bundle_id: &[u8; 16]) -> Result<Derived> {
    derive(master, bundle_id, b"ezncrypt v1 bundle")
}

/// The key that seals the audit log.
///
/// # Errors
/// As [`file_wrapping`].
pub fn audit_log(master: &Key, keystore_id: &[u8; 16]) -> Result<Derived> {
    derive(master, keystore_id, b"ezncrypt v1 audit")
}

fn derive(input: &Key, salt: &[u8], info: &[u8]) -> Result<Derived> {
    let mut output = [0u8; 64];
    let expanded = Hkdf::<Sha256>::new(Some(salt), input.expose()).expand(info, &mut output);
    let mut derived = Derived { key: Key::zero(), commitment: [0; 32] };
    derived.key.expose_mut().copy_from_slice(&output[..32]);
    derived.commitment.copy_from_slice(&output[32..]);
    output.zeroize();
    expanded.map_err(|_| Error::Seal)?;
    Ok(derived)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_salts_separate_the_keys() {
        let input = Key::take(&mut [7; 32]);
        let file = file_wrapping(&input, &[1; 16]).unwrap();
        let slot = keyslot(&input, &[1; 16]).unwrap();
        let other = file_wrapping(&input, &[2; 16]).unwrap();
        assert!(!file.key.same_as(&slot.key));
        let (body, log) = (keystore_body(&input, &[1; 16]), audit_log(&input, &[1; 16]));
        assert!(!body.unwrap().key.same_as(&log.unwrap().key));
        assert!(!file.key.same_as(&other.key));
        assert_eq!(file.check(&other.commitment), Err(Error::Commitment));
    }
}
