//! The secret on its way to the service: every buffer that it was in is wiped.

use crate::crypto::SecretBytes;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A passphrase and its salt: together one secret. Has no `Debug` and wipes itself.
#[derive(Default)]
pub struct Secret {
    /// The passphrase.
    pub passphrase: SecretBytes,
    /// The salt.
    pub salt: SecretBytes,
}

impl Secret {
    /// A second copy, which wipes itself as the first does.
    pub fn duplicate(&self) -> Self {
        Self { passphrase: self.passphrase.duplicate(), salt: self.salt.duplicate() }
    }
}

/// Longest passphrase or salt accepted, in bytes.
const MAX_SECRET: usize = 4096;

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.passphrase.expose(), self.salt.expose()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (Wiped(passphrase), Wiped(salt)) = Deserialize::deserialize(deserializer)?;
        Ok(Self { passphrase, salt })
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
