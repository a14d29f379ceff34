//! RSA-OAEP with SHA-256, and MGF1 with SHA-256 (RFC 8017, section 7.1), by aws-lc-rs.
//!
//! It carries one 32-byte secret to whoever holds the private key. Key files in all their forms are
//! not known here: a public key comes as SubjectPublicKeyInfo (RFC 5280), a private one as PKCS#8
//! (RFC 5958), both in DER.

use super::{Error, Key, Result, SecretBytes};
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use std::ops::RangeInclusive;
use zeroize::Zeroize;

/// Sizes accepted, in bits.
pub const BITS: RangeInclusive<usize> = 2048..=4096;

/// A public key that secrets are wrapped to.
pub struct PublicKey {
    key: OaepPublicEncryptingKey,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`Error::RsaKey`] for anything but an RSA key; [`Error::RsaBits`].
    pub fn from_spki(der: &[u8]) -> Result<Self> {
        let key = PublicEncryptingKey::from_der(der).map_err(|_| Error::RsaKey)?;
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| Error::RsaKey)?;
        checked_bits(key.key_size_bits())?;
        Ok(Self { key, spki: der.to_vec() })
    }

    /// The SubjectPublicKeyInfo, in DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Size of the modulus, in bits.
    pub fn bits(&self) -> usize {
        self.key.key_size_bits()
    }

    /// Encrypts `secret`, binding it to `label`.
    ///
    /// # Errors
    /// [`Error::Seal`] if the library refuses; never for a key that was read.
    pub fn encrypt(&self, secret: &Key, label: &[u8]) -> Result<Vec<u8>> {
        let mut ciphertext = vec![0; self.key.ciphertext_size()];
        let secret = secret.expose().as_slice();
        let algorithm = &OAEP_SHA256_MGF1SHA256;
        let sealed = self.key.encrypt(algorithm, secret, &mut ciphertext, Some(label));
        let length = sealed.map_err(|_| Error::Seal)?.len();
        ciphertext.truncate(length);
        Ok(ciphertext)
    }
}

/// A private key. The library wipes its parts when it is dropped.
pub struct PrivateKey {
    key: OaepPrivateDecryptingKey,
    spki: Vec<u8>,
}

impl PrivateKey {
    /// Reads a PKCS#8 `PrivateKeyInfo`.
    ///
    /// # Errors
    /// [`Error::RsaKey`] for anything but a consistent RSA key; [`Error::RsaBits`].
    pub fn from_pkcs8(der: &SecretBytes) -> Result<Self> {
        use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
        let key = PrivateDecryptingKey::from_pkcs8(der.expose()).map_err(|_| Error::RsaKey)?;
        let public = key.public_key();
        let spki: PublicKeyX509Der<'_> = public.as_der().map_err(|_| Error::RsaKey)?;
        let spki = spki.as_ref().to_vec();
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| Error::RsaKey)?;
        checked_bits(key.key_size_bits())?;
        Ok(Self { key, spki })
    }

    /// The public half's SubjectPublicKeyInfo, in DER, as [`PublicKey::spki`] has it when it was
    /// written by the same rules (DER leaves no choice).
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Decrypts what [`PublicKey::encrypt`] made for this key with the same `label`.
    ///
    /// # Errors
    /// [`Error::Authentication`] for another key, label or ciphertext.
    pub fn decrypt(&self, ciphertext: &[u8], label: &[u8]) -> Result<Key> {
        let mut plain = SecretBytes::new(vec![0; self.key.min_output_size()]);
        let algorithm = &OAEP_SHA256_MGF1SHA256;
        let opened = self.key.decrypt(algorithm, ciphertext, plain.expose_mut(), Some(label));
        let opened = opened.map_err(|_| Error::Authentication)?;
        let mut bytes = <[u8; 32]>::try_from(&*opened).map_err(|_| Error::Authentication)?;
        let key = Key::take(&mut bytes);
        bytes.zeroize();
        Ok(key)
    }
}

fn checked_bits(bits: usize) -> Result<()> {
    if BITS.contains(&bits) { Ok(()) } else { Err(Error::RsaBits(bits)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;

    fn generated() -> PrivateKey {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        PrivateKey::from_pkcs8(&SecretBytes::new(der.as_ref().to_vec())).unwrap()
    }

    #[test]
    fn a_secret_reaches_the_holder_of_the_private_key_and_nobody_else() {
        let (ours, other) = (generated(), generated());
        let public = PublicKey::from_spki(ours.spki()).unwrap();
        assert_eq!((public.bits(), public.spki()), (2048, ours.spki()));
        let secret = Key::random().unwrap();
        let ciphertext = public.encrypt(&secret, b"label").unwrap();
        assert!(ours.decrypt(&ciphertext, b"label").unwrap().same_as(&secret));
        assert!(ours.decrypt(&ciphertext, b"Label").is_err());
        assert!(other.decrypt(&ciphertext, b"label").is_err());
        let mut changed = ciphertext.clone();
        changed[7] ^= 1;
        assert!(ours.decrypt(&changed, b"label").is_err());
        assert!(ours.decrypt(&ciphertext[1..], b"label").is_err());
    }

    #[test]
    fn what_is_no_rsa_key_is_refused() {
        assert_eq!(PublicKey::from_spki(b"").err(), Some(Error::RsaKey));
        let der = SecretBytes::new(b"not a key".to_vec());
        assert_eq!(PrivateKey::from_pkcs8(&der).err(), Some(Error::RsaKey));
    }
}
