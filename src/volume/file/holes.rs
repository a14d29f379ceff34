//! Holes and reserved space.
//!
//! An all-zero sector counts as a hole only in a file whose authenticated header allows holes; the
//! header says so, durably, before the first hole is made. The last sector is never a hole: it says
//! where the file ends.

use super::write::{sealing, sealing_mut};
use super::{CipherFile, State};
use crate::format::geometry::{PAYLOAD, SECTOR, SectorIndex, sectors, spans};
use crate::format::sector::{PAYLOAD_LEN, Payload, SECTOR_LEN};
use crate::volume::{Error, Result};
use std::ops::Range;

/// What holes are usually made in, by filesystems and databases.
const BLOCK: u64 = 4096;

impl CipherFile {
    /// Makes a range read as zeros and frees the space of the sectors that lie wholly inside it. The
    /// size stays.
    ///
    /// # Errors
    /// As [`CipherFile::write_at`]; the filesystem's where it cannot punch holes.
    pub fn punch(&self, offset: u64, length: u64) -> Result<()> {
        let mut state = self.state_to_change()?;
        let Some(range) = clamp(&state, offset, length) else { return Ok(()) };
        let whole = self.inner_sectors(&state, &range);
        if !whole.is_empty() {
            self.allow_holes(&mut state)?;
            if !self.unsynced.is_growth_durable() {
                // The last sector that was durable before may be in the hole.
                self.sync(true)?;
            }
            let start = SectorIndex(whole.start).position();
            self.disk.punch(start, (whole.end - whole.start) * SECTOR)?;
        }
        self.zero_edges(&mut state, &range, &whole)
    }

    /// Makes a range read as zeros with its space reserved, extending the file unless `keep_size`.
    ///
    /// # Errors
    /// As [`CipherFile::punch`].
    pub fn zero_range(&self, offset: u64, length: u64, keep_size: bool) -> Result<()> {
        self.punch(offset, length)?;
        self.reserve(offset, length, keep_size)
    }

    /// Reserves space for a range, extending the file with zeros unless `keep_size`.
    ///
    /// # Errors
    /// As [`CipherFile::write_at`]; `EOPNOTSUPP` where the filesystem cannot reserve.
    pub fn reserve(&self, offset: u64, length: u64, keep_size: bool) -> Result<()> {
        let end = offset.checked_add(length).ok_or(Error::TooLarge)?;
        if end > crate::format::geometry::MAX_SIZE {
            return Err(Error::TooLarge);
        }
        let mut state = self.state_to_change()?;
        let start = SectorIndex::of(offset).position();
        let physical_end = SectorIndex(sectors(end)).position();
        let grows = !keep_size && end > state.size;
        // Before space is reserved where the header is to be.
        let is_new = grows && self.begin_extended(&mut state)?;
        let reserved = self.disk.reserve(start, physical_end - start);
        if reserved.is_err() && is_new {
            let _ = self.roll_back(&mut state, 0);
        }
        reserved?;
        if grows { self.extend(&mut state, end) } else { Ok(()) }
    }

    /// The first offset at or after `offset` that is not in a hole; `None` when only holes follow.
    ///
    /// # Errors
    /// The filesystem's.
    pub fn seek_data(&self, offset: u64) -> Result<Option<u64>> {
        let state = self.read_state();
        if offset >= state.size {
            return Ok(None);
        }
        if !sealing(&state)?.header.may_have_holes {
            return Ok(Some(offset));
        }
        let Some(physical) = self.disk.seek_data(SectorIndex::of(offset).position())? else {
            return Ok(None);
        };
        let found = SectorIndex(physical.saturating_sub(SECTOR) / SECTOR);
        if found.offset() <= offset {
            return Ok(Some(offset));
        }
        Ok(self.skip_zeros(&state, found))
    }

    /// Where in the first sector behind a hole the data begins, so that holes end where they were
    /// made and not where a sector does: at a multiple of 4096. `None` for a last sector that only
    /// says where the file ends.
    fn skip_zeros(&self, state: &State, index: SectorIndex) -> Option<u64> {
        let length = state.size.checked_sub(index.offset()).filter(|rest| *rest > 0)?;
        let length = length.min(PAYLOAD);
        let mut payload = Payload::zero();
        let zeros = match self.read_sector(state, index, &mut payload) {
            Ok(()) => payload[..length as usize].iter().take_while(|byte| **byte == 0).count(),
            // Damage is told by whoever reads it.
            Err(_) => 0,
        };
        if zeros as u64 == length {
            let is_last = index == SectorIndex::of(state.size - 1);
            return (!is_last).then_some(index.offset());
        }
        let first = index.offset() + zeros as u64;
        Some((first / BLOCK * BLOCK).max(index.offset()))
    }

    fn read_sector(
        &self,
        state: &State,
        index: SectorIndex,
        payload: &mut [u8; PAYLOAD_LEN],
    ) -> Result<()> {
        let sealing = sealing(state)?;
        let _turn = self.turns.to_read(index.0..index.0 + 1);
        let mut sector = [0; SECTOR_LEN];
        if self.disk.read_at(&mut sector, index.position())? < SECTOR_LEN {
            return Err(Error::Cut(index));
        }
        self.open_sector(state, sealing, &mut sealing.opener(), index, &sector, payload)
    }

    /// The first offset at or after `offset` that is in a hole, the end counting as one; `None` when
    /// `offset` is at or beyond the end.
    ///
    /// # Errors
    /// The filesystem's.
    pub fn seek_hole(&self, offset: u64) -> Result<Option<u64>> {
        let state = self.read_state();
        if offset >= state.size {
            return Ok(None);
        }
        if !sealing(&state)?.header.may_have_holes {
            return Ok(Some(state.size));
        }
        let physical = self.disk.seek_hole(SectorIndex::of(offset).position())?;
        let Some(physical) = physical else { return Ok(Some(state.size)) };
        // A hole that begins inside a sector begins for us with the next one.
        let sector = SectorIndex(physical.saturating_sub(SECTOR).div_ceil(SECTOR));
        Ok(Some(sector.offset().clamp(offset, state.size)))
    }

    /// Lets the header say that there may be holes, durably, and makes the sector durable that tells where the file
    /// ends. Each opening writes both once, also where they are so already: who wrote them may have died or
    /// failed before they were durable.
    pub(super) fn allow_holes(&self, state: &mut State) -> Result<()> {
        let sealing = sealing_mut(state)?;
        sealing.passing = None;
        if sealing.holes_durable {
            return Ok(());
        }
        let before = std::mem::replace(&mut sealing.header.may_have_holes, true);
        let written = self
            .write_header(&mut sealing.header)
            .and_then(|()| self.rewrite_last_sector(state))
            .and_then(|()| self.sync_header());
        let sealing = sealing_mut(state)?;
        match written {
            Ok(()) => sealing.holes_durable = true,
            Err(_) => sealing.header.may_have_holes = before,
        }
        written
    }

    /// The sectors wholly inside the range, without the file's last one.
    fn inner_sectors(&self, state: &State, range: &Range<u64>) -> Range<u64> {
        let first = range.start.div_ceil(PAYLOAD);
        let end = (range.end / PAYLOAD).min(sectors(state.size).saturating_sub(1));
        first..end.max(first)
    }

    /// Overwrites with zeros what of the range is not in `whole`.
    fn zero_edges(&self, state: &mut State, range: &Range<u64>, whole: &Range<u64>) -> Result<()> {
        let (inner_start, inner_end) = (whole.start * PAYLOAD, whole.end * PAYLOAD);
        let edges = if whole.is_empty() {
            [range.clone(), 0..0]
        } else {
            [range.start..inner_start, inner_end.max(range.start)..range.end]
        };
        for edge in edges {
            for span in spans(edge.start, edge.end.saturating_sub(edge.start)) {
                let at = span.index.offset() + span.within.start as u64;
                self.write_locked(state, at, &[0; PAYLOAD as usize][span.within])?;
            }
        }
        Ok(())
    }
}

/// The part of the range that lies inside the file, if any.
fn clamp(state: &State, offset: u64, length: u64) -> Option<Range<u64>> {
    let end = offset.saturating_add(length).min(state.size);
    (offset < end).then_some(offset..end)
}
