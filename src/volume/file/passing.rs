//! Files that are extended before anything is written to them.
//!
//! Databases make files so, and write again from a journal of their own what was not synced when the power failed.
//! They must find a file that is empty, or has the size that they gave it and zeros where nothing else is. So first the
//! header is made durable, which says that there may be holes; then the last sector alone is, which says the size. Holes in
//! small files are not to stay, as an erased sector would pass for one: at the next sync they are filled with sealed
//! zeros, and when those are durable, too, the header forbids holes. Where the file is closed before that, they stay.

use super::mend::seal_zeros;
use super::sealing::Passing;
use super::write::sealing_mut;
use super::{CipherFile, State};
use crate::format::geometry::{PAYLOAD, SECTOR, SectorIndex, sectors};
use crate::format::sector::{self, SECTOR_LEN};
use crate::storage::with_buffer;
use crate::volume::{Error, Result};

impl CipherFile {
    /// Extends the file to a larger size. One that was empty durably has it when this returns.
    pub(super) fn extend(&self, state: &mut State, end: u64) -> Result<()> {
        let is_new = self.begin_extended(state)?;
        self.write_locked(state, end - 1, &[0])?;
        if is_new { self.sync(true) } else { Ok(()) }
    }

    /// To be called before a file is extended; one that is not empty stays as it is. Tells whether it was.
    pub(super) fn begin_extended(&self, state: &mut State) -> Result<bool> {
        if state.size > 0 {
            return Ok(false);
        }
        self.begin(state)?;
        let allowed = self.allow_holes(state);
        if allowed.is_err() {
            let _ = self.roll_back(state, 0);
        }
        allowed?;
        sealing_mut(state)?.passing = Some(Passing::Before(0));
        Ok(true)
    }

    /// To be called after a sync: fills passing holes, and forbids holes when all sectors are durable. Neither need be
    /// durable, and what fails is tried again after the next sync.
    pub(super) fn end_passing_holes(&self) {
        // Where it is in use a later sync does it.
        let Ok(mut state) = self.state.try_write() else { return };
        let Some(passing) = state.sealing.as_ref().and_then(|sealing| sealing.passing) else {
            return;
        };
        let may_go_on = self.unsynced.is_growth_durable() && self.standing.may_write().is_ok();
        if !may_go_on || state.size == 0 {
            return;
        }
        state.recent.clear();
        if let Passing::Before(end) = passing
            && self.keeping_time(|| self.fill_holes(&mut state, end)).is_err()
        {
            return;
        }
        let are_durable = self.unsynced.are_writes_durable();
        let Some(sealing) = state.sealing.as_mut().filter(|_| are_durable) else { return };
        sealing.header.may_have_holes = false;
        // Whatever becomes of the write: perhaps the disk forbids holes then.
        sealing.holes_durable = false;
        match self.keeping_time(|| self.write_header(&mut sealing.header)) {
            Ok(()) => sealing.passing = None,
            Err(_) => sealing.header.may_have_holes = true,
        }
    }

    /// Puts sealed zeros into the holes before sector `end`, of which there are few.
    fn fill_holes(&self, state: &mut State, end: u64) -> Result<()> {
        let end = end.min(sectors(state.size).saturating_sub(1));
        let filled = with_buffer((end * SECTOR) as usize, |buffer| {
            let count = self.disk.read_at(buffer, SectorIndex(0).position())?;
            let stored = buffer[..count].as_chunks_mut::<SECTOR_LEN>().0;
            let holes: Vec<bool> = stored.iter().map(sector::is_zero).collect();
            for (index, bytes) in (0..).map(SectorIndex).zip(&mut *stored) {
                if holes[index.0 as usize] {
                    seal_zeros(state, index, bytes)?;
                }
            }
            if !holes.contains(&true) {
                return Ok::<_, Error>(());
            }
            let written = self.write_runs(0, stored, &holes);
            self.unsynced.note_write(false);
            written
        });
        if filled.is_err() {
            self.punch_torn(state, 0, end * PAYLOAD, state.size)?;
        }
        filled?;
        sealing_mut(state)?.passing = Some(Passing::Filled);
        Ok(())
    }
}
