//! Keyslots on the control socket, and how keys are listed.

use crate::crypto::kdf::Params;
use crate::keystore::Secret;
pub use crate::keystore::{NewSlot, Rewrap};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// One keyslot, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRow {
    /// From 1; what names the slot in commands.
    pub number: usize,
    /// What names it whatever becomes of the others, and in the audit log; hex.
    #[serde(with = "crate::keystore::hex")]
    pub id: [u8; 16],
    /// `passphrase`, `rsa`, `recovery`, `unattended`, or `type N` of a later release.
    pub kind: String,
    /// What people call it; may be empty.
    pub name: String,
    /// Whether its secret gives every right; else it serves to start the service only.
    pub administrator: bool,
    /// When it was made, in seconds since 1970; not known of slots that an earlier release made.
    pub added: Option<u64>,
    /// Size of an RSA key.
    pub rsa_bits: Option<usize>,
    /// SHA-256 of an RSA public key (SubjectPublicKeyInfo, DER), hex.
    pub rsa_sha256: Option<String>,
}

/// Which keyslot a request is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Which {
    /// By its id. A number would be another slot's once one before it is removed.
    Id([u8; 16]),
    /// By its name.
    Name(String),
}

/// The keys of one category, as they are listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryRow {
    /// `@name`.
    pub category: String,
    /// Random identity, hex, as it stands in the headers of its files.
    pub id: String,
    /// Epochs of which there is a key, oldest first.
    pub epochs: Vec<u32>,
    /// The epoch whose key new files get.
    pub current: u32,
}

/// As it is written; borrowed, so that there is no copy of the secret.
#[derive(Serialize)]
enum RewrapOut<'a> {
    Same(&'a Secret),
    Renewed(&'a NewSlot),
}

#[derive(Deserialize)]
enum RewrapIn {
    Same(Secret),
    Renewed(NewSlot),
}

impl Serialize for Rewrap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Same(secret) => RewrapOut::Same(secret).serialize(serializer),
            Self::Renewed(slot) => RewrapOut::Renewed(slot).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Rewrap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match RewrapIn::deserialize(deserializer)? {
            RewrapIn::Same(secret) => Self::Same(secret),
            RewrapIn::Renewed(slot) => Self::Renewed(slot),
        })
    }
}

#[derive(Serialize)]
enum Out<'a> {
    Stretched(&'a Secret, u8),
    Rsa(&'a [u8]),
}

#[derive(Deserialize)]
enum In {
    Stretched(Secret, u8),
    Rsa(Vec<u8>),
}

impl Serialize for NewSlot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let out = match self {
            Self::Stretched(secret, params) => Out::Stretched(secret, params.log_n),
            Self::Rsa(spki) => Out::Rsa(spki),
        };
        out.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NewSlot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match In::deserialize(deserializer)? {
            In::Stretched(secret, log_n) => {
                let params = Params::with_log_n(log_n).map_err(D::Error::custom)?;
                Self::Stretched(secret, params)
            }
            In::Rsa(spki) => Self::Rsa(spki),
        })
    }
}
