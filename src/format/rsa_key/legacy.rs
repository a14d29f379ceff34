//! The encryption of PKCS#1 files that `openssl genrsa -traditional` and `ssh-keygen -m PEM` write: CBC
//! under a key from MD5 (OpenSSL's `EVP_BytesToKey` with one round, the first 8 bytes of the IV as
//! salt). It is weak, and read only.

use super::pem::Encryption;
use super::{Error, Result};
use crate::crypto::SecretBytes;
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyIvInit};
use md5::{Digest, Md5};
use zeroize::Zeroize;

pub(super) fn decrypt(
    how: &Encryption,
    body: &SecretBytes,
    password: &SecretBytes,
) -> Result<SecretBytes> {
    match how.cipher.as_str() {
        "AES-128-CBC" => opened::<aes::Aes128>(how, body, password, 16),
        "AES-192-CBC" => opened::<aes::Aes192>(how, body, password, 24),
        "AES-256-CBC" => opened::<aes::Aes256>(how, body, password, 32),
        "DES-EDE3-CBC" => opened::<des::TdesEde3>(how, body, password, 24),
        other => Err(Error::Protection(other.into())),
    }
}

fn opened<C>(
    how: &Encryption,
    body: &SecretBytes,
    password: &SecretBytes,
    key_len: usize,
) -> Result<SecretBytes>
where
    C: BlockCipherDecrypt,
    Decryptor<C>: KeyIvInit + BlockModeDecrypt,
{
    let salt = how.iv.get(..8).ok_or(Error::Malformed("a DEK-Info header"))?;
    let key = bytes_to_key(password, salt, key_len);
    let cipher = Decryptor::<C>::new_from_slices(key.expose(), &how.iv)
        .map_err(|_| Error::Malformed("a DEK-Info header"))?;
    let mut plain = body.duplicate();
    let length =
        cipher.decrypt_padded::<Pkcs7>(plain.expose_mut()).map_err(|_| Error::WrongPassword)?.len();
    plain.expose_mut().truncate(length);
    Ok(plain)
}

/// `D_1 = MD5(password || salt)`, `D_i = MD5(D_(i-1) || password || salt)`, as much as is needed.
fn bytes_to_key(password: &SecretBytes, salt: &[u8], length: usize) -> SecretBytes {
    let mut key = SecretBytes::new(Vec::with_capacity(length + 16));
    let mut last = [0; 16];
    while key.expose().len() < length {
        let mut hash = Md5::new();
        if !key.is_empty() {
            hash.update(last);
        }
        hash.update(password.expose());
        hash.update(salt);
        last = hash.finalize().into();
        key.expose_mut().extend_from_slice(&last);
    }
    last.zeroize();
    key.expose_mut().truncate(length);
    key
}
