//! What opens a keystore, and what a new keyslot is made from.

use crate::crypto::rsa::PublicKey;
use crate::crypto::{self, Key, SecretBytes, kdf};
use crate::format::keystore::{RsaSlot, Slot, SlotId, SlotKind, StretchedSlot};

/// A secret that is shown. Has no `Debug` and wipes itself.
pub enum Secret {
    /// A passphrase and its salt: together one secret.
    Passphrase {
        /// The passphrase.
        passphrase: SecretBytes,
        /// The salt.
        salt: SecretBytes,
    },
    /// A recovery code's bytes.
    Recovery(SecretBytes),
    /// What the holder of an RSA private key got out of a slot (`RsaSlot::slot_secret`).
    SlotKey {
        /// The slot.
        slot: SlotId,
        /// The slot secret.
        key: Key,
    },
    /// The service's own secret, by which nobody becomes an administrator.
    Unattended(SecretBytes),
}

impl Secret {
    /// A passphrase and its salt, copied.
    pub fn passphrase(passphrase: &[u8], salt: &[u8]) -> Self {
        let copied = |bytes: &[u8]| SecretBytes::new(bytes.to_vec());
        Self::Passphrase { passphrase: copied(passphrase), salt: copied(salt) }
    }

    /// A second copy, which wipes itself as the first does.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::Passphrase { passphrase, salt } => {
                Self::Passphrase { passphrase: passphrase.duplicate(), salt: salt.duplicate() }
            }
            Self::Recovery(code) => Self::Recovery(code.duplicate()),
            Self::SlotKey { slot, key } => Self::SlotKey { slot: *slot, key: key.duplicate() },
            Self::Unattended(secret) => Self::Unattended(secret.duplicate()),
        }
    }

    /// The kind of slot that it could open.
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::Passphrase { .. } => SlotKind::Passphrase,
            Self::Recovery(_) => SlotKind::Recovery,
            Self::SlotKey { .. } => SlotKind::Rsa,
            Self::Unattended(_) => SlotKind::Unattended,
        }
    }

    /// Tries one slot; none when it is not this secret's.
    pub(super) fn open(&self, keystore: &[u8; 16], slot: &Slot) -> crypto::Result<Option<Key>> {
        let opened = match (slot, self.parts(), self) {
            (Slot::Stretched(slot), Some(parts), _) if slot.kind == self.kind() => {
                slot.open(keystore, parts)
            }
            (Slot::Rsa(rsa), _, Self::SlotKey { slot, key }) if rsa.id == *slot => {
                rsa.open(keystore, key)
            }
            _ => return Ok(None),
        };
        match opened {
            Err(crypto::Error::Commitment) => Ok(None),
            other => other.map(Some),
        }
    }

    /// A slot's successor that opens by the same secret; none when scrypt has no part in it.
    pub(super) fn again(&self, slot: &Slot) -> Option<NewSlot> {
        match slot {
            Slot::Stretched(slot) => Some(NewSlot::Stretched(self.duplicate(), slot.params)),
            Slot::Rsa(slot) => Some(NewSlot::Rsa(slot.spki().to_vec())),
            Slot::Unknown { .. } => None,
        }
    }

    /// What scrypt is given.
    fn parts(&self) -> Option<(&[u8], &[u8])> {
        match self {
            Self::Passphrase { passphrase, salt } => Some((passphrase.expose(), salt.expose())),
            Self::Recovery(code) => Some((code.expose(), b"")),
            Self::Unattended(secret) => Some((secret.expose(), b"")),
            Self::SlotKey { .. } => None,
        }
    }
}

/// What a new keyslot will open by.
pub enum NewSlot {
    /// A secret that scrypt stretches, at these costs. Not [`Secret::SlotKey`].
    Stretched(Secret, kdf::Params),
    /// An RSA public key: SubjectPublicKeyInfo, in DER.
    Rsa(Vec<u8>),
}

impl NewSlot {
    /// Its kind.
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::Stretched(secret, _) => secret.kind(),
            Self::Rsa(_) => SlotKind::Rsa,
        }
    }

    /// A second copy, whose secret wipes itself as the first's does.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::Stretched(secret, params) => Self::Stretched(secret.duplicate(), *params),
            Self::Rsa(spki) => Self::Rsa(spki.clone()),
        }
    }

    /// Makes the slot.
    pub(super) fn seal(&self, keystore: &[u8; 16], master: &Key) -> crypto::Result<Slot> {
        match self {
            Self::Stretched(secret, params) => {
                let parts = secret.parts().ok_or(crypto::Error::RsaKey)?;
                let kind = secret.kind();
                StretchedSlot::seal(kind, keystore, master, parts, *params).map(Slot::Stretched)
            }
            Self::Rsa(spki) => {
                let public = PublicKey::from_spki(spki)?;
                RsaSlot::seal(keystore, master, &public).map(Slot::Rsa)
            }
        }
    }
}
