//! What all slots end with: the master key, wrapped under a key that the slot secret gives.

use super::super::{Reader, Result, VERSION};
use crate::crypto::wrap::{WRAPPED_LEN, unwrap, wrap};
use crate::crypto::{self, Key, derive};

/// Bytes of a slot's identity.
pub(super) const ID_LEN: usize = 16;
/// Bytes of commitment, nonce and wrapped key.
pub(super) const LEN: usize = 32 + 12 + WRAPPED_LEN;

/// The random identity of a keyslot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotId(pub [u8; ID_LEN]);

/// Commitment, nonce and wrapped master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrapped {
    commitment: [u8; 32],
    nonce: [u8; 12],
    wrapped: [u8; WRAPPED_LEN],
}

impl Wrapped {
    /// Wraps `master` under what `secret` gives. `head` is all of the slot before the commitment.
    pub fn seal(
        place: Place<'_>,
        nonce: [u8; 12],
        secret: &Key,
        master: &Key,
    ) -> crypto::Result<Self> {
        let derived = derive::keyslot(secret, &place.slot.0)?;
        let aad = place.associated_data(&derived.commitment);
        let wrapped = wrap(&derived.key, &nonce, &aad, master)?;
        Ok(Self { commitment: derived.commitment, nonce, wrapped })
    }

    /// The master key.
    pub fn open(&self, place: Place<'_>, secret: &Key) -> crypto::Result<Key> {
        let derived = derive::keyslot(secret, &place.slot.0)?;
        derived.check(&self.commitment)?;
        let aad = place.associated_data(&self.commitment);
        unwrap(&derived.key, &self.nonce, &aad, &self.wrapped)
    }

    pub fn decode(fields: &mut Reader<'_>) -> Result<Self> {
        let (commitment, nonce) = (fields.take()?, fields.take()?);
        Ok(Self { commitment, nonce, wrapped: fields.take()? })
    }

    pub fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.commitment);
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.wrapped);
    }
}

/// Where a wrapped key stands: what its tag binds it to.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The keystore's id.
    pub keystore: &'a [u8; 16],
    /// The slot's id.
    pub slot: SlotId,
    /// The slot's bytes before the commitment.
    pub head: &'a [u8],
}

impl Place<'_> {
    fn associated_data(self, commitment: &[u8; 32]) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        bytes.extend_from_slice(self.keystore);
        bytes.extend_from_slice(self.head);
        bytes.extend_from_slice(commitment);
        bytes
    }
}
