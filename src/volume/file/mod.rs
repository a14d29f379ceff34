//! The contents of one encrypted file: random access to plaintext over sealed sectors.
//!
//! [`CipherFile`] is shared by all handles of an inode. It promises that every sector on disk is at
//! any moment the old one or the new one, that a damaged sector is an error for exactly the ranges
//! that touch it, and that what [`CipherFile::sync`] returned for is durable. It knows neither names
//! nor attributes.

mod check;
mod end;
mod holes;
mod mend;
mod merge;
mod open;
mod overwrite;
mod passing;
mod read;
mod recent;
mod rekey;
mod sealing;
mod standing;
mod turns;
mod unsynced;
mod write;

pub use check::{Apart, Checked, Damage};
pub use mend::Keep;
pub use rekey::{Batch, Rekey};

use super::{Error, KeyCell, Result};
use crate::format::header::{FileHeader, HEADER_LEN};
#[cfg(test)]
use crate::storage::double::broken::{self, Broken};
use crate::storage::{DiskFile, with_buffer};
use recent::Recent;
use sealing::Sealing;
use standing::Standing;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use turns::Turns;
use unsynced::Unsynced;

/// Sectors that are read or written in one go: about 1 MiB.
const BATCH: u64 = 256;

/// What a file's bytes were found to be like; told to whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The physical size and the last sector disagreed; the sector won.
    SizePutRight {
        /// Plaintext bytes by the physical size.
        claimed: u64,
        /// Plaintext bytes by the last sector.
        actual: u64,
    },
    /// Nothing but zeros is there. The file reads as an empty one and is left as it is.
    Unwritten {
        /// Plaintext bytes by the physical size.
        claimed: u64,
    },
    /// The file ends without an end mark: an append was interrupted, or the file was cut.
    EndMarkMissing,
    /// A sector inside the file bears the end mark: an append was interrupted, or the file was
    /// extended with older sectors of its own.
    EndMarkInside {
        /// Which sector.
        sector: u64,
    },
    /// One copy of the header does not verify; the other serves.
    HeaderCopyDamaged,
    /// The header does not verify: the file cannot be opened.
    HeaderDamaged,
    /// A sync failed, or the write of a header that must be durable: what was written since the last sync may be
    /// lost. Nothing more is written until the file is opened anew.
    SyncFailed,
    /// A sector does not verify, was erased or is cut off: an I/O error for whoever reads it.
    SectorDamaged {
        /// Which sector.
        sector: u64,
    },
}

/// Who is told of [`Event`]s.
pub type Watcher = Arc<dyn Fn(Event) + Send + Sync>;

/// One encrypted file, open.
pub struct CipherFile {
    disk: DiskFile,
    keys: Arc<KeyCell>,
    state: RwLock<State>,
    /// For those who share the state.
    turns: Turns,
    standing: Standing,
    unsynced: Unsynced,
    watcher: Option<Watcher>,
    /// The size by the file's end is another than the physical size claimed, and nobody was told yet.
    has_untold_size: AtomicBool,
}

/// What changes as the file is written. Whoever changes it has it alone. Who reads sectors, or overwrites what lies within
/// the file, shares it and takes a turn for the sectors; who asks for what is here just shares it.
struct State {
    /// Plaintext bytes.
    size: u64,
    /// Absent while the file is empty: an empty file gets a fresh id and key at its next write.
    sealing: Option<Sealing>,
    /// Nothing but zeros is on the disk.
    is_unwritten: bool,
    /// What the next write need not read.
    recent: Recent,
}

impl CipherFile {
    /// Plaintext bytes.
    pub fn size(&self) -> u64 {
        self.read_state().size
    }

    /// Whether opening found another size than the physical size claimed, and nobody was told of it yet.
    pub fn has_untold_size(&self) -> bool {
        self.has_untold_size.load(Relaxed)
    }

    /// Plaintext bytes, for who takes the end of the file from that.
    pub fn tell_size(&self) -> u64 {
        let size = self.size();
        self.has_untold_size.store(false, Relaxed);
        size
    }

    /// Makes everything written before durable; with `data_only`, times may be lost.
    ///
    /// # Errors
    /// The filesystem's, and after one [`Error::SyncFailed`] until the file is opened anew, also for
    /// whatever writes: a sync that failed is never retried to success, because the kernel may have
    /// dropped the data.
    pub fn sync(&self, data_only: bool) -> Result<()> {
        #[cfg(test)]
        if broken::is(Broken::RetriedSync) {
            self.standing.forget();
        }
        {
            let _alone = self.standing.syncing.lock().unwrap_or_else(PoisonError::into_inner);
            self.standing.may_sync()?;
            let mark = self.unsynced.mark();
            self.disk.sync(data_only).inspect_err(|_| self.note_failed_sync())?;
            self.unsynced.note_synced(&mark);
        }
        self.end_passing_holes();
        Ok(())
    }

    /// Whether the header allows holes; `false` for an empty file.
    #[cfg(test)]
    fn may_have_holes(&self) -> bool {
        self.read_state().sealing.as_ref().is_some_and(|sealing| sealing.header.may_have_holes)
    }

    /// Tells of an error, when it is damage.
    fn tell_damage(&self, error: &Error) {
        match error {
            Error::Header(_) => self.tell(Event::HeaderDamaged),
            Error::Sector { index, .. } | Error::Erased(index) | Error::Cut(index) => {
                self.tell(Event::SectorDamaged { sector: index.0 });
            }
            _ => {}
        }
    }

    fn tell(&self, event: Event) {
        if matches!(event, Event::SizePutRight { .. } | Event::Unwritten { .. }) {
            self.has_untold_size.store(true, Relaxed);
        }
        if let Some(watcher) = &self.watcher {
            watcher(event);
        }
    }

    /// Keeps the times of the file as they are until the result is dropped: whoever re-encrypts it puts
    /// back the time that it found.
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        self.write_state()
    }

    /// The header as it is now, encoded. Its key of the category stays the one that it has, unless
    /// that is gone: then nobody but this opening needs the file any more.
    fn encode_header(&self, header: &mut FileHeader) -> Result<[u8; HEADER_LEN]> {
        let keys = self.keys.now();
        if keys.key(header.epoch).is_err() {
            header.epoch = keys.current_epoch();
        }
        header.encode(&keys).map_err(Error::Seal)
    }

    /// Writes the header as it is now; durable only after a sync.
    fn write_header(&self, header: &mut FileHeader) -> Result<()> {
        header.generation += 1;
        let page = self.encode_header(header)?;
        with_buffer(HEADER_LEN, |buffer| {
            buffer.copy_from_slice(&page);
            Ok(self.disk.write_at(buffer, 0)?)
        })
    }

    /// Makes a header durable that allows more than the one before: no use may be made of it earlier.
    fn sync_header(&self) -> Result<()> {
        #[cfg(test)]
        if broken::is(Broken::HeaderUnsynced) {
            return Ok(());
        }
        self.sync(false)
    }

    // A panic while the lock was held has left each sector old or new, so the state goes on being
    // of use; the size is set last.
    fn read_state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state of a file that is about to be changed otherwise than by a write: whatever that does, no write takes
    /// what was there before for what is there.
    fn state_to_change(&self) -> Result<RwLockWriteGuard<'_, State>> {
        let state = self.state_to_write()?;
        state.recent.clear();
        Ok(state)
    }

    /// The state of a file that is about to be written. Whoever had it before may have panicked or failed to
    /// sync, so whether the file may be written is looked at with the lock in hand.
    fn state_to_write(&self) -> Result<RwLockWriteGuard<'_, State>> {
        let state = self.write_state();
        self.may_write()?;
        Ok(state)
    }

    fn may_write(&self) -> Result<()> {
        self.standing.may_write()?;
        if self.state.is_poisoned() { Err(Error::ReadOnly) } else { Ok(()) }
    }
}

#[cfg(test)]
#[path = "attack_tests.rs"]
mod attack_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
#[path = "model_tests.rs"]
mod model_tests;
#[cfg(test)]
#[path = "rekey_tests.rs"]
mod rekey_tests;
