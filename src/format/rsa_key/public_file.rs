//! Public keys, to SubjectPublicKeyInfo.

use super::pem::Pem;
use super::{Error, Result, not_rsa, openssh, pkcs8_file};
use crate::crypto::rsa::{PrivateKey, PublicKey};
use pkcs1::{ALGORITHM_ID, ALGORITHM_OID, RsaPublicKeyRef, UintRef};
use pkcs8::der::asn1::BitStringRef;
use pkcs8::der::{Decode, Encode};
use pkcs8::spki::SubjectPublicKeyInfoRef;

pub(super) fn read(file: &[u8]) -> Result<PublicKey> {
    if let Some(spki) = openssh_line(file)? {
        return Ok(PublicKey::from_spki(&spki)?);
    }
    let file = Pem::read(file)?;
    let private = match file.label.as_str() {
        "PUBLIC KEY" => {
            let malformed = |_| Error::Malformed("a public key");
            let info = SubjectPublicKeyInfoRef::from_der(file.body.expose()).map_err(malformed)?;
            if info.algorithm.oid != ALGORITHM_OID {
                return Err(Error::NotRsa(format!("a key of algorithm {}", info.algorithm.oid)));
            }
            let key = info.subject_public_key.as_bytes().map(RsaPublicKeyRef::from_der);
            let key = key.ok_or(Error::Malformed("a public key"))?.map_err(malformed)?;
            pkcs8_file::check_size(key.modulus)?;
            return Ok(PublicKey::from_spki(file.body.expose())?);
        }
        "RSA PUBLIC KEY" => return Ok(PublicKey::from_spki(&from_pkcs1(file.body.expose())?)?),
        "PRIVATE KEY" => pkcs8_file::plain(file.body)?,
        "RSA PRIVATE KEY" if file.encryption.is_none() => pkcs8_file::from_pkcs1(&file.body)?,
        "OPENSSH PRIVATE KEY" => openssh::private(&file, None).map_err(|error| match error {
            Error::PasswordNeeded => Error::NotPublic,
            other => other,
        })?,
        "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" => return Err(Error::NotPublic),
        other => return Err(not_rsa(other)),
    };
    Ok(PublicKey::from_spki(PrivateKey::from_pkcs8(&private)?.spki())?)
}

/// The key in a line of `authorized_keys` or of a `.pub` file; none when it is no such line.
fn openssh_line(file: &[u8]) -> Result<Option<Vec<u8>>> {
    let text = std::str::from_utf8(file).unwrap_or_default().trim();
    if !text.starts_with("ssh-") && !text.starts_with("ecdsa-") && !text.starts_with("sk-") {
        return Ok(None);
    }
    let malformed = || Error::Malformed("an OpenSSH public key");
    let line = text.lines().next().unwrap_or_default();
    if !line.starts_with("ssh-rsa ") {
        let name = line.split(' ').next().unwrap_or_default();
        return Err(Error::NotRsa(format!("a key of type {}", name.escape_default())));
    }
    let key = ssh_key::PublicKey::from_openssh(line).map_err(|_| malformed())?;
    let rsa = key.key_data().rsa().ok_or_else(malformed)?;
    let number = |mpint: &ssh_key::Mpint| mpint.as_positive_bytes().map(<[u8]>::to_vec);
    let (n, e) = (number(rsa.n()).ok_or_else(malformed)?, number(rsa.e()).ok_or_else(malformed)?);
    let uint = |bytes| UintRef::new(bytes).map_err(|_| malformed());
    let pkcs1 = RsaPublicKeyRef { modulus: uint(&n)?, public_exponent: uint(&e)? };
    from_pkcs1(&pkcs1.to_der().map_err(|_| malformed())?).map(Some)
}

/// Wraps a PKCS#1 `RSAPublicKey`.
fn from_pkcs1(der: &[u8]) -> Result<Vec<u8>> {
    let malformed = |_| Error::Malformed("PKCS#1");
    pkcs8_file::check_size(RsaPublicKeyRef::from_der(der).map_err(malformed)?.modulus)?;
    let subject_public_key = BitStringRef::from_bytes(der).map_err(malformed)?;
    let info = SubjectPublicKeyInfoRef { algorithm: ALGORITHM_ID, subject_public_key };
    info.to_der().map_err(malformed)
}
