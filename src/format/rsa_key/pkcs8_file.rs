//! PKCS#8, with and without a password, and making it from PKCS#1.

use super::{Error, Result};
use crate::crypto::rsa::BITS;
use crate::crypto::{self, SecretBytes};
use pkcs1::{ALGORITHM_ID, ALGORITHM_OID, UintRef};
use pkcs8::der::{Decode, Encode};
use pkcs8::pkcs5::{EncryptionScheme, pbes2::Kdf};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};

/// Most rounds of PBKDF2: OpenSSL writes 2,048, careful people a million.
const MAX_ROUNDS: u32 = 10_000_000;
/// Most memory of scrypt, in bytes.
const MAX_MEMORY: u64 = 1 << 30;

/// An RSA key's PKCS#8, as it is.
pub(super) fn plain(der: SecretBytes) -> Result<SecretBytes> {
    let info = PrivateKeyInfoRef::from_der(der.expose()).map_err(|_| Error::Malformed("PKCS#8"))?;
    if info.algorithm.oid != ALGORITHM_OID {
        return Err(Error::NotRsa(format!("a key of algorithm {}", info.algorithm.oid)));
    }
    let key = pkcs1::RsaPrivateKeyRef::from_der(info.private_key.as_bytes());
    check_size(key.map_err(|_| Error::Malformed("an RSA key"))?.modulus)?;
    Ok(der)
}

/// Refuses a modulus of a size that is not used here: the library below would not say why.
pub(super) fn check_size(modulus: UintRef<'_>) -> Result<()> {
    let bytes = modulus.as_bytes();
    let leading = bytes.first().map_or(0, |first| first.leading_zeros() as usize);
    let bits = (bytes.len() * 8).saturating_sub(leading);
    if BITS.contains(&bits) { Ok(()) } else { Err(crypto::Error::RsaBits(bits).into()) }
}

/// Opens PBES2.
pub(super) fn decrypt(der: &SecretBytes, password: &SecretBytes) -> Result<SecretBytes> {
    let info = EncryptedPrivateKeyInfoRef::from_der(der.expose())
        .map_err(|_| Error::Malformed("encrypted PKCS#8"))?;
    check_cost(&info.encryption_algorithm)?;
    // In place, in memory of ours: the crate's own way leaves a copy behind.
    let mut opened = SecretBytes::new(info.encrypted_data.as_bytes().to_vec());
    let scheme = &info.encryption_algorithm;
    let decrypted = scheme.decrypt_in_place(password.expose(), opened.expose_mut());
    let length = decrypted.map(<[u8]>::len).map_err(|error| match error {
        pkcs8::pkcs5::Error::UnsupportedAlgorithm { oid } => Error::Protection(oid.to_string()),
        _ => Error::WrongPassword,
    })?;
    opened.expose_mut().truncate(length);
    plain(opened)
}

fn check_cost(scheme: &EncryptionScheme) -> Result<()> {
    let parameters = scheme.pbes2().ok_or_else(|| Error::Protection("PBES1".into()))?;
    let within = match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => kdf.iteration_count <= MAX_ROUNDS,
        Kdf::Scrypt(kdf) => {
            let (n, r) = (kdf.cost_parameter, u64::from(kdf.block_size));
            n.checked_mul(128 * r).is_some_and(|memory| memory <= MAX_MEMORY)
                && kdf.parallelization <= 4
        }
        _ => return Err(Error::Protection("an unknown derivation".into())),
    };
    if within { Ok(()) } else { Err(Error::Cost) }
}

/// Wraps PKCS#1 as PKCS#8.
pub(super) fn from_pkcs1(der: &SecretBytes) -> Result<SecretBytes> {
    let malformed = |_| Error::Malformed("PKCS#1");
    // Read, so that what is not a key is told from a key that is not sound.
    check_size(pkcs1::RsaPrivateKeyRef::from_der(der.expose()).map_err(malformed)?.modulus)?;
    let key = pkcs8::der::asn1::OctetStringRef::new(der.expose()).map_err(malformed)?;
    let info = PrivateKeyInfoRef::new(ALGORITHM_ID, key);
    let length = info.encoded_len().map_err(malformed)?;
    let length = usize::try_from(length).map_err(|_| Error::Malformed("PKCS#1"))?;
    let mut out = SecretBytes::new(vec![0; length]);
    info.encode_to_slice(out.expose_mut()).map_err(malformed)?;
    Ok(out)
}
