//! A file's contents piece by piece, without its holes.

use super::content::Content;
use crate::format::geometry::PAYLOAD;
use crate::storage::{AlignedBuffer, with_buffer};
use crate::volume::Result;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{Builder, scope};

/// Bytes moved at once: about 1 MiB, in whole sectors so that none is sealed twice.
pub(super) const CHUNK: u64 = 256 * PAYLOAD;

/// Pieces that are read before they are asked for, at most.
const AHEAD: usize = 3;

/// The length of the next piece of `start..end`, which ends on a multiple of [`CHUNK`].
pub(super) fn piece(start: u64, end: u64) -> usize {
    (CHUNK - start % CHUNK).min(end - start) as usize
}

/// What is done with a piece: its offset and its bytes.
type Use<'u> = &'u mut dyn FnMut(u64, &[u8]) -> Result<()>;

/// Where data is, found as it is asked for.
struct Pieces<'c> {
    of: &'c Content,
    /// What is known to be data and was not given out yet.
    data: Range<u64>,
    size: u64,
}

/// Reads all that is not in holes of `of`, which is so large, and has each piece used, in order. With `ahead` another thread
/// reads while a piece is used. `false` when the file became shorter meanwhile.
///
/// # Errors
/// Those of reading and of `use_piece`.
pub(super) fn read_all(of: &Content, size: u64, ahead: bool, use_piece: Use<'_>) -> Result<bool> {
    let pieces = Pieces { of, data: 0..0, size };
    if ahead { pieces.read_ahead(use_piece) } else { pieces.read_in_turn(use_piece) }
}

impl Pieces<'_> {
    fn next(&mut self) -> Result<Option<(u64, usize)>> {
        if self.data.is_empty() {
            let start = self.of.seek_data(self.data.end)?;
            let Some(start) = start.filter(|start| *start < self.size) else { return Ok(None) };
            let end = self.of.seek_hole(start)?.unwrap_or(self.size);
            self.data = start..end.clamp(start + 1, self.size);
        }
        let (start, length) = (self.data.start, piece(self.data.start, self.data.end));
        self.data.start += length as u64;
        Ok(Some((start, length)))
    }

    fn read_in_turn(mut self, use_piece: Use<'_>) -> Result<bool> {
        while let Some((at, length)) = self.next()? {
            let whole = with_buffer(length, |buffer| {
                let whole = self.of.read_at(at, buffer)? == length;
                if whole { use_piece(at, buffer).map(|()| true) } else { Ok(false) }
            })?;
            if !whole {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read_ahead(self, use_piece: Use<'_>) -> Result<bool> {
        let (of, size) = (self.of, self.size);
        let (full, filled) = sync_channel(AHEAD);
        let (empty, emptied) = channel();
        for _ in 0..AHEAD {
            let _ = empty.send(AlignedBuffer::default());
        }
        // What it takes along is dropped before the reader is waited for, who then does not wait either.
        scope(move |scope| {
            let read = move || self.fill(&emptied, &full);
            let thread = Builder::new().name("migrate ahead".into());
            let Ok(reader) = thread.spawn_scoped(scope, read) else {
                // It can be done without, where there can be no more threads.
                return read_all(of, size, false, use_piece);
            };
            for (at, length, mut buffer) in filled {
                use_piece(at, buffer.prepare(length))?;
                let _ = empty.send(buffer);
            }
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Fills buffers until all is read or nobody wants more.
    fn fill(
        mut self,
        emptied: &Receiver<AlignedBuffer>,
        full: &SyncSender<(u64, usize, AlignedBuffer)>,
    ) -> Result<bool> {
        while let Some((at, length)) = self.next()? {
            let Ok(mut buffer) = emptied.recv() else { break };
            if self.of.read_at(at, buffer.prepare(length))? < length {
                return Ok(false);
            }
            if full.send((at, length, buffer)).is_err() {
                break;
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
#[path = "pieces_tests.rs"]
mod tests;
