//! A file's header in use: the key that sectors are sealed under, and those that they may be sealed
//! under already.

use super::{Error, Result};
use crate::crypto::Key;
use crate::crypto::sector::{Opener, Sealer, SectorCipher};
use crate::format::geometry::SectorIndex;
use crate::format::header::FileHeader;
use crate::format::sector::{self, Binding, PAYLOAD_LEN, SECTOR_LEN, SectorHeader};

/// Holes in a file that was extended when it was empty, until all its sectors are durable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    /// Sectors before this one may be holes.
    Before(u64),
    /// None is, but zeros that were put into their places may not be durable.
    Filled,
}

/// A header with its ciphers.
pub(super) struct Sealing {
    pub header: FileHeader,
    pub binding: Binding,
    /// This opening has made the header durable since it says that there may be holes.
    pub holes_durable: bool,
    /// Why the header allows holes, while it is not for good.
    pub passing: Option<Passing>,
    cipher: SectorCipher,
    sealer: Sealer,
    /// While the file is re-encrypted: of the key that is on its way out.
    old: Option<SectorCipher>,
}

impl Sealing {
    /// What seals and opens under the keys of `header`. With a next key everything is sealed under that
    /// one: the header must be durable before.
    pub fn new(header: FileHeader) -> Result<Self> {
        let old = header.next.as_ref().map(|_| SectorCipher::new(header.suite, &header.key));
        let (cipher, sealer) = ready(&header, header.next.as_ref().unwrap_or(&header.key))?;
        let binding = Binding { file_id: header.file_id, suite: header.suite };
        Ok(Self { header, binding, holes_durable: false, passing: None, cipher, sealer, old })
    }

    /// Whether sectors may be sealed under two keys.
    pub fn is_rekeying(&self) -> bool {
        self.old.is_some()
    }

    /// Begins to seal under a next key, once `make_durable` has written the header that holds it. When
    /// that fails everything is as before.
    pub fn begin_rekey(
        &mut self,
        epoch: u32,
        make_durable: impl FnOnce(&mut FileHeader) -> Result<()>,
    ) -> Result<()> {
        let next = Key::random().map_err(|error| Error::Seal(error.into()))?;
        let (cipher, sealer) = ready(&self.header, &next)?;
        let epoch_before = std::mem::replace(&mut self.header.epoch, epoch);
        self.header.next = Some(next);
        if let Err(error) = make_durable(&mut self.header) {
            (self.header.epoch, self.header.next) = (epoch_before, None);
            return Err(error);
        }
        self.old = Some(std::mem::replace(&mut self.cipher, cipher));
        self.sealer = sealer;
        Ok(())
    }

    /// Lets go of the old key, once `make_durable` has written the header without it. To be called when
    /// every sector on disk is durably sealed under the next. When it fails everything is as before.
    pub fn finish_rekey(
        &mut self,
        make_durable: impl FnOnce(&mut FileHeader) -> Result<()>,
    ) -> Result<()> {
        let Some(next) = self.header.next.take() else { return Ok(()) };
        let old = std::mem::replace(&mut self.header.key, next);
        if let Err(error) = make_durable(&mut self.header) {
            self.header.next = Some(std::mem::replace(&mut self.header.key, old));
            return Err(error);
        }
        self.old = None;
        Ok(())
    }

    /// A reader of many sectors.
    pub fn opener(&self) -> SectorOpener<'_> {
        SectorOpener {
            binding: &self.binding,
            new: self.cipher.opener(),
            old: self.old.as_ref().map(SectorCipher::opener),
            old_first: false,
        }
    }

    /// Seals `payload`, which is zero beyond the length, as `sector`.
    pub fn seal(
        &self,
        index: SectorIndex,
        header: SectorHeader,
        payload: &[u8; PAYLOAD_LEN],
        sector: &mut [u8; SECTOR_LEN],
    ) -> Result<()> {
        #[cfg(test)]
        if crate::storage::double::broken::is(crate::storage::double::broken::Broken::ReusedNonce) {
            self.sealer.rewind();
        }
        let Self { binding, cipher, sealer, .. } = self;
        sector::seal(binding, cipher, sealer, index, header, payload, sector).map_err(Error::Seal)
    }
}

fn ready(header: &FileHeader, key: &Key) -> Result<(SectorCipher, Sealer)> {
    let cipher = SectorCipher::new(header.suite, key);
    let sealer = cipher.sealer().map_err(|error| Error::Seal(error.into()))?;
    Ok((cipher, sealer))
}

/// Which of a file's keys a sector is sealed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Under {
    /// The one that is sealed under now.
    New,
    /// The one on its way out.
    Old,
}

/// Opens sectors one after another, under either key of a file that is re-encrypted.
pub(super) struct SectorOpener<'a> {
    binding: &'a Binding,
    new: Opener<'a>,
    old: Option<Opener<'a>>,
    /// Neighbours are mostly sealed under the same key.
    old_first: bool,
}

impl SectorOpener<'_> {
    /// Opens a sector into `payload`, and says which key it was.
    pub fn open(
        &mut self,
        index: SectorIndex,
        sector: &[u8; SECTOR_LEN],
        payload: &mut [u8; PAYLOAD_LEN],
    ) -> crate::format::Result<(SectorHeader, Under)> {
        let Self { binding, new, old, old_first } = self;
        let Some(old) = old else {
            return Ok((sector::open(binding, new, index, sector, payload)?, Under::New));
        };
        let keys = if *old_first {
            [(old, Under::Old), (new, Under::New)]
        } else {
            [(new, Under::New), (old, Under::Old)]
        };
        let mut refused = crate::format::Error::SectorHeader;
        for (opener, under) in keys {
            match sector::open(binding, opener, index, sector, payload) {
                Ok(header) => {
                    *old_first = under == Under::Old;
                    return Ok((header, under));
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}
