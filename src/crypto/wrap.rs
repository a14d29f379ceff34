//! Wrapping one key under another: AES-256-GCM (NIST SP 800-38D), by RustCrypto's `aes-gcm`.
//!
//! Wrapping keys are derived per file or per slot ([`super::derive`]), so a 96-bit random nonce meets
//! few messages under each key.

use super::secret::burning;
use super::{Error, Key, Result};
use aes_gcm::{Aes256Gcm, Nonce, Tag, aead::AeadInOut, aead::KeyInit};

/// Length of a wrapped key: 32 bytes of ciphertext, 16 of tag.
pub const WRAPPED_LEN: usize = 48;

/// Wraps `key`, binding it to `aad`.
///
/// # Errors
/// [`Error::Seal`] if the cipher refuses; never for these lengths.
pub fn wrap(wrapping: &Key, nonce: &[u8; 12], aad: &[u8], key: &Key) -> Result<[u8; WRAPPED_LEN]> {
    burning(|| seal(wrapping, nonce, aad, key))
}

fn seal(wrapping: &Key, nonce: &[u8; 12], aad: &[u8], key: &Key) -> Result<[u8; WRAPPED_LEN]> {
    let cipher = Aes256Gcm::new(wrapping.expose().into());
    let mut out = [0; WRAPPED_LEN];
    let (body, tag) = out.split_at_mut(32);
    body.copy_from_slice(key.expose());
    let sealed = cipher
        .encrypt_inout_detached(&Nonce::from(*nonce), aad, body.into())
        .map_err(|_| Error::Seal)?;
    tag.copy_from_slice(&sealed);
    Ok(out)
}

/// Unwraps a key that [`wrap`] made with the same wrapping key, nonce and `aad`.
///
/// # Errors
/// [`Error::Authentication`] when any of them, or the wrapped bytes, differ.
pub fn unwrap(
    wrapping: &Key,
    nonce: &[u8; 12],
    aad: &[u8],
    wrapped: &[u8; WRAPPED_LEN],
) -> Result<Key> {
    burning(|| open(wrapping, nonce, aad, wrapped))
}

fn open(wrapping: &Key, nonce: &[u8; 12], aad: &[u8], wrapped: &[u8; WRAPPED_LEN]) -> Result<Key> {
    let cipher = Aes256Gcm::new(wrapping.expose().into());
    let mut key = Key::zero();
    key.expose_mut().copy_from_slice(&wrapped[..32]);
    let tag = Tag::try_from(&wrapped[32..]).map_err(|_| Error::Authentication)?;
    cipher
        .decrypt_inout_detached(
            &Nonce::from(*nonce),
            aad,
            key.expose_mut().as_mut_slice().into(),
            &tag,
        )
        .map_err(|_| Error::Authentication)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_comes_back_and_any_changed_bit_is_refused() {
        let wrapping = Key::take(&mut [1; 32]);
        let key = Key::take(&mut [2; 32]);
        let wrapped = wrap(&wrapping, &[3; 12], b"aad", &key).unwrap();
        assert!(unwrap(&wrapping, &[3; 12], b"aad", &wrapped).unwrap().same_as(&key));
        for bit in 0..WRAPPED_LEN * 8 {
            let mut changed = wrapped;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(unwrap(&wrapping, &[3; 12], b"aad", &changed).is_err());
        }
        assert!(unwrap(&wrapping, &[3; 12], b"other", &wrapped).is_err());
        assert!(unwrap(&wrapping, &[4; 12], b"aad", &wrapped).is_err());
        assert!(unwrap(&key, &[3; 12], b"aad", &wrapped).is_err());
    }
}
