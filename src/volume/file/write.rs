//! Writing plaintext and changing the size.
//!
//! Sectors are sealed into an aligned buffer and written in one call, then the physical size is set.
//! Each sector is therefore old or new whenever the process dies, and the last sector's own length
//! decides when the two disagree.

use super::sealing::{Passing, Sealing};
use super::{BATCH, CipherFile, State};
use crate::format::geometry::{
    MAX_SIZE, PAYLOAD, SECTOR, SectorIndex, ciphertext_size, sectors, spans,
};
use crate::format::header::{FileHeader, HEADER_LEN};
use crate::format::sector::{SECTOR_LEN, SectorHeader};
#[cfg(test)]
use crate::storage::double::broken::{self, Broken};
use crate::storage::with_buffer;
use crate::volume::{Error, Result};

/// Gaps up to this many sectors are stored as sealed zeros; only longer ones become holes, so that in small files no
/// erased sector passes for a hole.
const SMALL_GAP: u64 = 256;

/// A range of plaintext that one batch of sectors covers, and the size the file has after it.
pub(super) struct Batch<'a> {
    pub offset: u64,
    pub data: &'a [u8],
    pub size_after: u64,
}

impl CipherFile {
    /// Writes `data` at `offset`, extending the file if need be; a gap before it reads as zeros.
    ///
    /// # Errors
    /// [`Error::Sector`] or [`Error::Erased`] when a sector that is only partly overwritten is
    /// damaged, unless what it held is known from a write shortly before; [`Error::TooLarge`]; the
    /// filesystem's (no space, say). Every sector is then old or new and the size is right for what was written. [`Error::SyncFailed`] after a sync that failed,
    /// [`Error::ReadOnly`] after a panic.
    pub fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let end = offset.checked_add(data.len() as u64).filter(|end| *end <= MAX_SIZE);
        end.ok_or(Error::TooLarge)?;
        let written = self.overwrite(offset, data).unwrap_or_else(|| {
            let mut state = self.state_to_write()?;
            if data.is_empty() { Ok(()) } else { self.write_locked(&mut state, offset, data) }
        });
        written.inspect_err(|error| self.tell_damage(error))
    }

    /// Cuts the file or extends it with zeros.
    ///
    /// # Errors
    /// As [`CipherFile::write_at`].
    pub fn set_size(&self, size: u64) -> Result<()> {
        if size > MAX_SIZE {
            return Err(Error::TooLarge);
        }
        let mut state = self.state_to_change()?;
        if size > state.size {
            return self.extend(&mut state, size);
        }
        if size < state.size && size > 0 {
            self.cut_last_sector(&mut state, size)?;
        }
        // Also when the size stays: the filesystem below then renews the times.
        self.disk.set_size(ciphertext_size(size))?;
        state.size = size;
        if size == 0 {
            (state.sealing, state.is_unwritten) = (None, false);
        }
        Ok(())
    }

    pub(super) fn write_locked(&self, state: &mut State, offset: u64, data: &[u8]) -> Result<()> {
        self.begin(state)?;
        let size_before = state.size;
        let written =
            self.fill_gap(state, offset).and_then(|()| self.write_batches(state, offset, data));
        if written.is_err() {
            self.undo(state, offset, data.len() as u64, size_before);
        }
        written
    }

    /// After a failed write: each sector becomes old or new, and the file ends where it ended before. What made
    /// the write fail (a full disk, say) may fail this, too: then a reader is told of a sector that is neither, and
    /// the next open finds the end by the last sector.
    fn undo(&self, state: &mut State, offset: u64, length: u64, size: u64) {
        self.undo_overwriting(state, offset, length, size);
        #[cfg(test)]
        if broken::is(Broken::NoRollback) {
            return;
        }
        if offset + length > size {
            let _ = self.roll_back(state, size);
        }
    }

    /// Gives an empty file an id and a key.
    pub(super) fn begin(&self, state: &mut State) -> Result<()> {
        if state.sealing.is_none() {
            // Zeros, or what an earlier write left that could not be taken back.
            if self.disk.size()? > SECTOR {
                self.disk.set_size(0)?;
            }
            state.is_unwritten = false;
            let header = FileHeader::generate(&self.keys.now()).map_err(Error::Seal)?;
            state.sealing = Some(Sealing::new(header)?);
        }
        Ok(())
    }

    /// After a failed write: the file ends where it ended before.
    pub(super) fn roll_back(&self, state: &mut State, size: u64) -> Result<()> {
        if size == 0 {
            (state.size, state.sealing) = (0, None);
            return Ok(self.disk.set_size(0)?);
        }
        let last = SectorIndex::of(size - 1);
        state.size = size;
        with_buffer(SECTOR_LEN, |buffer| {
            let sector = only_sector(buffer);
            self.load_truncated(state, last, size, sector)?;
            Ok::<_, Error>(self.disk.write_at(sector, last.position())?)
        })?;
        // First without the tail: what was written into its place must not be there when the file
        // grows again.
        self.disk.set_size(last.position() + SECTOR)?;
        Ok(self.disk.set_size(ciphertext_size(size))?)
    }

    /// Where a filesystem with blocks below 4096 bytes ran full in the middle of a sector that was a
    /// hole, a part of the new sector is there and a part of the hole. It becomes a hole again.
    pub(super) fn punch_torn(
        &self,
        state: &State,
        offset: u64,
        length: u64,
        size: u64,
    ) -> Result<()> {
        if !sealing(state)?.header.may_have_holes {
            return Ok(());
        }
        for span in spans(offset, length.min(size.saturating_sub(offset))) {
            let (start, end) = (span.index.position(), span.index.position() + SECTOR);
            let Some(data) = self.disk.seek_data(start)?.filter(|data| *data < end) else {
                continue;
            };
            let hole = self.disk.seek_hole(data)?.unwrap_or(end);
            if data > start || hole < end {
                self.disk.punch(start, SECTOR)?;
            }
        }
        Ok(())
    }

    fn write_batches(&self, state: &mut State, offset: u64, data: &[u8]) -> Result<()> {
        batches(offset, data).try_for_each(|(offset, data)| {
            let size_after = state.size.max(offset + data.len() as u64);
            let batch = Batch { offset, data, size_after };
            if size_after > state.size {
                self.append_batch(state, &batch)
            } else {
                self.overwrite_batch(state, &batch)
            }
        })
    }

    /// Makes sure that the file's last sector is the one before or at `offset`, filling what lies
    /// between with sealed zeros or, where that is long, with holes.
    fn fill_gap(&self, state: &mut State, offset: u64) -> Result<()> {
        let stored = sectors(state.size);
        let target = SectorIndex::of(offset).0;
        if target <= stored {
            return Ok(());
        }
        let sealing = sealing_mut(state)?;
        let is_small = target - stored <= SMALL_GAP;
        if is_small && stored == 0 && sealing.passing.is_some() {
            sealing.passing = Some(Passing::Before(target));
            return Ok(());
        }
        if is_small && (!sealing.header.may_have_holes || sealing.passing.is_some()) {
            let from = state.size;
            let zeros = vec![0; (target * PAYLOAD - from) as usize];
            return self.write_batches(state, from, &zeros);
        }
        self.allow_holes(state)?;
        if stored > 0 {
            // The tail becomes part of a sector that must be a hole: nothing may be in it.
            self.disk.set_size(SectorIndex(stored).position())?;
        }
        self.complete_last_sector(state)
    }

    /// Seals and writes the sectors of one batch by which the file grows. Its range begins at most one sector
    /// behind the file's last one, or behind a gap of holes.
    fn append_batch(&self, state: &mut State, batch: &Batch<'_>) -> Result<()> {
        let stored = sectors(state.size);
        let first = SectorIndex::of(batch.offset).0;
        // A last sector that this batch follows loses its end mark in the same write.
        let lead = u64::from(stored > 0 && first == stored);
        let new_file = state.size == 0 && first == 0 && !sealing(state)?.holes_durable;
        let head = if new_file {
            let header = &mut sealing_mut(state)?.header;
            header.generation = 1;
            Some(self.encode_header(header)?)
        } else {
            None
        };
        let head_len = head.map_or(0, |_| HEADER_LEN);
        let count = spans(batch.offset, batch.data.len() as u64).count() + lead as usize;
        with_buffer(head_len + count * SECTOR_LEN, |buffer| {
            let (header, body) = buffer.split_at_mut(head_len);
            if let Some(page) = &head {
                header.copy_from_slice(page);
            }
            let (lead_sector, body) = body.split_at_mut(lead as usize * SECTOR_LEN);
            if lead == 1 {
                let (index, sector) = (SectorIndex(stored - 1), only_sector(lead_sector));
                let sealing = sealing(state)?;
                let payload = self.known_plain(state, sealing, index, sector)?;
                sealing.seal(index, SectorHeader::INNER, &payload, sector)?;
                state.recent.keep(index, payload);
            }
            self.seal_spans(state, batch, body)?;
            let position = SectorIndex(first - lead).position() - head_len as u64;
            #[cfg(test)]
            if broken::is(Broken::SizeFirst) {
                self.disk.set_size(ciphertext_size(batch.size_after))?;
            }
            #[cfg(test)]
            if broken::is(Broken::HeaderLast) && new_file {
                self.disk.write_at(&buffer[HEADER_LEN..], SECTOR)?;
            }
            self.write_sealed(buffer, position, true)
        })?;
        self.disk.set_size(ciphertext_size(batch.size_after))?;
        state.size = batch.size_after;
        Ok(())
    }

    /// Writes sealed sectors; `grown` says whether the file ends behind them.
    pub(super) fn write_sealed(&self, sealed: &[u8], position: u64, grown: bool) -> Result<()> {
        let written = self.disk.write_at(sealed, position);
        self.unsynced.note_write(grown);
        Ok(written?)
    }
}

/// Splits what is to be written at `offset` into what is written in one go, each with its offset.
pub(super) fn batches(offset: u64, data: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let (mut at, mut rest) = (offset, data);
    std::iter::from_fn(move || {
        let end = (SectorIndex::of(at).0 + BATCH) * PAYLOAD;
        let (batch, after) = rest.split_at((end - at).min(rest.len() as u64) as usize);
        let begins = at;
        (at, rest) = (end, after);
        (!batch.is_empty()).then_some((begins, batch))
    })
}

pub(super) fn sealing(state: &State) -> Result<&Sealing> {
    state.sealing.as_ref().ok_or(Error::WrongKind)
}

pub(super) fn sealing_mut(state: &mut State) -> Result<&mut Sealing> {
    state.sealing.as_mut().ok_or(Error::WrongKind)
}

/// A buffer of exactly one sector.
pub(super) fn only_sector(buffer: &mut [u8]) -> &mut [u8; SECTOR_LEN] {
    &mut buffer.as_chunks_mut::<SECTOR_LEN>().0[0]
}
