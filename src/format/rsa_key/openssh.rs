//! OpenSSH's own form of private keys (`openssh-key-v1`), by the crate `ssh-key`.

use super::components::Components;
use super::pem::Pem;
use super::{Error, Result, pkcs8_file};
use crate::crypto::SecretBytes;
use ssh_key::encoding::Decode;
use ssh_key::private::{KeypairData, PrivateKey};
use ssh_key::{Kdf, Mpint};

/// Most rounds of bcrypt: `ssh-keygen` writes 16 or 24, and takes any number with `-a`.
const MAX_ROUNDS: u32 = 2000;

pub(super) fn is_encrypted(file: &Pem) -> Result<bool> {
    Ok(read(file)?.is_encrypted())
}

/// The key as PKCS#8.
pub(super) fn private(file: &Pem, password: Option<&SecretBytes>) -> Result<SecretBytes> {
    let mut key = read(file)?;
    if !key.algorithm().is_rsa() {
        return Err(Error::NotRsa(format!("a key of type {}", key.algorithm())));
    }
    if key.is_encrypted() {
        let password = super::needed(password)?;
        if matches!(key.kdf(), Kdf::Bcrypt { rounds, .. } if *rounds > MAX_ROUNDS) {
            return Err(Error::Cost);
        }
        key = key.decrypt(password.expose()).map_err(|_| Error::WrongPassword)?;
    }
    let KeypairData::Rsa(pair) = key.key_data() else {
        return Err(Error::Malformed("an RSA key"));
    };
    let (public, private) = (pair.public(), pair.private());
    let pkcs1 = Components {
        n: number(public.n())?,
        e: number(public.e())?,
        d: number(private.d())?,
        p: number(private.p())?,
        q: number(private.q())?,
        inverse_of_q: number(private.iqmp())?,
    }
    .pkcs1()?;
    pkcs8_file::from_pkcs1(&pkcs1)
}

/// The rounds that deriving its key from the password takes; none without a password.
#[cfg(any(test, fuzzing))]
pub(super) fn rounds(file: &Pem) -> Option<u32> {
    match read(file).ok()?.kdf() {
        Kdf::Bcrypt { rounds, .. } => Some(*rounds),
        _ => None,
    }
}

fn read(file: &Pem) -> Result<PrivateKey> {
    let mut bytes = file.body.expose();
    PrivateKey::decode(&mut bytes).map_err(|_| Error::Malformed("an OpenSSH key"))
}

fn number(mpint: &Mpint) -> Result<&[u8]> {
    mpint.as_positive_bytes().ok_or(Error::Malformed("an RSA key"))
}
