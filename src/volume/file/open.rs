//! Opening: authenticating the header, and finding out where the file really ends.

use super::{CipherFile, Event, Sealing, State, Watcher};
use crate::crypto::CategoryKeys;
use crate::format::Error as FormatError;
use crate::format::geometry::{PAYLOAD, SECTOR, SectorIndex, Shape, ciphertext_size};
use crate::format::header::{FileHeader, HEADER_LEN};
use crate::format::sector::{self, PAYLOAD_LEN, SECTOR_LEN};
use crate::storage::DiskFile;
use crate::volume::{Error, Result};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

impl CipherFile {
    /// Opens a ciphertext file of a category. A file of 0 bytes is an empty file.
    ///
    /// # Errors
    /// [`Error::Header`] when the header is missing, unknown, foreign or damaged; the filesystem's.
    /// A damaged last sector is no error here: the rest of the file stays readable.
    pub fn open(disk: DiskFile, keys: Arc<CategoryKeys>) -> Result<Self> {
        Self::open_watched(disk, keys, None)
    }

    /// As [`CipherFile::open`], telling `watcher` what is found now and later.
    ///
    /// # Errors
    /// As [`CipherFile::open`].
    pub fn open_watched(
        disk: DiskFile,
        keys: Arc<CategoryKeys>,
        watcher: Option<Watcher>,
    ) -> Result<Self> {
        let state = RwLock::new(State { size: 0, sealing: None });
        let file = Self { disk, keys, state, sync_failed: AtomicBool::new(false), watcher };
        let physical = file.disk.size()?;
        if physical > 0 {
            let sealing = file.load_header()?;
            let size = file.find_end(&sealing, physical)?;
            // Whoever planted a header in an empty file gains nothing: it is not taken over.
            let sealing = (size > 0).then_some(sealing);
            *file.write_state() = State { size, sealing };
        }
        Ok(file)
    }

    fn load_header(&self) -> Result<Sealing> {
        let mut page = [0; HEADER_LEN];
        if self.disk.read_at(&mut page, 0)? < HEADER_LEN {
            return Err(Error::Header(FormatError::NoHeader));
        }
        let decoded = FileHeader::decode(&page, &self.keys).map_err(Error::Header)?;
        if !decoded.both_sound {
            self.tell(Event::HeaderCopyDamaged);
        }
        Sealing::new(decoded.header)
    }

    /// The plaintext size: what the last sector says. Where the physical size says otherwise, an
    /// interrupted write left it behind, and it is put right.
    fn find_end(&self, sealing: &Sealing, physical: u64) -> Result<u64> {
        let shape = Shape::of(physical);
        let mut sectors = shape.sectors;
        let size = loop {
            let Some(last) = sectors.checked_sub(1).map(SectorIndex) else { break 0 };
            let mut bytes = [0; SECTOR_LEN];
            self.disk.read_at(&mut bytes, last.position())?;
            if sector::is_zero(&bytes) {
                // The size became durable before the data did: nothing was ever stored there.
                sectors = self.last_stored_sector(last)?.map_or(0, |index| index.0 + 1);
                continue;
            }
            let mut payload = [0; PAYLOAD_LEN];
            let mut opener = sealing.cipher.opener();
            match sector::open(&sealing.binding, &mut opener, last, &bytes, &mut payload) {
                Ok(header) => {
                    if !header.last {
                        self.tell(Event::EndMarkMissing);
                    }
                    break last.offset() + u64::from(header.length);
                }
                // Damaged: its bytes are errors when read; the size is the one claimed.
                Err(_) if sectors == shape.sectors => return Ok(shape.size()),
                Err(_) => break last.offset() + PAYLOAD,
            }
        };
        if physical != ciphertext_size(size) && !(size == 0 && physical == SECTOR) {
            self.tell(Event::SizePutRight { claimed: shape.size(), actual: size });
            // Only sectors of zeros and the tail are cut. A file that cannot be written (a
            // read-only disk) is still read with its right size.
            let _ = self.disk.set_size(ciphertext_size(size).max(SECTOR));
        }
        Ok(size)
    }

    /// The last sector before `end` that is not all zeros.
    fn last_stored_sector(&self, end: SectorIndex) -> Result<Option<SectorIndex>> {
        let Some(extent) = self.last_data_before(end.position())? else { return Ok(None) };
        let first = (extent.saturating_sub(SECTOR)) / SECTOR;
        for index in (first..end.0).rev().map(SectorIndex) {
            let mut bytes = [0; SECTOR_LEN];
            self.disk.read_at(&mut bytes, index.position())?;
            if !sector::is_zero(&bytes) {
                return Ok(Some(index));
            }
        }
        // The extent held only zeros: look before it.
        match SectorIndex(first) {
            SectorIndex(0) => Ok(None),
            before => self.last_stored_sector(before),
        }
    }

    /// Where the last stretch of data that begins before `end` begins, after the header.
    fn last_data_before(&self, end: u64) -> Result<Option<u64>> {
        let (mut found, mut at) = (None, SECTOR);
        while let Some(data) = self.disk.seek_data(at)?.filter(|data| *data < end) {
            found = Some(data);
            at = self.disk.seek_hole(data)?.unwrap_or(end).max(data + 1);
        }
        Ok(found)
    }
}
