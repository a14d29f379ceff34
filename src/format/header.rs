//! The file header: 4096 bytes, the same 2048-byte copy twice.
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 8 | magic `EZNCRYPT` |
//! | 8 | 2 | format version, 1 |
//! | 10 | 2 | suite |
//! | 12 | 4 | flags: bit 0, the file may have holes; bit 1, it is being re-encrypted |
//! | 16 | 16 | category id |
//! | 32 | 4 | key epoch |
//! | 36 | 4 | generation: how often this header was written |
//! | 40 | 16 | file id |
//! | 56 | 32 | commitment to the wrapping key |
//! | 88 | 12 | wrap nonce |
//! | 100 | 48 | wrapped file key |
//! | 148 | 12 | only with flag bit 1: wrap nonce of the next file key; else zero |
//! | 160 | 48 | only with flag bit 1: the next file key, wrapped; else zero |
//! | 208 | 1840 | zero |
//!
//! What matters lies in the first 512 bytes of each copy, so a write torn at 512-byte units leaves
//! each copy old or new. The wrapped key's tag authenticates bytes 0 to 87, that of the next one bytes
//! 0 to 147: neither passes for the other. The rest must be zero.

use super::geometry::SECTOR;
use super::{Error, Result, VERSION};
use crate::crypto::sector::Suite;
use crate::crypto::wrap::{WRAPPED_LEN, unwrap, wrap};
use crate::crypto::{CategoryId, CategoryKeys, Key, derive, random};

/// Bytes of the header.
pub const HEADER_LEN: usize = SECTOR as usize;
const COPY_LEN: usize = HEADER_LEN / 2;
const FIRST_LEN: usize = 148;
const USED_LEN: usize = FIRST_LEN + 12 + WRAPPED_LEN;
const AAD_LEN: usize = 88;
const MAGIC: &[u8; 8] = b"EZNCRYPT";
const FLAG_HOLES: u32 = 1;
const FLAG_REKEYING: u32 = 2;

/// A file's header, authenticated, and its key.
pub struct FileHeader {
    /// The file's cipher.
    pub suite: Suite,
    /// Whether all-zero sectors are holes; otherwise they are damage.
    pub may_have_holes: bool,
    /// The epoch of the category key that the file key is wrapped under.
    pub epoch: u32,
    /// How often the header was written.
    pub generation: u32,
    /// Random identity, bound into every sector.
    pub file_id: [u8; 16],
    /// The file key.
    pub key: Key,
    /// While the file is re-encrypted: the key that takes the place of `key`. Each sector is then
    /// sealed under the one or the other.
    pub next: Option<Key>,
}

/// A decoded header, and whether both of its copies were sound and equal.
pub struct Decoded {
    /// The newer sound copy.
    pub header: FileHeader,
    /// Both copies verify and are of one generation.
    pub both_sound: bool,
}

impl FileHeader {
    /// A header for a new file: random id, random key, the category's current epoch.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the kernel gives no random bytes.
    pub fn generate(keys: &CategoryKeys) -> Result<Self> {
        Ok(Self {
            suite: keys.suite,
            may_have_holes: false,
            epoch: keys.current_epoch(),
            generation: 0,
            file_id: random()?,
            key: Key::random()?,
            next: None,
        })
    }

    /// Encodes the header under fresh wrap nonces.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the category lacks the epoch or the kernel gives no random bytes.
    pub fn encode(&self, keys: &CategoryKeys) -> Result<[u8; HEADER_LEN]> {
        self.encode_with_nonces(keys, &random()?, &random()?)
    }

    fn encode_with_nonces(
        &self,
        keys: &CategoryKeys,
        nonce: &[u8; 12],
        next_nonce: &[u8; 12],
    ) -> Result<[u8; HEADER_LEN]> {
        let wrapping = derive::file_wrapping(keys.key(self.epoch)?, &self.file_id)?;
        let mut page = [0; HEADER_LEN];
        let mut writer = Writer { page: &mut page, at: 0 };
        writer.put(MAGIC);
        writer.put(&VERSION.to_le_bytes());
        writer.put(&(self.suite as u16).to_le_bytes());
        writer.put(&self.flags().to_le_bytes());
        writer.put(&keys.id.0);
        writer.put(&self.epoch.to_le_bytes());
        writer.put(&self.generation.to_le_bytes());
        writer.put(&self.file_id);
        writer.put(&wrapping.commitment);
        let wrapped = wrap(&wrapping.key, nonce, &writer.page[..AAD_LEN], &self.key)?;
        writer.put(nonce);
        writer.put(&wrapped);
        if let Some(next) = &self.next {
            let wrapped = wrap(&wrapping.key, next_nonce, &writer.page[..FIRST_LEN], next)?;
            writer.put(next_nonce);
            writer.put(&wrapped);
        }
        page.copy_within(..COPY_LEN, COPY_LEN);
        Ok(page)
    }

    /// The category and the key's epoch that each copy of a header names, not authenticated: which keys to
    /// try. A copy that does not begin as a header of a known version does names none.
    pub fn named(page: &[u8; HEADER_LEN]) -> impl Iterator<Item = (CategoryId, u32)> {
        let (first, second) = page.split_at(COPY_LEN);
        [first, second].into_iter().filter_map(|copy| {
            let mut reader = Reader(&copy[..USED_LEN]);
            let begins = reader.take::<8>() == *MAGIC;
            let version = u16::from_le_bytes(reader.take());
            let _: [u8; 6] = reader.take();
            let id = CategoryId(reader.take());
            let epoch = u32::from_le_bytes(reader.take());
            (begins && version == VERSION).then_some((id, epoch))
        })
    }

    fn flags(&self) -> u32 {
        let holes = if self.may_have_holes { FLAG_HOLES } else { 0 };
        let rekeying = if self.next.is_some() { FLAG_REKEYING } else { 0 };
        holes | rekeying
    }

    /// Decodes and authenticates a header of this category.
    ///
    /// # Errors
    /// What is wrong with the first copy, when neither is sound.
    pub fn decode(page: &[u8; HEADER_LEN], keys: &CategoryKeys) -> Result<Decoded> {
        let (first, second) = page.split_at(COPY_LEN);
        let (first, second) = (Self::decode_copy(first, keys), Self::decode_copy(second, keys));
        match (first, second) {
            (Ok(first), Ok(second)) => {
                let both_sound = first.generation == second.generation;
                let header = if second.generation > first.generation { second } else { first };
                Ok(Decoded { header, both_sound })
            }
            (Ok(header), Err(_)) | (Err(_), Ok(header)) => {
                Ok(Decoded { header, both_sound: false })
            }
            (Err(error), Err(_)) => Err(error),
        }
    }

    fn decode_copy(copy: &[u8], keys: &CategoryKeys) -> Result<Self> {
        let (used, padding) = copy.split_at(USED_LEN);
        let mut reader = Reader(used);
        if reader.take::<8>() != *MAGIC {
            return Err(Error::NoHeader);
        }
        let version = u16::from_le_bytes(reader.take());
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let suite = Suite::try_from(u16::from_le_bytes(reader.take()))?;
        let flags = u32::from_le_bytes(reader.take());
        if flags & !(FLAG_HOLES | FLAG_REKEYING) != 0 {
            return Err(Error::HeaderFlags(flags));
        }
        if CategoryId(reader.take()) != keys.id {
            return Err(Error::ForeignCategory);
        }
        let epoch = u32::from_le_bytes(reader.take());
        let generation = u32::from_le_bytes(reader.take());
        let file_id = reader.take();
        let wrapping = derive::file_wrapping(keys.key(epoch)?, &file_id)?;
        wrapping.check(&reader.take())?;
        let nonce = reader.take();
        let wrapped: [u8; WRAPPED_LEN] = reader.take();
        let key = unwrap(&wrapping.key, &nonce, &used[..AAD_LEN], &wrapped)?;
        let next = if flags & FLAG_REKEYING == 0 {
            None
        } else {
            let nonce = reader.take();
            let wrapped: [u8; WRAPPED_LEN] = reader.take();
            Some(unwrap(&wrapping.key, &nonce, &used[..FIRST_LEN], &wrapped)?)
        };
        // Of the next key's place, too, when there is none.
        if reader.0.iter().chain(padding).any(|byte| *byte != 0) {
            return Err(Error::HeaderPadding);
        }
        let may_have_holes = flags & FLAG_HOLES != 0;
        Ok(Self { suite, may_have_holes, epoch, generation, file_id, key, next })
    }
}

struct Writer<'a> {
    page: &'a mut [u8; HEADER_LEN],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.page[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
}

/// Takes fields off the front; the fields of a copy add up to at most `USED_LEN`.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_at(N);
        self.0 = rest;
        let mut bytes = [0; N];
        bytes.copy_from_slice(field);
        bytes
    }
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
