//! RSA keys in the files that `openssl` and `ssh-keygen` write: bytes to keys; no I/O.
//!
//! | file | public | private |
//! | --- | --- | --- |
//! | PKCS#8, SubjectPublicKeyInfo (`PRIVATE KEY`, `PUBLIC KEY`) | yes | yes |
//! | PKCS#8 with a password (`ENCRYPTED PRIVATE KEY`; PBES2, RFC 8018) | | yes |
//! | PKCS#1 (`RSA PRIVATE KEY`, `RSA PUBLIC KEY`; RFC 8017) | yes | yes |
//! | PKCS#1 with a password (`Proc-Type: 4,ENCRYPTED`, RFC 1421) | | yes |
//! | OpenSSH (`OPENSSH PRIVATE KEY`, with and without password; `ssh-rsa …`) | yes | yes |
//!
//! What comes out is DER in one form: SubjectPublicKeyInfo for [`public`], PKCS#8 for [`private`]. Costs
//! of a password's derivation are bounded before anything is computed. What the keys are used for is
//! not known here.

mod components;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod legacy;
mod openssh;
mod pem;
mod pkcs8_file;
mod public_file;

use crate::crypto;
use crate::crypto::SecretBytes;
use crate::crypto::rsa::{PrivateKey, PublicKey};
use pem::Pem;

/// Longest key file accepted, in bytes: a 4096-bit key needs some 3,400.
pub const MAX_FILE: usize = 32 << 10;

/// Why bytes are refused as a key.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone)]
pub enum Error {
    /// Neither PEM nor OpenSSH's form.
    #[error("it is not a key in PEM or OpenSSH form")]
    NotAKey,
    /// The form is known, but what is in it is cut short or changed.
    #[error("it is damaged: what it holds is not {0}")]
    Malformed(&'static str),
    /// A public key where a private one is needed.
    #[error("it holds a public key, and the private one is needed")]
    NotPrivate,
    /// A private key where the public one would do, and a password before it.
    #[error("it holds a private key under a password; the public key is needed")]
    NotPublic,
    /// A key of another algorithm, or a certificate.
    #[error("it holds {0}, not an RSA key")]
    NotRsa(String),
    /// A password is needed.
    #[error("it is protected by a password")]
    PasswordNeeded,
    /// The password is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// The protection is of a kind that is not known here.
    #[error("its protection ({0}) is not supported")]
    Protection(String),
    /// Deriving the key from the password would cost too much.
    #[error("deriving its key from the password would cost more than is allowed here")]
    Cost,
    /// It is an RSA key, but one that cannot be used.
    #[error(transparent)]
    Key(#[from] crypto::Error),
}

/// A result of this module.
pub type Result<T> = std::result::Result<T, Error>;

/// Reads a public key, or the public half of a private one that has no password.
///
/// # Errors
/// What is wrong with the file.
pub fn public(file: &[u8]) -> Result<PublicKey> {
    public_file::read(file)
}

/// Reads a private key; `password` is asked for one only when it is needed.
///
/// # Errors
/// What is wrong with the file or the password; [`Error::PasswordNeeded`] when there is none.
pub fn private(file: &[u8], password: Option<&SecretBytes>) -> Result<PrivateKey> {
    let read = read_private(file, password);
    crypto::burn_stack();
    read
}

fn read_private(file: &[u8], password: Option<&SecretBytes>) -> Result<PrivateKey> {
    let file = Pem::read(file)?;
    let der = match file.label.as_str() {
        "PRIVATE KEY" => pkcs8_file::plain(file.body)?,
        "ENCRYPTED PRIVATE KEY" => pkcs8_file::decrypt(&file.body, needed(password)?)?,
        "RSA PRIVATE KEY" => match &file.encryption {
            None => pkcs8_file::from_pkcs1(&file.body)?,
            Some(how) => {
                let der = legacy::decrypt(how, &file.body, needed(password)?)?;
                // CBC cannot tell a wrong password, but for the padding: one in 256 gets past it.
                pkcs8_file::from_pkcs1(&der).map_err(|error| match error {
                    Error::Malformed(_) => Error::WrongPassword,
                    other => other,
                })?
            }
        },
        "OPENSSH PRIVATE KEY" => openssh::private(&file, password)?,
        "PUBLIC KEY" | "RSA PUBLIC KEY" => return Err(Error::NotPrivate),
        other => return Err(not_rsa(other)),
    };
    Ok(PrivateKey::from_pkcs8(&der)?)
}

/// Whether a private key file is protected by a password.
///
/// # Errors
/// What is wrong with the file, as far as that is seen without one.
pub fn needs_password(file: &[u8]) -> Result<bool> {
    let file = Pem::read(file)?;
    Ok(match file.label.as_str() {
        "ENCRYPTED PRIVATE KEY" => true,
        "OPENSSH PRIVATE KEY" => openssh::is_encrypted(&file)?,
        _ => file.encryption.is_some(),
    })
}

fn needed(password: Option<&SecretBytes>) -> Result<&SecretBytes> {
    password.ok_or(Error::PasswordNeeded)
}

/// The error for a PEM label of another kind of thing.
fn not_rsa(label: &str) -> Error {
    match label {
        "EC PRIVATE KEY" => Error::NotRsa("an EC key".into()),
        "DSA PRIVATE KEY" => Error::NotRsa("a DSA key".into()),
        "CERTIFICATE" => Error::NotRsa("a certificate".into()),
        _ => Error::NotAKey,
    }
}

#[cfg(test)]
mod tests;
