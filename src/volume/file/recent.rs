//! Plaintext of the sectors in which a file's last writes began and ended.
//!
//! A page of a database or a line of a log begins and ends inside a sector, and the next one goes on where it ended. With
//! the plaintext in memory that is merged without reading and opening the sector. It serves writes only: what is
//! read or checked is what is on the disk. So damage is never hidden from a reader, and a write over a damaged
//! sector whose plaintext is known makes it whole.
//!
//! What is here is what the disk was given last, or the file takes no more writes: a write that fails forgets all,
//! and so does every other change of the file before it begins (`CipherFile::state_to_change`). Of several writers at once
//! each keeps and takes sectors in its turn for them only, and forgets before it gives that back.
//!
//! A sync forgets nothing: a log that is synced after each line is what this is for. Memory is bounded by the number of
//! files instead: [`PER_FILE`] payloads of each of [`FILES`] files, 16 MiB in all. When one more file has some, the one
//! that came first gives up its own, and comes in again when it is next written in part. A file that is only read has none.

use crate::format::geometry::SectorIndex;
use crate::format::sector::Payload;
#[cfg(test)]
use crate::storage::double::broken::{self, Broken};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Two writers of one file, each with the sector in which it began and that in which it ended.
const PER_FILE: usize = 4;
/// Files that have some at the same time, at most.
const FILES: usize = 1024;

/// Files that are open and may have some, in the order in which they came.
static HOLDERS: Mutex<VecDeque<Weak<Mutex<Slots>>>> = Mutex::new(VecDeque::new());

/// What is known of one file. Nothing is waited for under its lock.
#[derive(Default)]
pub(super) struct Recent(Arc<Mutex<Slots>>);

#[derive(Default)]
struct Slots {
    /// The one that was used last comes first.
    held: Vec<(SectorIndex, Box<Payload>)>,
    /// The file is among the holders.
    is_holder: bool,
}

impl Recent {
    /// Takes the plaintext of a sector out, and tells whether it is known; else gives a payload of any bytes.
    pub fn take(&self, index: SectorIndex) -> (Box<Payload>, bool) {
        let mut slots = lock(&self.0);
        if let Some(at) = slots.held.iter().position(|(held, _)| *held == index) {
            return (slots.held.remove(at).1, true);
        }
        let oldest = if slots.held.len() >= PER_FILE { slots.held.pop() } else { None };
        (oldest.map_or_else(|| Box::new(Payload::zero()), |(_, payload)| payload), false)
    }

    /// Keeps the plaintext of a sector, as it is on the disk or about to be.
    pub fn keep(&self, index: SectorIndex, payload: Box<Payload>) {
        let is_holder = lock(&self.0).is_holder;
        if !is_holder {
            self.become_holder();
        }
        let mut slots = lock(&self.0);
        slots.held.retain(|(held, _)| *held != index);
        slots.held.insert(0, (index, payload));
        slots.held.truncate(PER_FILE);
    }

    /// Forgets the sectors of a range.
    pub fn forget(&self, sectors: Range<u64>) {
        lock(&self.0).held.retain(|(held, _)| !sectors.contains(&held.0));
    }

    /// Forgets all.
    pub fn clear(&self) {
        #[cfg(test)]
        if broken::is(Broken::KeptPlaintext) {
            return;
        }
        lock(&self.0).held.clear();
    }

    fn become_holder(&self) {
        let first = {
            let mut holders = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
            // Another writer of the file may have been faster.
            if std::mem::replace(&mut lock(&self.0).is_holder, true) {
                return;
            }
            holders.push_back(Arc::downgrade(&self.0));
            if holders.len() > FILES { holders.pop_front() } else { None }
        };
        // Without the other lock: nobody who has slots in hand waits for it.
        if let Some(slots) = first.and_then(|slots| slots.upgrade()) {
            let mut slots = lock(&slots);
            (slots.held, slots.is_holder) = (Vec::new(), false);
        }
    }
}

impl Drop for Recent {
    fn drop(&mut self) {
        if lock(&self.0).is_holder {
            let mut holders = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
            holders.retain(|holder| holder.as_ptr() != Arc::as_ptr(&self.0));
        }
    }
}

fn lock(slots: &Mutex<Slots>) -> MutexGuard<'_, Slots> {
    slots.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "recent_tests.rs"]
mod tests;
