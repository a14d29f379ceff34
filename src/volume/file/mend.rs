//! Mending what can be: the copies of a header, and sectors that a database can do without.
//!
//! Each step is one write that leaves the old or the new, so a repair that is broken off has mended a
//! part, and the rest is as it was.

use super::{BATCH, CipherFile, State};
use crate::format::geometry::{SECTOR, SectorIndex, sectors};
use crate::format::header::{FileHeader, HEADER_LEN};
use crate::format::sector::{self, PAYLOAD_LEN, Payload, SECTOR_LEN, SectorHeader};
use crate::storage::with_buffer;
use crate::volume::{Error, Result};
use std::io;
use std::ops::Range;

/// Keeps bytes of ciphertext that are about to be overwritten.
pub trait Keep {
    /// Takes the bytes at a position.
    ///
    /// # Errors
    /// Whatever keeps it from keeping them; then nothing is overwritten.
    fn keep(&mut self, position: u64, bytes: &[u8]) -> io::Result<()>;

    /// What was taken is durable when this returns.
    ///
    /// # Errors
    /// As [`Keep::keep`].
    fn make_durable(&mut self) -> io::Result<()>;
}

impl CipherFile {
    /// Writes both copies of the header anew, durably, when one of them is not the header in use; tells
    /// whether that was so.
    ///
    /// # Errors
    /// The filesystem's; each copy is then the old or the new. [`Error::SyncFailed`] and [`Error::ReadOnly`] where
    /// nothing may be written any more.
    pub fn mend_header(&self) -> Result<bool> {
        let mut state = self.state_to_change()?;
        let mut alone;
        let header = match &mut state.sealing {
            Some(sealing) => &mut sealing.header,
            // Nothing but a header: an empty file, which keeps it.
            None => {
                let mut page = [0; HEADER_LEN];
                if self.disk.read_at(&mut page, 0)? < HEADER_LEN {
                    return Ok(false);
                }
                alone = FileHeader::decode(&page, &self.keys.now()).map_err(Error::Header)?.header;
                &mut alone
            }
        };
        if self.check_header(header)?.is_none() {
            return Ok(false);
        }
        self.keeping_time(|| self.write_header(header))?;
        self.sync(false)?;
        Ok(true)
    }

    /// Whether any sector verifies: then the header is the file's own.
    ///
    /// # Errors
    /// The filesystem's.
    pub fn has_sound_sector(&self) -> Result<bool> {
        let mut at = 0;
        loop {
            let checked = self.check_sectors(at..at + BATCH)?;
            if checked.sound > 0 || checked.bytes == 0 {
                return Ok(checked.sound > 0);
            }
            at += BATCH;
        }
    }

    /// Puts sealed zeros, durably, in the place of those sectors of the range that do not verify or are
    /// erased, after `keep` has made what is there durable; tells how many. Of the range at most
    /// the first 256 sectors are looked at.
    ///
    /// # Errors
    /// The filesystem's, and those of `keep`; every sector is then as it was, or zeros. [`Error::SyncFailed`] and
    /// [`Error::ReadOnly`] where nothing may be written any more.
    pub fn zero_damaged(&self, range: Range<u64>, keep: &mut dyn Keep) -> Result<u64> {
        let state = self.state_to_change()?;
        let end = range.end.min(sectors(state.size)).min(range.start + BATCH);
        if range.start >= end {
            return Ok(0);
        }
        let length = ((end - range.start) * SECTOR) as usize;
        with_buffer(length, |buffer| {
            let present = self.disk.read_at(buffer, SectorIndex(range.start).position())?;
            let stored = buffer[..present].as_chunks_mut::<SECTOR_LEN>().0;
            let damaged = damaged(&state, range.start, stored);
            for (index, sector) in marked(range.start, stored, &damaged) {
                keep.keep(index.position(), sector).map_err(Error::NotKept)?;
            }
            let count = damaged.iter().filter(|damaged| **damaged).count() as u64;
            if count > 0 {
                keep.make_durable().map_err(Error::NotKept)?;
                for (index, sector) in marked(range.start, stored, &damaged) {
                    seal_zeros(&state, index, sector)?;
                }
                self.write_runs(range.start, stored, &damaged)?;
                self.sync(true)?;
            }
            Ok(count)
        })
    }
}

/// Those of the sectors that are marked.
fn marked<'s>(
    first: u64,
    stored: &'s mut [[u8; SECTOR_LEN]],
    marks: &'s [bool],
) -> impl Iterator<Item = (SectorIndex, &'s mut [u8; SECTOR_LEN])> {
    let sectors = (first..).map(SectorIndex).zip(stored).zip(marks);
    sectors.filter_map(|(sector, mark)| mark.then_some(sector))
}

/// Which of the sectors do not verify, or are erased.
fn damaged(state: &State, first: u64, stored: &[[u8; SECTOR_LEN]]) -> Vec<bool> {
    let Some(sealing) = &state.sealing else { return vec![false; stored.len()] };
    let mut opener = sealing.opener();
    let mut payload = Payload::zero();
    let is_damaged = |(index, sector): (u64, &[u8; SECTOR_LEN])| {
        if sector::is_zero(sector) {
            return !sealing.header.may_have_holes || index + 1 == sectors(state.size);
        }
        opener.open(SectorIndex(index), sector, &mut payload).is_err()
    };
    (first..).zip(stored).map(is_damaged).collect()
}

/// Seals zeros as the sector that the file has there.
pub(super) fn seal_zeros(
    state: &State,
    index: SectorIndex,
    sector: &mut [u8; SECTOR_LEN],
) -> Result<()> {
    let Some(sealing) = &state.sealing else { return Ok(()) };
    let rest = state.size - index.offset();
    let length = rest.min(PAYLOAD_LEN as u64) as u16;
    let header = SectorHeader { length, last: rest <= PAYLOAD_LEN as u64 };
    sealing.seal(index, header, &[0; PAYLOAD_LEN], sector)
}

#[cfg(test)]
#[path = "mend_tests.rs"]
mod tests;
