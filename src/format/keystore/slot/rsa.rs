//! Slots that open for the holder of an RSA private key.
//!
//! | bytes | field |
//! | --- | --- |
//! | 2, 2, 16 | type 2; length; slot id |
//! | 2, n | length of the public key; SubjectPublicKeyInfo, in DER |
//! | 2, m | length of the ciphertext; the slot secret under RSA-OAEP-SHA256 |
//!
//! The slot secret is random. The public key stands there so that a new master key can be wrapped
//! without the private one.

use super::super::{Error, Reader, Result};
use super::SlotId;
use super::wrapped::{self, Place, Wrapped};
use crate::crypto::rsa::{PrivateKey, PublicKey};
use crate::crypto::{self, Key, random};
use std::ops::RangeInclusive;

/// Most bytes of a public key, and of a ciphertext: a 4096-bit key needs 550 and 512.
const MAX_PART: usize = 1024;
const FIXED: usize = wrapped::ID_LEN + 2 + 2 + wrapped::LEN;
/// Bytes after the length field.
pub(super) const LENGTHS: RangeInclusive<usize> = FIXED + 2..=FIXED + 2 * MAX_PART;

/// A slot for an RSA key. All of it is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaSlot {
    /// Random identity.
    pub id: SlotId,
    spki: Vec<u8>,
    ciphertext: Vec<u8>,
    wrapped: Wrapped,
}

impl RsaSlot {
    /// Makes a slot of keystore `keystore` that opens for the holder of `public`'s private key.
    ///
    /// # Errors
    /// [`crypto::Error::Random`] when the kernel gives no random bytes.
    pub fn seal(keystore: &[u8; 16], master: &Key, public: &PublicKey) -> crypto::Result<Self> {
        let (id, secret) = (SlotId(random()?), Key::random()?);
        let ciphertext = public.encrypt(&secret, &label(keystore, id))?;
        let head = head(id, public.spki(), &ciphertext);
        let place = Place { keystore, slot: id, head: &head };
        let wrapped = Wrapped::seal(place, random()?, &secret, master)?;
        Ok(Self { id, spki: public.spki().to_vec(), ciphertext, wrapped })
    }

    /// The slot secret, which opens the slot: all that the private key is needed for.
    ///
    /// # Errors
    /// [`crypto::Error::Authentication`] for another private key, or a changed slot.
    pub fn slot_secret(&self, keystore: &[u8; 16], private: &PrivateKey) -> crypto::Result<Key> {
        private.decrypt(&self.ciphertext, &label(keystore, self.id))
    }

    /// Unwraps the master key.
    ///
    /// # Errors
    /// As [`StretchedSlot::open`](super::StretchedSlot::open).
    pub fn open(&self, keystore: &[u8; 16], slot_secret: &Key) -> crypto::Result<Key> {
        let head = head(self.id, &self.spki, &self.ciphertext);
        self.wrapped.open(Place { keystore, slot: self.id, head: &head }, slot_secret)
    }

    /// The public key: SubjectPublicKeyInfo, in DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&head(self.id, &self.spki, &self.ciphertext));
        self.wrapped.encode(bytes);
    }

    pub(super) fn decode(fields: &mut Reader<'_>, number: usize) -> Result<Self> {
        let length = fields.0.len();
        let wrong = Error::SlotLength { slot: number, length };
        let id = SlotId(fields.take()?);
        let spki = part(fields, wrong)?;
        let ciphertext = part(fields, wrong)?;
        let decoded = Self { id, spki, ciphertext, wrapped: Wrapped::decode(fields)? };
        if fields.0.is_empty() { Ok(decoded) } else { Err(wrong) }
    }
}

/// A part that its length precedes: neither empty nor larger than any key's.
fn part(fields: &mut Reader<'_>, wrong: Error) -> Result<Vec<u8>> {
    let length = usize::from(u16::from_le_bytes(fields.take()?));
    if !(1..=MAX_PART).contains(&length) {
        return Err(wrong);
    }
    Ok(fields.take_slice(length)?.to_vec())
}

fn head(id: SlotId, spki: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let length = FIXED + spki.len() + ciphertext.len();
    let mut bytes = (super::SlotKind::Rsa as u16).to_le_bytes().to_vec();
    bytes.extend_from_slice(&(length as u16).to_le_bytes());
    bytes.extend_from_slice(&id.0);
    for part in [spki, ciphertext] {
        bytes.extend_from_slice(&(part.len() as u16).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// What the ciphertext is bound to: this slot of this keystore.
fn label(keystore: &[u8; 16], id: SlotId) -> Vec<u8> {
    [b"ezncrypt v1 keyslot".as_slice(), keystore, &id.0].concat()
}
