//! The write path, broken on purpose in one place at a time, to see that the tests notice.

use crate::storage::{AlignedBuffer, DiskFile};
use std::cell::Cell;
use std::io;

/// What is done wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A sync answers without having synced.
    SkippedSync,
    /// A sync that failed is tried again, and the second answer is believed.
    RetriedSync,
    /// The physical size is set before the sectors are written.
    SizeFirst,
    /// A new file's header is written after its first sectors.
    HeaderLast,
    /// A header that allows more than the one before (holes, another key) is not synced before use is made
    /// of it.
    HeaderUnsynced,
    /// Sectors are written from a buffer that is not aligned.
    UnalignedBuffer,
    /// Sectors are written in two halves.
    HalfSectors,
    /// A nonce is used twice.
    ReusedNonce,
    /// A write panics before anything is on the disk.
    PanickingWrite,
    /// What a failed write left behind is not taken back.
    NoRollback,
    /// Plaintext of a sector is still merged into writes when the sector has become another.
    KeptPlaintext,
    /// The old copy of a small file is removed before the new one is in its place.
    RemovedFirst,
    /// A small file is renamed into place before it was synced.
    UnsyncedRename,
    /// The directory is not synced after a rename.
    UnsyncedDirectory,
}

thread_local! {
    static NOW: Cell<Option<Broken>> = const { Cell::new(None) };
}

/// Whether this is broken in this thread now.
pub(crate) fn is(what: Broken) -> bool {
    NOW.get() == Some(what)
}

/// Does `work` with something broken in this thread.
pub(crate) fn with<T>(what: Option<Broken>, work: impl FnOnce() -> T) -> T {
    let before = NOW.replace(what);
    let done = work();
    NOW.set(before);
    done
}

/// Writes in a way that is broken now; none when writing is not what is broken.
pub(crate) fn write(disk: &DiskFile, bytes: &[u8], offset: u64) -> Option<io::Result<()>> {
    let what = NOW.get();
    with(None, || match what {
        Some(Broken::HalfSectors) => {
            let halves = bytes.chunks(2048).zip((offset..).step_by(2048));
            Some(halves.into_iter().try_for_each(|(half, at)| disk.write_at(half, at)))
        }
        Some(Broken::PanickingWrite) => panic!("on purpose"),
        Some(Broken::UnalignedBuffer) => {
            let mut shifted = AlignedBuffer::default();
            let shifted = shifted.prepare(bytes.len() + 1);
            shifted[1..].copy_from_slice(bytes);
            Some(disk.write_at(&shifted[1..], offset))
        }
        _ => None,
    })
}
