//! Changing a file's keys while it is in use: wrapping its key anew, and re-encrypting its sectors.
//!
//! Re-encrypting goes by two file keys. First the header with both is durable; from then on whatever is
//! written is sealed under the next key and either opens a sector; then each stored sector that does not
//! open under the next key is sealed anew in its place; and when all of that is durable the header
//! loses the old key. Whenever it is broken off, the header on disk has every key that a sector
//! on disk is sealed under.
//!
//! What users see of a file stays as it was, its time of modification too.

use super::sealing::{Sealing, SectorOpener, Under};
use super::{BATCH, CipherFile, State};
use crate::format::geometry::{SECTOR, SectorIndex, Shape, sectors};
use crate::format::header::FileHeader;
use crate::format::sector::{self, PAYLOAD_LEN, Payload, SECTOR_LEN};
use crate::storage::with_buffer;
use crate::volume::{Error, Result};
use std::ops::Range;

/// How far the re-encryption of a file has come.
pub struct Rekey {
    /// The contents that it is about: those of a file that was cut to nothing are others.
    file_id: [u8; 16],
    next: SectorIndex,
    /// Sectors that are re-encrypted in one go.
    batch: u64,
    /// Sectors that are under the next key already are written again, too.
    again: bool,
    complete: bool,
    damaged: u64,
    first_damaged: SectorIndex,
}

/// What one step of a re-encryption did.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// Bytes of ciphertext that were looked at.
    pub bytes: u64,
    /// Bytes of them that were encrypted anew.
    pub written: u64,
}

impl Rekey {
    #[cfg(test)]
    pub(super) fn set_batch(&mut self, sectors: u64) {
        self.batch = sectors;
    }

    fn of(sealing: &Sealing, again: bool) -> Self {
        let start = SectorIndex(0);
        let file_id = sealing.header.file_id;
        let (complete, damaged) = (false, 0);
        Self { file_id, next: start, batch: BATCH, again, complete, damaged, first_damaged: start }
    }

    fn is_about(&self, sealing: &Sealing) -> bool {
        sealing.is_rekeying() && sealing.header.file_id == self.file_id
    }

    fn note_damage(&mut self, index: SectorIndex) {
        if self.damaged == 0 {
            self.first_damaged = index;
        }
        self.damaged += 1;
    }
}

impl CipherFile {
    /// Wraps the file's key under the category's current key and makes that durable; tells whether
    /// there was anything to do. With `again` a header that is so already is written all the same: after a
    /// sync that failed, what is read may be in memory only, and no later sync would write it.
    ///
    /// # Errors
    /// [`Error::Header`] for the header of an empty file that does not verify; the filesystem's. The
    /// file can be read as before.
    pub fn rewrap(&self, again: bool) -> Result<bool> {
        let written = {
            let mut state = self.state_to_change()?;
            match &mut state.sealing {
                Some(sealing) => self.rewrap_header(&mut sealing.header, again)?,
                None => self.rewrap_empty(again)?,
            }
        };
        if written {
            self.sync(false)?;
        }
        Ok(written)
    }

    fn rewrap_header(&self, header: &mut FileHeader, again: bool) -> Result<bool> {
        let current = self.keys.now().current_epoch();
        if header.epoch == current && !again {
            return Ok(false);
        }
        let before = std::mem::replace(&mut header.epoch, current);
        let written = self.keeping_time(|| self.write_header(header));
        if written.is_err() {
            header.epoch = before;
        }
        written.map(|()| true)
    }

    /// The header of a file that has nothing but a header: it is not taken over, and must be one that
    /// can be read.
    fn rewrap_empty(&self, again: bool) -> Result<bool> {
        let physical = self.disk.size()?;
        if physical == 0 || self.holds_only_zeros(physical)? {
            return Ok(false);
        }
        self.rewrap_header(&mut self.load_header()?.header, again)
    }

    /// Begins to re-encrypt the file, or goes on where that was broken off; none when the file is
    /// under the category's current key and sealed under one key of its own. With `again` whatever was
    /// written for it before is written anew, as [`CipherFile::rewrap`] does.
    ///
    /// # Errors
    /// As [`CipherFile::rewrap`].
    pub fn begin_rekey(&self, again: bool) -> Result<Option<Rekey>> {
        self.standing.may_write()?;
        if again {
            self.rewrap(true)?;
        }
        // Not in the `match` itself, which would hold the state to its end.
        let is_current = self.read_state().sealing.as_ref().map(|sealing| self.is_current(sealing));
        match is_current {
            Some(true) => return Ok(None),
            // What is synced below, under the lock, is then only little.
            Some(false) => self.sync(true)?,
            None => {}
        }
        let mut state = self.state_to_change()?;
        let Some(sealing) = &mut state.sealing else {
            let written = self.rewrap_empty(false)?;
            return if written { self.sync(false).map(|()| None) } else { Ok(None) };
        };
        if self.is_current(sealing) {
            return Ok(None);
        }
        if !sealing.is_rekeying() {
            let current = self.keys.now().current_epoch();
            sealing.begin_rekey(current, |header| self.replace_header(header))?;
        }
        Ok(Some(Rekey::of(sealing, again)))
    }

    /// Whether the file needs none but the category's current key and, with `data`, was re-encrypted.
    pub fn is_rotated(&self, data: bool) -> bool {
        match &self.read_state().sealing {
            // Perhaps the header on the disk is another.
            _ if self.standing.may_sync().is_err() => false,
            Some(sealing) if data => self.is_current(sealing),
            Some(sealing) => sealing.header.epoch == self.keys.now().current_epoch(),
            // Nothing, or a bare header that must be looked at.
            None => self.disk.size().is_ok_and(|size| size == 0),
        }
    }

    fn is_current(&self, sealing: &Sealing) -> bool {
        !sealing.is_rekeying() && sealing.header.epoch == self.keys.now().current_epoch()
    }

    /// Re-encrypts the next sectors, at most 256 of them; tells of how many bytes, and
    /// nothing at the end. Damaged sectors stay as they are.
    ///
    /// # Errors
    /// The filesystem's; every sector is then as it was, or re-encrypted.
    pub fn rekey_batch(&self, rekey: &mut Rekey) -> Result<Option<Batch>> {
        let state = self.state_to_change()?;
        let found = state.sealing.as_ref().filter(|sealing| rekey.is_about(sealing));
        let range = match found {
            Some(sealing) => self.stretch(&state, sealing, rekey)?,
            None => 0..0,
        };
        let (Some(sealing), false) = (found, range.is_empty()) else {
            rekey.complete = true;
            return Ok(None);
        };
        let length = (range.end - range.start) * SECTOR;
        let written = with_buffer(length as usize, |buffer| {
            let position = SectorIndex(range.start).position();
            let present = self.disk.read_at(buffer, position)? as u64 / SECTOR;
            let stored = &mut buffer.as_chunks_mut::<SECTOR_LEN>().0[..present as usize];
            let resealed = reseal(sealing, range.start, stored, rekey)?;
            if resealed.contains(&true) {
                self.keeping_time(|| self.write_runs(range.start, stored, &resealed))?;
            }
            // A file that is shorter than it says.
            (range.start + present..range.end).for_each(|cut| rekey.note_damage(SectorIndex(cut)));
            Ok::<_, Error>(resealed.iter().filter(|resealed| **resealed).count() as u64 * SECTOR)
        })?;
        rekey.next = SectorIndex(range.end);
        Ok(Some(Batch { bytes: length, written }))
    }

    /// Ends the re-encryption: the old key is gone when this returns.
    ///
    /// # Errors
    /// [`Error::NotReencrypted`] when sectors were damaged: the file keeps both keys. The filesystem's.
    /// [`Error::ReadOnly`] after a panic: it keeps both, too.
    pub fn finish_rekey(&self, rekey: &Rekey) -> Result<()> {
        if rekey.damaged > 0 || !rekey.complete {
            let (sectors, first) = (rekey.damaged, rekey.first_damaged);
            return Err(Error::NotReencrypted { sectors, first });
        }
        self.sync(true)?;
        let mut state = self.state_to_change()?;
        let Some(sealing) = state.sealing.as_mut().filter(|sealing| rekey.is_about(sealing)) else {
            return Ok(());
        };
        // No sector that is only in memory may need the key that is about to go.
        self.sync(true)?;
        sealing.finish_rekey(|header| self.replace_header(header))
    }

    /// The next sectors at or after `from` that may have to be re-encrypted.
    fn stretch(&self, state: &State, sealing: &Sealing, rekey: &Rekey) -> Result<Range<u64>> {
        // What a failed write left behind the end counts too: it is found when the file is opened.
        let end = sectors(state.size).max(Shape::of(self.disk.size()?).sectors);
        let first = self.skip_hole(sealing, rekey.next.0, end)?;
        Ok(first..end.min(first + rekey.batch))
    }

    /// Writes the sectors that were sealed anew, and no others: holes stay holes.
    pub(super) fn write_runs(
        &self,
        first: u64,
        stored: &[[u8; SECTOR_LEN]],
        resealed: &[bool],
    ) -> Result<()> {
        let mut at = 0;
        for run in resealed.chunk_by(|one, next| one == next) {
            let end = at + run.len();
            if run.first() == Some(&true) {
                let position = SectorIndex(first + at as u64).position();
                self.disk.write_at(stored[at..end].as_flattened(), position)?;
            }
            at = end;
        }
        Ok(())
    }

    /// Writes a header with other keys, durably.
    pub(super) fn replace_header(&self, header: &mut FileHeader) -> Result<()> {
        self.keeping_time(|| self.write_header(header))?;
        self.sync_header()
    }

    /// Has the time of modification, which is what users see, stay as it is. To be called under the
    /// lock that writers take.
    pub(super) fn keeping_time(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let time = self.disk.modified()?;
        let worked = work();
        let kept = self.disk.set_modified(time);
        worked.and(kept.map_err(Error::from))
    }
}

/// Seals anew, in place, each sector that is under the old key; tells which.
fn reseal(
    sealing: &Sealing,
    first: u64,
    stored: &mut [[u8; SECTOR_LEN]],
    rekey: &mut Rekey,
) -> Result<Vec<bool>> {
    let mut opener = sealing.opener();
    let mut payload = Payload::zero();
    let mut resealed = Vec::with_capacity(stored.len());
    for (index, sector) in (first..).map(SectorIndex).zip(stored) {
        let done = reseal_one(sealing, &mut opener, index, sector, &mut payload);
        let done = done.map(|done| done || (rekey.again && !sector::is_zero(sector)));
        if matches!(done, Err(Error::Sector { .. } | Error::Erased(_))) {
            rekey.note_damage(index);
            resealed.push(false);
        } else {
            resealed.push(done?);
        }
    }
    Ok(resealed)
}

fn reseal_one(
    sealing: &Sealing,
    opener: &mut SectorOpener<'_>,
    index: SectorIndex,
    sector: &mut [u8; SECTOR_LEN],
    payload: &mut [u8; PAYLOAD_LEN],
) -> Result<bool> {
    if sector::is_zero(sector) {
        let is_hole = sealing.header.may_have_holes;
        return if is_hole { Ok(false) } else { Err(Error::Erased(index)) };
    }
    let (header, under) =
        opener.open(index, sector, payload).map_err(|source| Error::Sector { index, source })?;
    if under == Under::New {
        return Ok(false);
    }
    sealing.seal(index, header, payload, sector)?;
    Ok(true)
}
