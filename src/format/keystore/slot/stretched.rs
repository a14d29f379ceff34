//! Slots whose secret scrypt stretches: passphrase and salt, recovery code, unattended.
//!
//! | bytes | field |
//! | --- | --- |
//! | 2, 2, 16 | type 1, 3 or 4; 152; slot id |
//! | 1, 3 | log2 N of scrypt; zero |
//! | 4, 4 | r and p of scrypt |
//! | 32 | scrypt salt |

use super::super::{Error, Reader, Result};
use super::wrapped::{self, Place, Wrapped};
use super::{SlotId, SlotKind};
use crate::crypto::{self, Key, kdf, random};

/// Bytes after the length field.
pub(super) const LEN: usize = wrapped::ID_LEN + 12 + 32 + wrapped::LEN;

/// A slot that opens by a secret of two parts, the second of which only a passphrase has. All of the
/// slot is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StretchedSlot {
    /// Whose secret it takes: any but [`SlotKind::Rsa`].
    pub kind: SlotKind,
    /// Random identity.
    pub id: SlotId,
    /// scrypt's costs, within bounds.
    pub params: kdf::Params,
    /// scrypt's salt.
    pub salt: [u8; 32],
    wrapped: Wrapped,
}

/// The random parts of a new slot.
pub(in super::super) struct Randomness {
    pub id: [u8; 16],
    pub salt: [u8; 32],
    pub nonce: [u8; 12],
}

impl StretchedSlot {
    /// Makes a slot of keystore `keystore` that opens by `secret`: passphrase and salt, or the secret
    /// and nothing.
    ///
    /// # Errors
    /// [`crypto::Error::KdfCost`] for costs out of bounds; [`crypto::Error::Random`].
    pub fn seal(
        kind: SlotKind,
        keystore: &[u8; 16],
        master: &Key,
        secret: (&[u8], &[u8]),
        params: kdf::Params,
    ) -> crypto::Result<Self> {
        let fresh = Randomness { id: random()?, salt: random()?, nonce: random()? };
        Self::seal_with(fresh, kind, keystore, master, secret, params)
    }

    pub(in super::super) fn seal_with(
        Randomness { id, salt, nonce }: Randomness,
        kind: SlotKind,
        keystore: &[u8; 16],
        master: &Key,
        secret: (&[u8], &[u8]),
        params: kdf::Params,
    ) -> crypto::Result<Self> {
        let stretched = kdf::derive(secret.0, secret.1, &salt, params)?;
        let (slot, head) = (SlotId(id), head(kind, SlotId(id), params, &salt));
        let place = Place { keystore, slot, head: &head };
        let wrapped = Wrapped::seal(place, nonce, &stretched, master)?;
        Ok(Self { kind, id: slot, params, salt, wrapped })
    }

    /// Unwraps the master key. Costs the slot's scrypt parameters in time and memory.
    ///
    /// # Errors
    /// [`crypto::Error::Commitment`] when the secret is not this slot's;
    /// [`crypto::Error::Authentication`] when it is, but the slot was changed or is another
    /// keystore's.
    pub fn open(&self, keystore: &[u8; 16], secret: (&[u8], &[u8])) -> crypto::Result<Key> {
        let stretched = kdf::derive(secret.0, secret.1, &self.salt, self.params)?;
        let head = self.head();
        self.wrapped.open(Place { keystore, slot: self.id, head: &head }, &stretched)
    }

    fn head(&self) -> Vec<u8> {
        head(self.kind, self.id, self.params, &self.salt)
    }

    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.head());
        self.wrapped.encode(bytes);
    }

    pub(super) fn decode(kind: SlotKind, fields: &mut Reader<'_>, number: usize) -> Result<Self> {
        let id = SlotId(fields.take()?);
        let [log_n, padding @ ..] = fields.take::<4>()?;
        if padding != [0; 3] {
            return Err(Error::SlotPadding(number));
        }
        let (r, p) = (u32::from_le_bytes(fields.take()?), u32::from_le_bytes(fields.take()?));
        let params = kdf::Params { log_n, r, p }
            .checked()
            .map_err(|source| Error::Slot { slot: number, source })?;
        let salt = fields.take()?;
        Ok(Self { kind, id, params, salt, wrapped: Wrapped::decode(fields)? })
    }
}

fn head(kind: SlotKind, id: SlotId, params: kdf::Params, salt: &[u8; 32]) -> Vec<u8> {
    let mut bytes = (kind as u16).to_le_bytes().to_vec();
    bytes.extend_from_slice(&(LEN as u16).to_le_bytes());
    bytes.extend_from_slice(&id.0);
    bytes.extend_from_slice(&[params.log_n, 0, 0, 0]);
    bytes.extend_from_slice(&params.r.to_le_bytes());
    bytes.extend_from_slice(&params.p.to_le_bytes());
    bytes.extend_from_slice(salt);
    bytes
}
