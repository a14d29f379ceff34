//! Opening: authenticating the header, and finding out where the file really ends.

use super::recent::Recent;
use super::sealing::Sealing;
use super::standing::Standing;
use super::turns::Turns;
use super::unsynced::Unsynced;
use super::{CipherFile, Event, State, Watcher};
use crate::crypto::CategoryKeys;
use crate::format::Error as FormatError;
use crate::format::geometry::{self, PAYLOAD, SECTOR, SectorIndex, Shape, ciphertext_size};
use crate::format::header::{FileHeader, HEADER_LEN};
use crate::format::sector::{self, Payload, SECTOR_LEN};
use crate::storage::DiskFile;
use crate::volume::{Error, KeyCell, Result};
use rustix::io::Errno;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

impl CipherFile {
    /// Opens a ciphertext file of a category. A file of 0 bytes is an empty file.
    ///
    /// # Errors
    /// [`Error::Header`] when the header is missing, unknown, foreign or damaged; the filesystem's.
    /// A damaged last sector is no error here: the rest of the file stays readable.
    pub fn open(disk: DiskFile, keys: Arc<CategoryKeys>) -> Result<Self> {
        Self::open_watched(disk, Arc::new(KeyCell::new(keys)), None)
    }

    /// As [`CipherFile::open`], telling `watcher` what is found now and later.
    ///
    /// # Errors
    /// As [`CipherFile::open`].
    pub fn open_watched(
        disk: DiskFile,
        keys: Arc<KeyCell>,
        watcher: Option<Watcher>,
    ) -> Result<Self> {
        let state = RwLock::new(State {
            size: 0,
            sealing: None,
            is_unwritten: false,
            recent: Recent::default(),
        });
        let file = Self {
            disk,
            keys,
            state,
            turns: Turns::default(),
            standing: Standing::default(),
            unsynced: Unsynced::new(),
            watcher,
            has_untold_size: AtomicBool::new(false),
        };
        let physical = file.disk.size()?;
        if physical > 0 && file.holds_only_zeros(physical)? {
            let claimed = Shape::of(physical).size();
            let is_unwritten = claimed > 0;
            file.tell(if is_unwritten {
                Event::Unwritten { claimed }
            } else {
                Event::EndMarkMissing
            });
            file.write_state().is_unwritten = is_unwritten;
        } else if physical > 0 {
            let mut sealing = file.load_header().inspect_err(|error| file.tell_damage(error))?;
            if sealing.is_rekeying() {
                file.make_header_durable(&mut sealing)?;
            }
            let size = file.find_end(&sealing, physical)?;
            if size == 0 {
                file.tell(Event::EndMarkMissing);
            }
            // Whoever planted a header in an empty file gains nothing: it is not taken over.
            let sealing = (size > 0).then_some(sealing);
            let mut state = file.write_state();
            (state.size, state.sealing) = (size, sealing);
            drop(state);
        }
        Ok(file)
    }

    /// Whether the file was given a size and nothing else: it reads as an empty file, and stays as it is until it is
    /// written or cut. Either its size became durable before its first bytes did, or all that it held is lost.
    pub fn is_unwritten(&self) -> bool {
        self.read_state().is_unwritten
    }

    pub(super) fn holds_only_zeros(&self, physical: u64) -> Result<bool> {
        let mut start = [0; HEADER_LEN];
        let count = self.disk.read_at(&mut start, 0)?;
        if start[..count].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        let end = SectorIndex(physical.saturating_sub(SECTOR).div_ceil(SECTOR));
        Ok(self.last_stored_sector(end)?.is_none())
    }

    /// No sector may be sealed under the next key before the header that holds it is durable, and perhaps
    /// nobody came to do that. It is written again first: what is read may have failed to be written, and
    /// then no sync would write it any more.
    fn make_header_durable(&self, sealing: &mut Sealing) -> Result<()> {
        match self.replace_header(&mut sealing.header) {
            // Nothing will be sealed.
            Err(Error::Io(error)) if is_read_only(&error) => self.sync(true),
            // It can be read all the same. Of a sync that failed it was told already.
            Err(_) => {
                if self.standing.may_sync().is_ok() {
                    self.note_failed_sync();
                }
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    pub(super) fn load_header(&self) -> Result<Sealing> {
        let mut page = [0; HEADER_LEN];
        if self.disk.read_at(&mut page, 0)? < HEADER_LEN {
            return Err(Error::Header(FormatError::NoHeader));
        }
        let decoded = FileHeader::decode(&page, &self.keys.now()).map_err(Error::Header)?;
        if !decoded.both_sound {
            self.tell(Event::HeaderCopyDamaged);
        }
        Sealing::new(decoded.header)
    }

    /// The plaintext size: what the last sector says. Where the physical size says otherwise, an
    /// interrupted write left it behind, and it is put right.
    fn find_end(&self, sealing: &Sealing, physical: u64) -> Result<u64> {
        let shape = Shape::of(physical);
        let mut count = shape.sectors;
        let size = loop {
            let Some(last) = count.checked_sub(1).map(SectorIndex) else { break 0 };
            let mut bytes = [0; SECTOR_LEN];
            self.disk.read_at(&mut bytes, last.position())?;
            if sector::is_zero(&bytes) {
                // The size became durable before the data did: nothing was ever stored there.
                count = self.last_stored_sector(last)?.map_or(0, |index| index.0 + 1);
                continue;
            }
            let mut payload = Payload::zero();
            match sealing.opener().open(last, &bytes, &mut payload) {
                Ok((header, _)) => {
                    if !header.last {
                        self.tell(Event::EndMarkMissing);
                    }
                    break last.offset() + u64::from(header.length);
                }
                // Damaged: its bytes are errors when read; the size is the one claimed.
                Err(_) if count == shape.sectors => return Ok(shape.size()),
                Err(_) => break last.offset() + PAYLOAD,
            }
        };
        let right = ciphertext_size(size).max(SECTOR);
        if physical != right {
            self.tell(Event::SizePutRight { claimed: shape.size(), actual: size });
        }
        let end = SectorIndex(geometry::sectors(size)).position();
        if physical != right || self.is_written(end, physical)? {
            // Only sectors of zeros and the tail are cut; a sector may lie in that whose size did not come to
            // the disk, and must not be there when the file grows. A file that cannot be written (a
            // read-only disk) is still read with its right size.
            let _ = self.disk.set_size(end).and_then(|()| self.disk.set_size(right));
        }
        Ok(size)
    }

    /// Whether anything but zeros is in the tail of the file, from `start` on, less than a sector.
    fn is_written(&self, start: u64, physical: u64) -> Result<bool> {
        let mut tail = [0; SECTOR_LEN];
        let length = physical.saturating_sub(start).min(SECTOR) as usize;
        let count = self.disk.read_at(&mut tail[..length], start)?;
        Ok(tail[..count].iter().any(|byte| *byte != 0))
    }

    /// The last sector before `end` that is not all zeros.
    fn last_stored_sector(&self, end: SectorIndex) -> Result<Option<SectorIndex>> {
        for extent in self.data_before(end)?.into_iter().rev() {
            for index in extent.rev().map(SectorIndex) {
                let mut bytes = [0; SECTOR_LEN];
                self.disk.read_at(&mut bytes, index.position())?;
                if !sector::is_zero(&bytes) {
                    return Ok(Some(index));
                }
            }
        }
        Ok(None)
    }

    /// The stretches of sectors before `end` that are not holes of the filesystem below, in order.
    fn data_before(&self, end: SectorIndex) -> Result<Vec<Range<u64>>> {
        let (mut extents, mut at) = (Vec::new(), SECTOR);
        while let Some(data) = self.disk.seek_data(at)?.filter(|data| *data < end.position()) {
            at = self.disk.seek_hole(data)?.unwrap_or(end.position()).max(data + 1);
            let last = at.saturating_sub(SECTOR).div_ceil(SECTOR).min(end.0);
            extents.push(data.saturating_sub(SECTOR) / SECTOR..last);
        }
        Ok(extents)
    }
}

fn is_read_only(error: &std::io::Error) -> bool {
    let refused = [Errno::ROFS, Errno::BADF].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| refused.contains(&code))
}
