//! What a write makes of sectors: new bytes, and around them the old ones where it covers a sector in part.

use super::sealing::Sealing;
use super::write::{Batch, sealing};
use super::{CipherFile, State};
use crate::format::geometry::{PAYLOAD, SectorIndex, Span, spans};
use crate::format::sector::{PAYLOAD_LEN, Payload, SECTOR_LEN, SectorHeader};
use crate::volume::{Error, Result};

impl CipherFile {
    /// Seals what one batch makes of its sectors into a buffer of as many.
    pub(super) fn seal_spans(
        &self,
        state: &State,
        batch: &Batch<'_>,
        buffer: &mut [u8],
    ) -> Result<()> {
        let sealing = sealing(state)?;
        let last = SectorIndex::of(batch.size_after - 1);
        let grown = batch.size_after > state.size;
        let mut data = batch.data;
        let end = batch.offset + data.len() as u64;
        state.recent.forget(batch.offset.div_ceil(PAYLOAD)..end / PAYLOAD);
        for (span, sector) in
            spans(batch.offset, data.len() as u64).zip(buffer.as_chunks_mut::<SECTOR_LEN>().0)
        {
            let (part, rest) = data.split_at(span.within.len());
            data = rest;
            let is_last = span.index == last;
            let header = if is_last {
                SectorHeader { length: (batch.size_after - last.offset()) as u16, last: true }
            } else {
                SectorHeader::INNER
            };
            // What a file grows by is sealed once more, without the end mark, when it grows again.
            let goes_on = grown && is_last;
            if !goes_on && let Ok(whole) = part.try_into() {
                sealing.seal(span.index, header, whole, sector)?;
                continue;
            }
            let payload = self.merge(state, sealing, &span, part, sector)?;
            sealing.seal(span.index, header, &payload, sector)?;
            state.recent.keep(span.index, payload);
        }
        Ok(())
    }

    /// The sector's plaintext: the new bytes, and the old bytes around them.
    fn merge(
        &self,
        state: &State,
        sealing: &Sealing,
        span: &Span,
        part: &[u8],
        sector: &mut [u8; SECTOR_LEN],
    ) -> Result<Box<Payload>> {
        let start = span.index.offset();
        let covers_old = span.within.start == 0 && start + span.within.end as u64 >= state.size;
        let mut payload = if covers_old || start >= state.size {
            let (mut payload, _) = state.recent.take(span.index);
            payload[..span.within.start].fill(0);
            payload[span.within.end..].fill(0);
            payload
        } else {
            self.known_plain(state, sealing, span.index, sector)?
        };
        payload[span.within.clone()].copy_from_slice(part);
        Ok(payload)
    }

    /// A stored sector's plaintext, which is read into `sector` and opened unless it is known. To be kept
    /// ([`recent::Recent::keep`](super::recent::Recent::keep)) once it is what the sector is to hold.
    pub(super) fn known_plain(
        &self,
        state: &State,
        sealing: &Sealing,
        index: SectorIndex,
        sector: &mut [u8; SECTOR_LEN],
    ) -> Result<Box<Payload>> {
        let (mut payload, is_known) = state.recent.take(index);
        if !is_known {
            self.load_plain(state, sealing, index, sector, &mut payload)?;
        }
        Ok(payload)
    }

    /// Reads a stored sector into `sector` and its plaintext into `payload`.
    pub(super) fn load_plain(
        &self,
        state: &State,
        sealing: &Sealing,
        index: SectorIndex,
        sector: &mut [u8; SECTOR_LEN],
        payload: &mut [u8; PAYLOAD_LEN],
    ) -> Result<()> {
        if self.disk.read_at(sector, index.position())? < SECTOR_LEN {
            return Err(Error::Cut(index));
        }
        self.open_sector(state, sealing, &mut sealing.opener(), index, sector, payload)
    }
}
