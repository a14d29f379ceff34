//! The secret on its way to the service: every buffer that it was in is wiped.

use crate::crypto::{Key, SecretBytes};
use crate::format::keystore::SlotId;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

pub use crate::keystore::Secret;

/// Longest secret accepted, in bytes.
const MAX_SECRET: usize = 4096;

/// A secret as it is written; borrowed, so that there is no copy of it.
#[derive(Serialize)]
enum Out<'a> {
    Passphrase(&'a [u8], &'a [u8]),
    Recovery(&'a [u8]),
    SlotKey([u8; 16], &'a [u8]),
    Unattended(&'a [u8]),
}

#[derive(Deserialize)]
enum In {
    Passphrase(Wiped, Wiped),
    Recovery(Wiped),
    SlotKey([u8; 16], Wiped),
    Unattended(Wiped),
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let out = match self {
            Self::Passphrase { passphrase, salt } => {
                Out::Passphrase(passphrase.expose(), salt.expose())
            }
            Self::Recovery(code) => Out::Recovery(code.expose()),
            Self::SlotKey { slot, key } => Out::SlotKey(slot.0, key.expose()),
            Self::Unattended(secret) => Out::Unattended(secret.expose()),
        };
        out.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match In::deserialize(deserializer)? {
            In::Passphrase(Wiped(passphrase), Wiped(salt)) => Self::Passphrase { passphrase, salt },
            In::Recovery(Wiped(code)) => Self::Recovery(code),
            In::SlotKey(slot, Wiped(mut bytes)) => {
                let key = bytes.expose_mut().as_mut_slice();
                let key = <&mut [u8; 32]>::try_from(key)
                    .map_err(|_| D::Error::custom("a slot secret has 32 bytes"))?;
                Self::SlotKey { slot: SlotId(slot), key: Key::take(key) }
            }
            In::Unattended(Wiped(secret)) => Self::Unattended(secret),
        })
    }
}

/// Secret bytes read into room that was there before, so that none are left behind by growth.
struct Wiped(SecretBytes);

impl<'de> Deserialize<'de> for Wiped {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Wiped;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MAX_SECRET} bytes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Wiped, A::Error> {
                let mut secret = SecretBytes::new(Vec::with_capacity(MAX_SECRET));
                while let Some(byte) = bytes.next_element()? {
                    if secret.expose().len() == MAX_SECRET {
                        return Err(A::Error::invalid_length(MAX_SECRET + 1, &self));
                    }
                    secret.expose_mut().push(byte);
                }
                Ok(Wiped(secret))
            }
        }
        deserializer.deserialize_seq(Bytes)
    }
}
