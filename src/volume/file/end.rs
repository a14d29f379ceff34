//! Where a file ends: the last sector says so itself, with its length and the end mark.

use super::write::{only_sector, sealing};
use super::{CipherFile, State};
use crate::format::geometry::{PAYLOAD, SECTOR, SectorIndex, sectors};
use crate::format::sector::{Payload, SECTOR_LEN, SectorHeader};
use crate::storage::with_buffer;
use crate::volume::Result;

impl CipherFile {
    /// Rewrites a last sector as one that is full and not the last. The size stays as it is until
    /// the sectors behind it are written.
    pub(super) fn complete_last_sector(&self, state: &State) -> Result<()> {
        let Some(last) = sectors(state.size).checked_sub(1) else { return Ok(()) };
        with_buffer(SECTOR_LEN, |buffer| {
            let sector = only_sector(buffer);
            self.load_completed(state, SectorIndex(last), sector)?;
            Ok(self.disk.write_at(sector, SectorIndex(last).position())?)
        })
    }

    /// A stored sector, sealed as one that is full and not the last.
    pub(super) fn load_completed(
        &self,
        state: &State,
        index: SectorIndex,
        sector: &mut [u8; SECTOR_LEN],
    ) -> Result<()> {
        let sealing = sealing(state)?;
        let mut payload = Payload::zero();
        self.load_plain(state, sealing, index, sector, &mut payload)?;
        sealing.seal(index, SectorHeader::INNER, &payload, sector)
    }

    /// Shrinks: the sector that becomes the last is sealed anew with its length and the end mark.
    pub(super) fn cut_last_sector(&self, state: &mut State, size: u64) -> Result<()> {
        let last = SectorIndex::of(size - 1);
        with_buffer(SECTOR_LEN, |buffer| {
            let sector = only_sector(buffer);
            self.store_durably(state, last, sector)?;
            self.load_truncated(state, last, size, sector)?;
            // First the cut, so that no sector behind an end mark is ever on disk. Should the
            // process die in between, the file ends with this sector, whole.
            self.disk.set_size(last.position() + SECTOR)?;
            state.size = state.size.min((last.0 + 1) * PAYLOAD);
            self.disk.write_at(sector, last.position())?;
            state.size = size;
            Ok(())
        })
    }

    /// Writes the last sector once more as it is; one that does not verify stays so.
    pub(super) fn rewrite_last_sector(&self, state: &State) -> Result<()> {
        if state.size == 0 {
            return Ok(());
        }
        let last = SectorIndex::of(state.size - 1);
        with_buffer(SECTOR_LEN, |buffer| {
            let sector = only_sector(buffer);
            match self.load_truncated(state, last, state.size, sector) {
                Err(error) if error.is_damage() => Ok(()),
                loaded => {
                    Ok(loaded.and_then(|()| Ok(self.disk.write_at(sector, last.position())?))?)
                }
            }
        })
    }

    /// Sees to it that a sector is durably full that may have been a hole at the last sync, or bears an end mark, or
    /// bore one when it was overwritten. A file that was cut behind it could end before that.
    fn store_durably(
        &self,
        state: &State,
        index: SectorIndex,
        sector: &mut [u8; SECTOR_LEN],
    ) -> Result<()> {
        if index == SectorIndex::of(state.size.saturating_sub(1)) {
            return Ok(());
        }
        // With holes also one that is none: it may be there for reads only, after a sync that failed.
        let stored = !sealing(state)?.header.may_have_holes && self.unsynced.are_writes_durable();
        if stored && !self.bears_end_mark(state, index, sector)? {
            return Ok(());
        }
        self.load_completed(state, index, sector)?;
        self.disk.write_at(sector, index.position())?;
        self.sync(true)
    }

    /// Whether a sector says that the file ends in it: inside the file, the trace of a power cut.
    fn bears_end_mark(
        &self,
        state: &State,
        index: SectorIndex,
        sector: &mut [u8; SECTOR_LEN],
    ) -> Result<bool> {
        self.disk.read_at(sector, index.position())?;
        let opened = sealing(state)?.opener().open(index, sector, &mut Payload::zero());
        // Damage is told by whoever needs what is in it.
        Ok(opened.is_ok_and(|(header, _)| header.last))
    }

    /// The sector that ends a file of `size` bytes, sealed with its end mark.
    pub(super) fn load_truncated(
        &self,
        state: &State,
        last: SectorIndex,
        size: u64,
        sector: &mut [u8; SECTOR_LEN],
    ) -> Result<()> {
        let length = (size - last.offset()) as usize;
        let sealing = sealing(state)?;
        let mut payload = Payload::zero();
        self.load_plain(state, sealing, last, sector, &mut payload)?;
        payload[length..].fill(0);
        let header = SectorHeader { length: length as u16, last: true };
        sealing.seal(last, header, &payload, sector)
    }
}
