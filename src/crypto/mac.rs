//! HMAC-SHA256 (RFC 2104, FIPS 198-1): a tag over bytes that stay readable.

use super::{Error, Key, Result};
use hkdf::hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Length of a tag, in bytes.
pub const LEN: usize = 32;

/// The tag of `message`.
///
/// # Errors
/// None in practice; a key of 32 bytes is always taken.
pub fn tag(key: &Key, message: &[u8]) -> Result<[u8; LEN]> {
    Ok(keyed(key.expose(), message)?.finalize().into_bytes().into())
}

/// Compares with the tag of `message`, in constant time.
///
/// # Errors
/// [`Error::Authentication`] when it is another message's or another key's.
pub fn check(key: &Key, message: &[u8], tag: &[u8; LEN]) -> Result<()> {
    keyed(key.expose(), message)?.verify_slice(tag).map_err(|_| Error::Authentication)
}

fn keyed(key: &[u8], message: &[u8]) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Error::Seal)?;
    mac.update(message);
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_vectors_of_rfc_4231_come_out() {
        // Test cases 1, 2, 3 and 6.
        for (key, message, tag) in [
            (
                vec![0x0b; 20],
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 20],
                vec![0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            let found = keyed(&key, &message).unwrap().finalize().into_bytes();
            assert_eq!(hex(&found), tag);
        }
    }

    #[test]
    fn only_the_tag_of_this_key_and_message_is_taken() {
        let key = Key::take(&mut [7; 32]);
        let good = tag(&key, b"message").unwrap();
        assert_eq!(check(&key, b"message", &good), Ok(()));
        assert_eq!(check(&key, b"massage", &good), Err(Error::Authentication));
        let other = Key::take(&mut [8; 32]);
        assert_eq!(check(&other, b"message", &good), Err(Error::Authentication));
        let mut bad = good;
        bad[31] ^= 1;
        assert_eq!(check(&key, b"message", &bad), Err(Error::Authentication));
    }
}
