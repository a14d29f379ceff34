//! PKCS#1 from the numbers that OpenSSH keeps of a private key.

use super::{Error, Result};
use crate::crypto::SecretBytes;
use crypto_bigint::{BoxedUint, NonZero};
use pkcs1::UintRef;
use pkcs8::der::Encode;
use zeroize::Zeroizing;

/// The numbers, big endian without a sign.
pub(super) struct Components<'a> {
    pub n: &'a [u8],
    pub e: &'a [u8],
    pub d: &'a [u8],
    pub p: &'a [u8],
    pub q: &'a [u8],
    pub inverse_of_q: &'a [u8],
}

impl Components<'_> {
    /// The DER of an `RSAPrivateKey`.
    pub fn pkcs1(&self) -> Result<SecretBytes> {
        let (dp, dq) = (exponent(self.d, self.p)?, exponent(self.d, self.q)?);
        let key = pkcs1::RsaPrivateKeyRef {
            modulus: uint(self.n)?,
            public_exponent: uint(self.e)?,
            private_exponent: uint(self.d)?,
            prime1: uint(self.p)?,
            prime2: uint(self.q)?,
            exponent1: uint(&dp)?,
            exponent2: uint(&dq)?,
            coefficient: uint(self.inverse_of_q)?,
            other_prime_infos: None,
        };
        let length = key.encoded_len().map_err(|_| MALFORMED)?;
        let mut out = SecretBytes::new(vec![0; usize::try_from(length).map_err(|_| MALFORMED)?]);
        key.encode_to_slice(out.expose_mut()).map_err(|_| MALFORMED)?;
        Ok(out)
    }
}

const MALFORMED: Error = Error::Malformed("an RSA key");

fn uint(bytes: &[u8]) -> Result<UintRef<'_>> {
    UintRef::new(bytes).map_err(|_| MALFORMED)
}

/// `d mod (prime - 1)`.
fn exponent(d: &[u8], prime: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let bits = u32::try_from(d.len().max(prime.len()) * 8).map_err(|_| MALFORMED)?;
    let read = |bytes: &[u8]| {
        BoxedUint::from_be_slice(bytes, bits.next_multiple_of(64))
            .map(Zeroizing::new)
            .map_err(|_| MALFORMED)
    };
    let (d, prime) = (read(d)?, read(prime)?);
    let one = BoxedUint::one_with_precision(prime.bits_precision());
    let less = NonZero::new(prime.wrapping_sub(&one)).into_option().ok_or(MALFORMED)?;
    let rest = Zeroizing::new(d.rem(&less));
    Ok(Zeroizing::new(rest.to_be_bytes().into_vec()))
}
