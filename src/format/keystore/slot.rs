//! Keyslots: each wraps the same master key, for a secret of its own.
//!
//! | bytes | field |
//! | --- | --- |
//! | 2 | type: 1, passphrase and salt |
//! | 2 | bytes that follow: 16 to 16384, 152 for type 1 |
//! | 16 | slot id |
//! | 1, 3 | log2 N of scrypt; zero |
//! | 4, 4 | r and p of scrypt |
//! | 32 | scrypt salt |
//! | 32 | commitment to the wrapping key |
//! | 12 | wrap nonce |
//! | 48 | wrapped master key |
//!
//! Slots of other types are kept byte for byte and open nothing.

use super::{Error, Reader, Result, VERSION};
use crate::crypto::wrap::{WRAPPED_LEN, unwrap, wrap};
use crate::crypto::{self, Key, derive, kdf, random};

/// Most bytes of a slot after its length field.
pub const MAX_LEN: usize = 16384;

const PASSPHRASE: u16 = 1;
const ID_LEN: usize = 16;
const PASSPHRASE_LEN: usize = 152;

/// One way to open the keystore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// By passphrase and salt.
    Passphrase(PassphraseSlot),
    /// Of a type that this release does not know.
    Unknown {
        /// The type's number.
        kind: u16,
        /// The slot's random identity.
        id: [u8; ID_LEN],
        /// Everything after the identity.
        payload: Vec<u8>,
    },
}

impl Slot {
    /// The slot's random identity.
    pub fn id(&self) -> &[u8; ID_LEN] {
        match self {
            Self::Passphrase(slot) => &slot.id,
            Self::Unknown { id, .. } => id,
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>, number: usize) -> Result<Self> {
        let kind = u16::from_le_bytes(reader.take()?);
        let length = usize::from(u16::from_le_bytes(reader.take()?));
        let fits = match kind {
            PASSPHRASE => length == PASSPHRASE_LEN,
            _ => (ID_LEN..=MAX_LEN).contains(&length),
        };
        if !fits {
            return Err(Error::SlotLength { slot: number, length });
        }
        let mut fields = Reader(reader.take_slice(length)?);
        match kind {
            PASSPHRASE => PassphraseSlot::decode(&mut fields, number).map(Self::Passphrase),
            _ => Ok(Self::Unknown { kind, id: fields.take()?, payload: fields.0.to_vec() }),
        }
    }

    pub(super) fn encode(&self, number: usize, bytes: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Passphrase(slot) => {
                bytes.extend_from_slice(&slot.public());
                bytes.extend_from_slice(&slot.nonce);
                bytes.extend_from_slice(&slot.wrapped);
            }
            Self::Unknown { kind, id, payload } => {
                let length = ID_LEN.saturating_add(payload.len());
                if length > MAX_LEN || *kind == PASSPHRASE {
                    return Err(Error::SlotLength { slot: number, length });
                }
                bytes.extend_from_slice(&kind.to_le_bytes());
                bytes.extend_from_slice(&(length as u16).to_le_bytes());
                bytes.extend_from_slice(id);
                bytes.extend_from_slice(payload);
            }
        }
        Ok(())
    }
}

/// A slot that opens by passphrase and salt. All of it is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassphraseSlot {
    /// Random identity.
    pub id: [u8; ID_LEN],
    /// scrypt's costs, within bounds.
    pub params: kdf::Params,
    /// scrypt's salt.
    pub salt: [u8; 32],
    commitment: [u8; 32],
    nonce: [u8; 12],
    wrapped: [u8; WRAPPED_LEN],
}

/// The random parts of a new slot.
pub(super) struct Randomness {
    pub(super) id: [u8; ID_LEN],
    pub(super) salt: [u8; 32],
    pub(super) nonce: [u8; 12],
}

impl PassphraseSlot {
    /// Makes a slot of keystore `keystore` that opens by `passphrase` and `salt`.
    ///
    /// # Errors
    /// [`crypto::Error::KdfCost`] for costs out of bounds; [`crypto::Error::Random`].
    pub fn seal(
        keystore: &[u8; 16],
        master: &Key,
        (passphrase, salt): (&[u8], &[u8]),
        params: kdf::Params,
    ) -> crypto::Result<Self> {
        let fresh = Randomness { id: random()?, salt: random()?, nonce: random()? };
        Self::seal_with(fresh, keystore, master, (passphrase, salt), params)
    }

    pub(super) fn seal_with(
        Randomness { id, salt, nonce }: Randomness,
        keystore: &[u8; 16],
        master: &Key,
        secret: (&[u8], &[u8]),
        params: kdf::Params,
    ) -> crypto::Result<Self> {
        let derived = derive::keyslot(&kdf::derive(secret.0, secret.1, &salt, params)?, &id)?;
        let commitment = derived.commitment;
        let mut slot = Self { id, params, salt, commitment, nonce, wrapped: [0; WRAPPED_LEN] };
        slot.wrapped = wrap(&derived.key, &nonce, &slot.associated_data(keystore), master)?;
        Ok(slot)
    }

    /// Unwraps the master key. Costs the slot's scrypt parameters in time and memory.
    ///
    /// # Errors
    /// [`crypto::Error::Commitment`] when the secret is not this slot's;
    /// [`crypto::Error::Authentication`] when it is, but the slot was changed or is another
    /// keystore's.
    pub fn open(&self, keystore: &[u8; 16], passphrase: &[u8], salt: &[u8]) -> crypto::Result<Key> {
        let stretched = kdf::derive(passphrase, salt, &self.salt, self.params)?;
        let derived = derive::keyslot(&stretched, &self.id)?;
        derived.check(&self.commitment)?;
        unwrap(&derived.key, &self.nonce, &self.associated_data(keystore), &self.wrapped)
    }

    /// The slot up to and including the commitment.
    fn public(&self) -> Vec<u8> {
        let mut bytes = PASSPHRASE.to_le_bytes().to_vec();
        bytes.extend_from_slice(&(PASSPHRASE_LEN as u16).to_le_bytes());
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(&[self.params.log_n, 0, 0, 0]);
        bytes.extend_from_slice(&self.params.r.to_le_bytes());
        bytes.extend_from_slice(&self.params.p.to_le_bytes());
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(&self.commitment);
        bytes
    }

    fn associated_data(&self, keystore: &[u8; 16]) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        bytes.extend_from_slice(keystore);
        bytes.extend_from_slice(&self.public());
        bytes
    }

    fn decode(fields: &mut Reader<'_>, number: usize) -> Result<Self> {
        let id = fields.take()?;
        let [log_n, padding @ ..] = fields.take::<4>()?;
        if padding != [0; 3] {
            return Err(Error::SlotPadding(number));
        }
        let (r, p) = (u32::from_le_bytes(fields.take()?), u32::from_le_bytes(fields.take()?));
        let params = kdf::Params { log_n, r, p }
            .checked()
            .map_err(|source| Error::Slot { slot: number, source })?;
        let (salt, commitment) = (fields.take()?, fields.take()?);
        Ok(Self { id, params, salt, commitment, nonce: fields.take()?, wrapped: fields.take()? })
    }
}
