//! Whether a file may still be written by those who have it open.

use super::{CipherFile, Event};
use crate::volume::{Error, Result};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// What has happened to an open file. It stays so until the file is opened anew.
#[derive(Default)]
pub(super) struct Standing {
    /// Held for a sync. The kernel tells each failure once: of two that wait at the same time, one would be told
    /// that all is well.
    pub syncing: Mutex<()>,
    sync_failed: AtomicBool,
    read_only: AtomicBool,
}

impl Standing {
    /// Refuses where a sync has failed.
    ///
    /// # Errors
    /// [`Error::SyncFailed`].
    pub fn may_sync(&self) -> Result<()> {
        if self.sync_failed.load(Ordering::Acquire) { Err(Error::SyncFailed) } else { Ok(()) }
    }

    /// Refuses where a sync has failed, or a request panicked.
    ///
    /// # Errors
    /// [`Error::SyncFailed`], [`Error::ReadOnly`].
    pub fn may_write(&self) -> Result<()> {
        self.may_sync()?;
        if self.read_only.load(Ordering::Acquire) { Err(Error::ReadOnly) } else { Ok(()) }
    }

    /// A sync has failed.
    pub fn fail(&self) {
        self.sync_failed.store(true, Ordering::Release);
    }

    /// Forgets that a sync has failed: what must never be.
    #[cfg(test)]
    pub fn forget(&self) {
        self.sync_failed.store(false, Ordering::Release);
    }
}

impl CipherFile {
    /// From now on nothing is written by this opening.
    pub fn set_read_only(&self) {
        self.standing.read_only.store(true, Ordering::Release);
    }

    /// A sync has failed: what was written since the last may be lost though reads still see it. Whoever opens
    /// the file anew shall see what is on the disk, as far as the kernel can be brought to look.
    pub(super) fn note_failed_sync(&self) {
        self.standing.fail();
        self.disk.forget();
        self.tell(Event::SyncFailed);
    }
}
