//! Reading plaintext.

use super::sealing::{Sealing, SectorOpener};
use super::{BATCH, CipherFile, Event, State};
use crate::format::geometry::{PAYLOAD, SECTOR, SectorIndex, Span, spans, touched};
use crate::format::sector::{self, PAYLOAD_LEN, Payload, SECTOR_LEN};
use crate::storage::with_buffer;
use crate::volume::{Error, Result};

impl CipherFile {
    /// Reads plaintext into `out`; returns how many bytes, fewer only at the end of the file.
    ///
    /// # Errors
    /// [`Error::Sector`], [`Error::Erased`] or [`Error::Cut`] when any sector of the range is damaged: never part of a
    /// range, so that no caller mistakes damage for the end of the file. The filesystem's.
    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<usize> {
        self.read_plain(offset, out).inspect_err(|error| self.tell_damage(error))
    }

    fn read_plain(&self, offset: u64, out: &mut [u8]) -> Result<usize> {
        let state = self.read_state();
        let Some(sealing) = &state.sealing else { return Ok(0) };
        let wanted = (out.len() as u64).min(state.size.saturating_sub(offset)) as usize;
        let _turn = self.turns.to_read(touched(offset, wanted as u64));
        let mut done = 0;
        while done < wanted {
            let from = offset + done as u64;
            let batch_end = (SectorIndex::of(from).0 + BATCH) * PAYLOAD;
            let count = (wanted - done).min((batch_end - from) as usize);
            self.read_batch(&state, sealing, from, &mut out[done..done + count])?;
            done += count;
        }
        Ok(wanted)
    }

    fn read_batch(
        &self,
        state: &State,
        sealing: &Sealing,
        from: u64,
        out: &mut [u8],
    ) -> Result<()> {
        let first = SectorIndex::of(from);
        let count = SectorIndex::of(from + out.len() as u64 - 1).0 - first.0 + 1;
        with_buffer((count * SECTOR) as usize, |sectors| {
            let present = self.disk.read_at(sectors, first.position())?;
            let mut opener = sealing.opener();
            let mut rest = out;
            for (span, sector) in
                spans(from, rest.len() as u64).zip(sectors[..present].as_chunks::<SECTOR_LEN>().0)
            {
                let (part, after) = std::mem::take(&mut rest).split_at_mut(span.within.len());
                self.open_span(state, sealing, &mut opener, &span, sector, part)?;
                rest = after;
            }
            if rest.is_empty() {
                Ok(())
            } else {
                Err(Error::Cut(SectorIndex(first.0 + present as u64 / SECTOR)))
            }
        })
    }

    /// Opens one sector and gives the wanted part of it.
    fn open_span(
        &self,
        state: &State,
        sealing: &Sealing,
        opener: &mut SectorOpener<'_>,
        span: &Span,
        sector: &[u8; SECTOR_LEN],
        out: &mut [u8],
    ) -> Result<()> {
        if let Ok(whole) = <&mut [u8; PAYLOAD_LEN]>::try_from(&mut *out) {
            return self.open_sector(state, sealing, opener, span.index, sector, whole);
        }
        let mut payload = Payload::zero();
        self.open_sector(state, sealing, opener, span.index, sector, &mut payload)?;
        out.copy_from_slice(&payload[span.within.clone()]);
        Ok(())
    }

    /// Opens one sector whole; a hole gives zeros where the file may have holes.
    pub(super) fn open_sector(
        &self,
        state: &State,
        sealing: &Sealing,
        opener: &mut SectorOpener<'_>,
        index: SectorIndex,
        sector: &[u8; SECTOR_LEN],
        payload: &mut [u8; PAYLOAD_LEN],
    ) -> Result<()> {
        if sector::is_zero(sector) {
            if !sealing.header.may_have_holes {
                return Err(Error::Erased(index));
            }
            payload.fill(0);
            return Ok(());
        }
        let (header, _) = opener
            .open(index, sector, payload)
            .map_err(|source| Error::Sector { index, source })?;
        if header.last && index != SectorIndex::of(state.size.saturating_sub(1)) {
            self.tell(Event::EndMarkInside { sector: index.0 });
        }
        Ok(())
    }
}
