//! Writing what lies within a file, beside others who read and write other sectors of it.

use super::write::{Batch, batches};
use super::{CipherFile, State};
use crate::format::geometry::{SectorIndex, spans, touched};
use crate::format::sector::SECTOR_LEN;
#[cfg(test)]
use crate::storage::double::broken::{self, Broken};
use crate::storage::with_buffer;
use crate::volume::Result;

/// Marks a file when a write of it panics: nobody knows then what is in memory.
struct Unwinding<'a>(&'a CipherFile);

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set_read_only();
        }
    }
}

impl CipherFile {
    /// Overwrites, without the state to itself; `None`, and nothing is written, where the file would grow.
    pub(super) fn overwrite(&self, offset: u64, data: &[u8]) -> Option<Result<()>> {
        let state = self.read_state();
        let length = data.len() as u64;
        if state.sealing.is_none() || length == 0 || offset + length > state.size {
            return None;
        }
        let _turn = self.turns.to_write(touched(offset, length));
        let _unwinding = Unwinding(self);
        Some(self.may_write().and_then(|()| self.overwrite_in_turn(&state, offset, data)))
    }

    fn overwrite_in_turn(&self, state: &State, offset: u64, data: &[u8]) -> Result<()> {
        let mut parts = batches(offset, data);
        let written = parts.try_for_each(|(offset, data)| {
            self.overwrite_batch(state, &Batch { offset, data, size_after: state.size })
        });
        if written.is_err() {
            self.undo_overwriting(state, offset, data.len() as u64, state.size);
        }
        written
    }

    /// Seals and writes the sectors of one batch, which are all there.
    pub(super) fn overwrite_batch(&self, state: &State, batch: &Batch<'_>) -> Result<()> {
        let count = spans(batch.offset, batch.data.len() as u64).count();
        with_buffer(count * SECTOR_LEN, |buffer| {
            self.seal_spans(state, batch, buffer)?;
            self.write_sealed(buffer, SectorIndex::of(batch.offset).position(), false)
        })
    }

    /// After a failed write: of what lay within the file of `size` bytes each sector becomes old or new.
    pub(super) fn undo_overwriting(&self, state: &State, offset: u64, length: u64, size: u64) {
        state.recent.clear();
        #[cfg(test)]
        if broken::is(Broken::NoRollback) {
            return;
        }
        // What made the write fail may fail this, too.
        let _ = self.punch_torn(state, offset, length, size);
    }
}

#[cfg(test)]
#[path = "overwrite_tests.rs"]
mod tests;
