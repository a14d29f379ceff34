//! Looking at every byte of a file, and changing none.

use super::sealing::{Sealing, SectorOpener};
use super::{BATCH, CipherFile, Event, State, Watcher};
use crate::format::geometry::{SECTOR, SectorIndex, Shape, ciphertext_size, sectors};
use crate::format::header::{FileHeader, HEADER_LEN};
use crate::format::sector::{self, Payload, SECTOR_LEN};
use crate::storage::{DiskFile, FOLIO, with_buffer};
use crate::volume::{Error, KeyCell, Result};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// What is wrong with a file, or with a stretch of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The header does not verify, for this reason.
    Header(String),
    /// One copy of the header does not verify; the other serves.
    HeaderCopy,
    /// The physical size claims another plaintext size than the last sector, which is right.
    Size {
        /// Plaintext bytes by the physical size.
        claimed: u64,
        /// Plaintext bytes by the last sector.
        actual: u64,
    },
    /// Nothing but zeros is there.
    Unwritten {
        /// Plaintext bytes by the physical size.
        claimed: u64,
    },
    /// The file ends without an end mark.
    EndMissing,
    /// A sector inside the file bears an end mark.
    EndInside,
    /// Sectors do not verify, for this reason.
    Sector(String),
    /// Sectors are zeros, in a file without holes.
    Erased,
    /// Sectors are not there, though the file is longer.
    Cut,
    /// The filesystem below cannot read, for this reason.
    Unreadable(String),
}

/// What was found in some sectors. Ranges are numbers of sectors, in order.
#[derive(Debug, Default)]
pub struct Checked {
    /// Bytes of ciphertext that were looked at.
    pub bytes: u64,
    /// Sectors that verify.
    pub sound: u64,
    /// What is wrong.
    pub damaged: Vec<(Range<u64>, Damage)>,
    /// Holes.
    pub holes: Vec<Range<u64>>,
}

impl Checked {
    fn note(&mut self, index: u64, damage: Damage) {
        match self.damaged.last_mut() {
            Some((range, same)) if range.end == index && *same == damage => range.end += 1,
            _ => self.damaged.push((index..index + 1, damage)),
        }
    }

    fn note_hole(&mut self, index: u64) {
        match self.holes.last_mut() {
            Some(range) if range.end == index => range.end += 1,
            _ => self.holes.push(index..index + 1),
        }
    }
}

/// A file as [`CipherFile::open_apart`] finds it.
pub struct Apart {
    /// The file; none when its header does not verify.
    pub file: Option<CipherFile>,
    /// What is wrong with the file as a whole.
    pub whole: Vec<Damage>,
}

impl CipherFile {
    /// Sectors that are checked in one go: about 1 MiB.
    pub const CHECKED_AT_ONCE: u64 = BATCH;

    /// Opens a file that nobody else has open, to look at it. `disk` must be open for reading only:
    /// so nothing is put right. Nobody is told of anything.
    ///
    /// # Errors
    /// The filesystem's.
    pub fn open_apart(disk: DiskFile, keys: Arc<KeyCell>) -> Result<Apart> {
        disk.forget_cached(0..FOLIO);
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = events.clone();
        let watcher: Watcher =
            Arc::new(move |event| heard.lock().unwrap_or_else(PoisonError::into_inner).push(event));
        let opened = Self::open_watched(disk, keys, Some(watcher));
        let events = std::mem::take(&mut *events.lock().unwrap_or_else(PoisonError::into_inner));
        let size = opened.as_ref().map_or(0, Self::size);
        let whole = events.into_iter().filter_map(|event| match event {
            Event::SizePutRight { claimed, actual } => Some(Damage::Size { claimed, actual }),
            Event::Unwritten { claimed } => Some(Damage::Unwritten { claimed }),
            Event::HeaderCopyDamaged => Some(Damage::HeaderCopy),
            // Of a longer file the last sector is checked like the others.
            Event::EndMarkMissing if size == 0 => Some(Damage::EndMissing),
            _ => None,
        });
        let mut whole: Vec<Damage> = whole.collect();
        match opened {
            Ok(file) => Ok(Apart { file: Some(file), whole }),
            Err(Error::Header(reason)) => {
                whole.push(Damage::Header(reason.to_string()));
                Ok(Apart { file: None, whole })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether an opening for writing would change nothing of a file that was opened apart: of one that is
    /// being re-encrypted it writes the header.
    pub fn is_settled(&self) -> bool {
        self.read_state().sealing.as_ref().is_none_or(|sealing| !sealing.is_rekeying())
    }

    /// The same file for all, in place of one that was opened apart, has the right size and is settled:
    /// `disk` is open for writing, too, and `watcher` is told from now on.
    #[must_use]
    pub fn shared(self, disk: DiskFile, watcher: Watcher) -> Self {
        Self { disk, watcher: Some(watcher), ..self }
    }

    /// What is wrong with header and size of a file that others may have open, too.
    ///
    /// # Errors
    /// The filesystem's.
    pub fn check_whole(&self) -> Result<Vec<Damage>> {
        let state = self.read_state();
        let physical = self.disk.size()?;
        let size = || Damage::Size { claimed: Shape::of(physical).size(), actual: state.size };
        let Some(sealing) = &state.sealing else {
            return Ok(match physical {
                0 => Vec::new(),
                1..=SECTOR => vec![Damage::EndMissing],
                _ if state.is_unwritten => {
                    vec![Damage::Unwritten { claimed: Shape::of(physical).size() }]
                }
                _ => vec![size()],
            });
        };
        let header = self.check_header(&sealing.header)?;
        // Sectors that are not there are found one by one.
        let is_cut = Shape::of(physical).sectors < sectors(state.size);
        let is_odd = !is_cut && physical != ciphertext_size(state.size);
        Ok(header.into_iter().chain(is_odd.then(size)).collect())
    }

    /// Compares the header on disk with the one in use.
    pub(super) fn check_header(&self, used: &FileHeader) -> Result<Option<Damage>> {
        let mut page = [0; HEADER_LEN];
        self.disk.forget_cached(0..FOLIO);
        self.disk.read_at(&mut page, 0)?;
        Ok(match FileHeader::decode(&page, &self.keys.now()) {
            Err(reason) => Some(Damage::Header(reason.to_string())),
            Ok(found) if says(&found.header) != says(used) => {
                Some(Damage::Header("it is not the header that the open file has".into()))
            }
            Ok(found) => (!found.both_sound).then_some(Damage::HeaderCopy),
        })
    }

    /// The first sector at or after `from` that is not in a hole of the filesystem below; at most `end`.
    ///
    /// # Errors
    /// The filesystem's.
    pub fn after_hole(&self, from: u64, end: u64) -> Result<u64> {
        let state = self.read_state();
        let Some(sealing) = &state.sealing else { return Ok(from) };
        // The last sector must be there.
        let end = end.min(sectors(state.size).saturating_sub(1));
        if from < end { self.skip_hole(sealing, from, end) } else { Ok(from) }
    }

    pub(super) fn skip_hole(&self, sealing: &Sealing, from: u64, end: u64) -> Result<u64> {
        if !sealing.header.may_have_holes || from >= end {
            return Ok(from);
        }
        let data = self.disk.seek_data(SectorIndex(from).position())?;
        Ok(data.map_or(end, |data| data.saturating_sub(SECTOR) / SECTOR).max(from).min(end))
    }

    /// Has the sectors of a range, and some around them, be read from the disk when they are read next: what
    /// the kernel keeps in memory may be sound when the disk is not. Returns the first sector behind
    /// those.
    pub fn forget_cached(&self, range: Range<u64>) -> u64 {
        let start = SectorIndex(range.start).position() / FOLIO * FOLIO;
        let end = SectorIndex(range.end).position().next_multiple_of(FOLIO);
        self.disk.forget_cached(start..end);
        end / SECTOR - 1
    }

    /// Checks the sectors of a range, at most [`CipherFile::CHECKED_AT_ONCE`]. Those behind the end of
    /// the file are passed over.
    ///
    /// # Errors
    /// None for what is wrong with the file.
    pub fn check_sectors(&self, range: Range<u64>) -> Result<Checked> {
        let state = self.read_state();
        let end = range.end.min(sectors(state.size)).min(range.start + BATCH);
        let (Some(sealing), true) = (&state.sealing, range.start < end) else {
            return Ok(Checked::default());
        };
        let _turn = self.turns.to_read(range.start..end);
        let mut checked = Checked { bytes: (end - range.start) * SECTOR, ..Checked::default() };
        let start = SectorIndex(range.start).position();
        with_buffer(((end - range.start) * SECTOR) as usize, |buffer| {
            let mut opener = sealing.opener();
            match self.disk.read_at(buffer, start) {
                Ok(present) => {
                    let (stored, _) = buffer[..present].as_chunks::<SECTOR_LEN>();
                    for (index, sector) in (range.start..).zip(stored) {
                        judge(&state, sealing, &mut opener, index, sector, &mut checked);
                    }
                    let cut = range.start + stored.len() as u64..end;
                    cut.for_each(|index| checked.note(index, Damage::Cut));
                }
                Err(_) => {
                    for (index, sector) in
                        (range.start..end).zip(buffer.as_chunks_mut::<SECTOR_LEN>().0)
                    {
                        self.check_alone(&state, sealing, &mut opener, index, sector, &mut checked);
                    }
                }
            }
        });
        Ok(checked)
    }

    /// A sector by itself: the disk cannot read one near it.
    fn check_alone(
        &self,
        state: &State,
        sealing: &Sealing,
        opener: &mut SectorOpener<'_>,
        index: u64,
        sector: &mut [u8; SECTOR_LEN],
        checked: &mut Checked,
    ) {
        match self.disk.read_at(sector, SectorIndex(index).position()) {
            Ok(SECTOR_LEN) => judge(state, sealing, opener, index, sector, checked),
            Ok(_) => checked.note(index, Damage::Cut),
            Err(error) => checked.note(index, Damage::Unreadable(error.to_string())),
        }
    }
}

/// What of a header matters to whoever has the file open. Not how often it was written: that is counted
/// before a write that may fail.
fn says(header: &FileHeader) -> ([u8; 16], bool, u32, bool) {
    (header.file_id, header.may_have_holes, header.epoch, header.next.is_some())
}

fn judge(
    state: &State,
    sealing: &Sealing,
    opener: &mut SectorOpener<'_>,
    index: u64,
    sector: &[u8; SECTOR_LEN],
    checked: &mut Checked,
) {
    let is_last = index + 1 == sectors(state.size);
    if sector::is_zero(sector) {
        return if sealing.header.may_have_holes && !is_last {
            checked.note_hole(index);
        } else {
            checked.note(index, Damage::Erased);
        };
    }
    let mut payload = Payload::zero();
    match opener.open(SectorIndex(index), sector, &mut payload) {
        Err(reason) => return checked.note(index, Damage::Sector(reason.to_string())),
        Ok((header, _)) if header.last && !is_last => checked.note(index, Damage::EndInside),
        Ok((header, _)) if !header.last && is_last => checked.note(index, Damage::EndMissing),
        Ok(_) => {}
    }
    checked.sound += 1;
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
