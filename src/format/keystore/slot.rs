//! Keyslots: each wraps the same master key, for a secret of its own.
//!
//! | bytes | field |
//! | --- | --- |
//! | 2 | type: see [`SlotKind`] |
//! | 2 | bytes that follow: 16 to 16384 |
//! | 16 | slot id |
//! | | by type (modules `stretched`, `rsa`) |
//! | 32 | commitment to the wrapping key |
//! | 12 | wrap nonce |
//! | 48 | wrapped master key |
//!
//! Whatever the type, there is a 32-byte *slot secret*, from which the wrapping key is derived. Slots of
//! other types are kept byte for byte and open nothing.

mod rsa;
mod stretched;
mod wrapped;

use super::{Error, Reader, Result};
pub use rsa::RsaSlot;
pub use stretched::StretchedSlot;
pub use wrapped::SlotId;

/// Most bytes of a slot after its length field.
pub const MAX_LEN: usize = 16384;

/// The types of slots that this release knows; the number is the one in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum SlotKind {
    /// Passphrase and salt, together one secret.
    Passphrase = 1,
    /// The holder of an RSA private key.
    Rsa = 2,
    /// A recovery code, kept in a safe.
    Recovery = 3,
    /// The service itself, when nobody is there. Gives no right to change rules or to decrypt.
    Unattended = 4,
}

impl SlotKind {
    /// Whether its secret gives every right; all such slots are equal.
    pub fn is_administrator(self) -> bool {
        self != Self::Unattended
    }

    /// The word for it, in lists and commands.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::Rsa => "rsa",
            Self::Recovery => "recovery",
            Self::Unattended => "unattended",
        }
    }

    fn from_number(number: u16) -> Option<Self> {
        [Self::Passphrase, Self::Rsa, Self::Recovery, Self::Unattended]
            .into_iter()
            .find(|kind| *kind as u16 == number)
    }
}

/// One way to open the keystore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// By a secret that scrypt stretches: passphrase and salt, recovery code, unattended.
    Stretched(StretchedSlot),
    /// By an RSA private key.
    Rsa(RsaSlot),
    /// Of a type that this release does not know.
    Unknown {
        /// The type's number.
        kind: u16,
        /// The slot's random identity.
        id: SlotId,
        /// Everything after the identity.
        payload: Vec<u8>,
    },
}

impl Slot {
    /// The slot's random identity.
    pub fn id(&self) -> SlotId {
        match self {
            Self::Stretched(slot) => slot.id,
            Self::Rsa(slot) => slot.id,
            Self::Unknown { id, .. } => *id,
        }
    }

    /// Its type, when this release knows it.
    pub fn kind(&self) -> Option<SlotKind> {
        match self {
            Self::Stretched(slot) => Some(slot.kind),
            Self::Rsa(_) => Some(SlotKind::Rsa),
            Self::Unknown { .. } => None,
        }
    }

    /// Whether it opens the keystore for whoever may do everything.
    pub fn is_administrator(&self) -> bool {
        self.kind().is_some_and(SlotKind::is_administrator)
    }

    pub(super) fn decode(reader: &mut Reader<'_>, number: usize) -> Result<Self> {
        let type_number = u16::from_le_bytes(reader.take()?);
        let length = usize::from(u16::from_le_bytes(reader.take()?));
        let kind = SlotKind::from_number(type_number);
        let fits = match kind {
            None => (wrapped::ID_LEN..=MAX_LEN).contains(&length),
            Some(SlotKind::Rsa) => rsa::LENGTHS.contains(&length),
            Some(_) => length == stretched::LEN,
        };
        if !fits {
            return Err(Error::SlotLength { slot: number, length });
        }
        let mut fields = Reader(reader.take_slice(length)?);
        match kind {
            Some(SlotKind::Rsa) => RsaSlot::decode(&mut fields, number).map(Self::Rsa),
            Some(kind) => StretchedSlot::decode(kind, &mut fields, number).map(Self::Stretched),
            None => {
                let id = SlotId(fields.take()?);
                Ok(Self::Unknown { kind: type_number, id, payload: fields.0.to_vec() })
            }
        }
    }

    pub(super) fn encode(&self, number: usize, bytes: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Stretched(slot) => slot.encode(bytes),
            Self::Rsa(slot) => slot.encode(bytes),
            Self::Unknown { kind, id, payload } => {
                let length = wrapped::ID_LEN.saturating_add(payload.len());
                if length > MAX_LEN || SlotKind::from_number(*kind).is_some() {
                    return Err(Error::SlotLength { slot: number, length });
                }
                bytes.extend_from_slice(&kind.to_le_bytes());
                bytes.extend_from_slice(&(length as u16).to_le_bytes());
                bytes.extend_from_slice(&id.0);
                bytes.extend_from_slice(payload);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) use stretched::Randomness;
