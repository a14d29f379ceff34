//! The keystore file, exactly as `docs/format-keystore.md` says: what is public and what is sealed.
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 8 | magic: `EZNCKEYS`, or `EZNCBNDL` of a key bundle |
//! | 8 | 2 | format version, 1 |
//! | 10 | 2 | number of keyslots, 1 to 64 |
//! | 12 | 16 | keystore id |
//! | 28 | 8 | sequence number |
//! | 36 | | the keyslots ([`slot`]) |
//! | | 24 | nonce |
//! | | 32 | commitment to the body key |
//! | | 4 | bytes of ciphertext and tag that follow, to the end of the file |
//! | | | ciphertext, then its 16-byte tag |
//!
//! The tag authenticates every byte of the file. What the body says is not known here.

pub mod slot;

use crate::crypto::{self, Key, SecretBytes, derive};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
pub use slot::{RsaSlot, Slot, SlotId, SlotKind, StretchedSlot};

/// The version of the keystore file that this build reads and writes.
pub const VERSION: u16 = 1;
/// Longest file accepted, in bytes.
pub const MAX_FILE: usize = 64 << 20;
/// Most keyslots in a file.
pub const MAX_SLOTS: usize = 64;
/// Bytes of the body's nonce.
pub const NONCE_LEN: usize = 24;

/// What a file of this form is: the keystore, or one category's keys on their way elsewhere. Neither
/// passes for the other: they begin differently, and their bodies are sealed under different keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The local keystore.
    Keystore,
    /// A key bundle.
    Bundle,
}

impl Purpose {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Keystore => b"EZNCKEYS",
            Self::Bundle => b"EZNCBNDL",
        }
    }

    fn body_key(self, master: &Key, id: &[u8; 16]) -> crypto::Result<derive::Derived> {
        match self {
            Self::Keystore => derive::keystore_body(master, id),
            Self::Bundle => derive::bundle_body(master, id),
        }
    }
}

const TAG_LEN: usize = 16;

/// Why bytes are refused as a keystore. Slots are counted from 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum Error {
    /// The magic is missing.
    #[error("it is not a keystore, or its beginning was destroyed")]
    NotAKeystore,
    /// The magic of a key bundle is missing.
    #[error("it is not a key bundle, or its beginning was destroyed")]
    NotABundle,
    /// Written by a later release, or not by any.
    #[error("keystore format version {0} is not known to this release")]
    Version(u16),
    /// More bytes than [`MAX_FILE`].
    #[error("it is larger than {} MiB", MAX_FILE >> 20)]
    TooLong,
    /// It ends inside a field.
    #[error("it was cut short")]
    Cut,
    /// Something follows the sealed body, or the body's length is wrong.
    #[error("its body has not the length that it declares")]
    BodyLength,
    /// No slot, or more than [`MAX_SLOTS`].
    #[error("it declares {0} keyslots")]
    SlotCount(usize),
    /// A slot's length does not fit its type, or exceeds [`slot::MAX_LEN`].
    #[error("keyslot {slot} has a wrong length ({length} bytes)")]
    SlotLength {
        /// Which slot.
        slot: usize,
        /// The length found.
        length: usize,
    },
    /// Bytes of a slot that must be zero are not.
    #[error("keyslot {0} has stray bytes")]
    SlotPadding(usize),
    /// Two slots have one id.
    #[error("keyslot {0} repeats an earlier one")]
    SlotRepeated(usize),
    /// A slot's derivation costs are out of bounds (nothing was computed), or its secret is right but
    /// its other bytes are not.
    #[error("keyslot {slot}: {source}")]
    Slot {
        /// Which slot.
        slot: usize,
        /// What is wrong with it.
        source: crypto::Error,
    },
    /// The body does not verify under the master key, or could not be sealed.
    #[error("body: {0}")]
    Body(#[source] crypto::Error),
}

/// A result of this module.
pub type Result<T> = std::result::Result<T, Error>;

/// What can be read without a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    /// Random identity of the keystore.
    pub id: [u8; 16],
    /// Rises by one with every change.
    pub sequence: u64,
    /// The ways to open it.
    pub slots: Vec<Slot>,
}

/// A whole keystore file: well-formed, not necessarily authentic. It holds no plaintext.
#[derive(Clone)]
pub struct KeystoreFile {
    purpose: Purpose,
    bytes: Vec<u8>,
    prefix: Prefix,
    nonce: [u8; NONCE_LEN],
    commitment: [u8; 32],
    sealed_at: usize,
}

impl KeystoreFile {
    /// Takes a file's bytes apart. Copies nothing whose length was not checked, derives nothing.
    ///
    /// # Errors
    /// What is wrong with the first field that is not as the format says.
    pub fn decode(bytes: Vec<u8>) -> Result<Self> {
        Self::decode_as(Purpose::Keystore, bytes)
    }

    /// As [`Self::decode`], for a file of that purpose.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_as(purpose: Purpose, bytes: Vec<u8>) -> Result<Self> {
        if bytes.len() > MAX_FILE {
            return Err(Error::TooLong);
        }
        let mut reader = Reader(&bytes);
        if reader.take().ok() != Some(*purpose.magic()) {
            return Err(match purpose {
                Purpose::Keystore => Error::NotAKeystore,
                Purpose::Bundle => Error::NotABundle,
            });
        }
        let version = u16::from_le_bytes(reader.take()?);
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let count = usize::from(u16::from_le_bytes(reader.take()?));
        let (id, sequence) = (reader.take()?, u64::from_le_bytes(reader.take()?));
        let slots = decode_slots(&mut reader, count)?;
        let (nonce, commitment) = (reader.take()?, reader.take()?);
        let sealed_len = u32::from_le_bytes(reader.take()?) as usize;
        if reader.0.len() != sealed_len || sealed_len < TAG_LEN {
            return Err(Error::BodyLength);
        }
        let sealed_at = bytes.len() - sealed_len;
        let prefix = Prefix { id, sequence, slots };
        Ok(Self { purpose, bytes, prefix, nonce, commitment, sealed_at })
    }

    /// Seals `body` with `prefix` under `master`. The nonce must be fresh and random.
    ///
    /// # Errors
    /// [`Error::SlotCount`], [`Error::SlotLength`], [`Error::SlotRepeated`] or [`Error::TooLong`] for
    /// what would not decode again; [`Error::Body`] if the cipher refuses.
    pub fn seal(
        prefix: Prefix,
        master: &Key,
        nonce: [u8; NONCE_LEN],
        body: SecretBytes,
    ) -> Result<Self> {
        Self::seal_as(Purpose::Keystore, prefix, master, nonce, body)
    }

    /// As [`Self::seal`], for that purpose.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_as(
        purpose: Purpose,
        prefix: Prefix,
        master: &Key,
        nonce: [u8; NONCE_LEN],
        mut body: SecretBytes,
    ) -> Result<Self> {
        let derived = purpose.body_key(master, &prefix.id).map_err(Error::Body)?;
        let sealed_len = body.expose().len().saturating_add(TAG_LEN);
        let mut bytes = encode_prefix(purpose, &prefix)?;
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&derived.commitment);
        bytes.extend_from_slice(
            &u32::try_from(sealed_len).map_err(|_| Error::TooLong)?.to_le_bytes(),
        );
        let sealed_at = bytes.len();
        if sealed_at + sealed_len > MAX_FILE {
            return Err(Error::TooLong);
        }
        let tag = cipher(&derived.key)
            .encrypt_inout_detached(
                &XNonce::from(nonce),
                &bytes,
                body.expose_mut().as_mut_slice().into(),
            )
            .map_err(|_| Error::Body(crypto::Error::Seal))?;
        bytes.extend_from_slice(body.expose());
        bytes.extend_from_slice(&tag);
        let commitment = derived.commitment;
        Ok(Self { purpose, bytes, prefix, nonce, commitment, sealed_at })
    }

    /// Authenticates the whole file under `master` and returns the body.
    ///
    /// # Errors
    /// [`Error::Body`] when any byte of the file differs from what was sealed.
    pub fn open(&self, master: &Key) -> Result<SecretBytes> {
        let derived = self.purpose.body_key(master, &self.prefix.id).map_err(Error::Body)?;
        derived.check(&self.commitment).map_err(Error::Body)?;
        let (aad, sealed) = self.bytes.split_at(self.sealed_at);
        let (sealed, tag) = sealed.split_at(sealed.len() - TAG_LEN);
        let tag = Tag::try_from(tag).map_err(|_| Error::BodyLength)?;
        let mut body = SecretBytes::new(sealed.to_vec());
        cipher(&derived.key)
            .decrypt_inout_detached(
                &XNonce::from(self.nonce),
                aad,
                body.expose_mut().as_mut_slice().into(),
                &tag,
            )
            .map_err(|_| Error::Body(crypto::Error::Authentication))?;
        Ok(body)
    }

    /// What can be read without a secret. Only [`Self::open`] tells whether it is authentic.
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}

fn decode_slots(reader: &mut Reader<'_>, count: usize) -> Result<Vec<Slot>> {
    if !(1..=MAX_SLOTS).contains(&count) {
        return Err(Error::SlotCount(count));
    }
    let mut slots: Vec<Slot> = Vec::with_capacity(count);
    for number in 1..=count {
        slots.push(Slot::decode(reader, number)?);
    }
    check_distinct(&slots)?;
    Ok(slots)
}

fn check_distinct(slots: &[Slot]) -> Result<()> {
    for (index, slot) in slots.iter().enumerate() {
        if slots[..index].iter().any(|earlier| earlier.id() == slot.id()) {
            return Err(Error::SlotRepeated(index + 1));
        }
    }
    Ok(())
}

fn encode_prefix(purpose: Purpose, prefix: &Prefix) -> Result<Vec<u8>> {
    let count = prefix.slots.len();
    if !(1..=MAX_SLOTS).contains(&count) {
        return Err(Error::SlotCount(count));
    }
    check_distinct(&prefix.slots)?;
    let mut bytes = purpose.magic().to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(count as u16).to_le_bytes());
    bytes.extend_from_slice(&prefix.id);
    bytes.extend_from_slice(&prefix.sequence.to_le_bytes());
    for (index, slot) in prefix.slots.iter().enumerate() {
        slot.encode(index + 1, &mut bytes)?;
    }
    Ok(bytes)
}

/// Takes fields off the front, and nothing beyond the end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk().ok_or(Error::Cut)?;
        self.0 = rest;
        Ok(*field)
    }

    fn take_slice(&mut self, length: usize) -> Result<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(length).ok_or(Error::Cut)?;
        self.0 = rest;
        Ok(field)
    }
}

#[cfg(test)]
#[path = "keystore/tests.rs"]
mod tests;
