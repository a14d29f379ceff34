//! From passphrase and salt to a key: scrypt (RFC 7914).

use super::{Error, Key, Result, SecretBytes};

/// scrypt costs, bounded: a hostile keystore can neither weaken the derivation nor exhaust memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    /// Base-2 logarithm of N; memory is `128 * r * 2^log_n` bytes.
    pub log_n: u8,
    /// Block size; always 8 in keystores of this version.
    pub r: u32,
    /// Parallelism; always 1 in keystores of this version.
    pub p: u32,
}

impl Params {
    /// The smallest cost accepted: 16 MiB.
    pub const MIN_LOG_N: u8 = 14;
    /// The largest cost accepted: 2 GiB.
    pub const MAX_LOG_N: u8 = 21;

    /// The given N with r = 8 and p = 1.
    ///
    /// # Errors
    /// [`Error::KdfCost`] when out of bounds.
    pub fn with_log_n(log_n: u8) -> Result<Self> {
        Self { log_n, r: 8, p: 1 }.checked()
    }

    /// Returns the parameters when they are within bounds.
    ///
    /// # Errors
    /// [`Error::KdfCost`] otherwise; nothing was computed.
    pub fn checked(self) -> Result<Self> {
        let Self { log_n, r, p } = self;
        if (Self::MIN_LOG_N..=Self::MAX_LOG_N).contains(&log_n) && r == 8 && p == 1 {
            Ok(self)
        } else {
            Err(Error::KdfCost { log_n, r, p })
        }
    }
}

impl Default for Params {
    /// N = 2^17, r = 8, p = 1: 128 MiB, some 0.3 s.
    fn default() -> Self {
        Self { log_n: 17, r: 8, p: 1 }
    }
}

/// Derives a key from the passphrase and the salt, both secret and together one secret.
///
/// `key = scrypt(P = LE64(len(passphrase)) || passphrase || salt, S = slot_salt, N, r, p, 32)`;
/// the length makes the split between the two unambiguous.
///
/// # Errors
/// [`Error::KdfCost`] when the costs are out of bounds.
pub fn derive(passphrase: &[u8], salt: &[u8], slot_salt: &[u8; 32], params: Params) -> Result<Key> {
    let Params { log_n, r, p } = params.checked()?;
    let costs = scrypt::Params::new(log_n, r, p).map_err(|_| Error::KdfCost { log_n, r, p })?;
    let mut input = SecretBytes::new(Vec::with_capacity(8 + passphrase.len() + salt.len()));
    input.expose_mut().extend_from_slice(&(passphrase.len() as u64).to_le_bytes());
    input.expose_mut().extend_from_slice(passphrase);
    input.expose_mut().extend_from_slice(salt);
    let mut key = Key::zero();
    scrypt::scrypt(input.expose(), slot_salt, &costs, key.expose_mut())
        .map_err(|_| Error::KdfCost { log_n, r, p })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_split_between_passphrase_and_salt_matters() {
        let params = Params::with_log_n(Params::MIN_LOG_N).unwrap();
        let one = derive(b"ab", b"c", &[0; 32], params).unwrap();
        let two = derive(b"a", b"bc", &[0; 32], params).unwrap();
        assert!(!one.same_as(&two));
    }

    #[test]
    fn costs_out_of_bounds_are_refused_before_any_work() {
        for (log_n, r, p) in [(13, 8, 1), (22, 8, 1), (63, 8, 1), (17, 1 << 30, 1), (17, 8, 2)] {
            let refused = derive(b"p", b"s", &[0; 32], Params { log_n, r, p });
            assert!(matches!(refused, Err(Error::KdfCost { .. })));
        }
    }
}
