//! Opens what is there by the ordinary code, and says what must not be.

use super::super::{CipherFile, Event, KeyCell, Watcher};
use super::Checked;
use super::bench::Contents;
use crate::crypto::CategoryKeys;
use crate::format::geometry::{PAYLOAD, sectors};
use crate::format::sector::PAYLOAD_LEN;
use crate::storage::DiskFile;
use crate::storage::double::Double;
use crate::volume::Error;
use std::sync::{Arc, Mutex};

/// How the file came to be as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum After {
    /// Nothing but a kill: the cache is as it was.
    Kill,
    /// A call that failed. What was written behind the end that the file then has is cut off again.
    Failure,
    /// A sync that failed, where reads see what is on the disk: sectors as after a power cut, and the size that
    /// the handle knows.
    FailedSync,
    /// A power cut.
    PowerCut {
        /// The sector that is torn, if any is; that of the header counts as none.
        torn: Option<u64>,
    },
}

/// What a file may hold.
pub(super) struct Window<'a> {
    /// Whatever it held since it was synced.
    pub snapshots: Vec<Contents>,
    pub keys: &'a Arc<CategoryKeys>,
    pub after: After,
    /// There was a power cut before, or a sync that failed: a sector inside the file may bear an end mark, and
    /// becomes the last one when the file is cut there.
    pub was_cut: bool,
    /// The file was extended when it was empty, and is not synced yet: nothing of it is an error.
    pub was_extended: bool,
}

impl Window<'_> {
    /// Whether the power was cut.
    fn cut(&self) -> bool {
        matches!(self.after, After::PowerCut { .. } | After::FailedSync)
    }

    fn torn(&self) -> Option<u64> {
        match self.after {
            After::PowerCut { torn } => torn,
            _ => None,
        }
    }

    /// Whether the header may be missing: the file was empty.
    pub fn may_be_gone(&self) -> bool {
        self.cut() && self.shortest() == 0 && !self.was_extended
    }

    fn shortest(&self) -> u64 {
        self.snapshots.iter().map(|snapshot| snapshot.len() as u64).min().unwrap()
    }

    fn longest(&self) -> u64 {
        self.snapshots.iter().map(|snapshot| snapshot.len() as u64).max().unwrap()
    }

    /// Opens the file and reads it sector by sector. Gives what it holds, unless some of that is an error
    /// that may be.
    pub fn judge(&self, double: &Double) -> Checked<Option<Contents>> {
        let events = Arc::new(Mutex::new(Vec::new()));
        let watcher: Watcher = {
            let events = events.clone();
            Arc::new(move |event| events.lock().unwrap().push(event))
        };
        let keys = Arc::new(KeyCell::new(self.keys.clone()));
        let disk = DiskFile::doubled(double.clone());
        let file = match CipherFile::open_watched(disk, keys, Some(watcher)) {
            Ok(file) => file,
            Err(Error::Header(_)) if self.may_be_gone() => {
                return Ok(None);
            }
            Err(error) => return Err(format!("cannot open: {error}")),
        };
        let found = self.read(&file).map_err(|fault| {
            let sizes: Vec<usize> = self.snapshots.iter().map(|snapshot| snapshot.len()).collect();
            // Before the events are looked at: reading makes more of them.
            let last = file.read_at(file.size().saturating_sub(1), &mut [0]);
            let last = last.map_err(|error| error.to_string());
            let (events, physical) = (events.lock().unwrap(), double.size());
            format!("{fault} (sizes {sizes:?}, {physical} bytes on the disk, {events:?}, at the end {last:?})")
        })?;
        for event in events.lock().unwrap().iter() {
            self.judge_event(event)?;
        }
        Ok(found)
    }

    /// Reads what must be old or new.
    pub fn read(&self, file: &CipherFile) -> Checked<Option<Contents>> {
        self.judge_size(file.size())?;
        let (mut found, mut whole) = (vec![0; file.size() as usize], true);
        for (sector, bytes) in found.chunks_mut(PAYLOAD_LEN).enumerate() {
            match file.read_at(sector as u64 * PAYLOAD, bytes) {
                Ok(count) if count == bytes.len() => self.judge_sector(sector as u64, bytes)?,
                Ok(count) => return Err(format!("sector {sector}: {count} bytes")),
                Err(error) if error.is_damage() && self.may_be_lost(sector as u64) => whole = false,
                Err(error) => return Err(format!("sector {sector}: {error}")),
            }
        }
        Ok(whole.then(|| Arc::new(found)))
    }

    fn judge_size(&self, size: u64) -> Checked {
        let (shortest, longest) = (self.shortest(), self.longest());
        let torn = self.torn();
        // The last sector tells where in it the file ends: when that one is lost, so is the end.
        let shortest = match torn {
            Some(sector) if sector + 1 == sectors(shortest) => sector * PAYLOAD + 1,
            _ => shortest,
        };
        let torn = torn.is_some();
        // The same where it is the header that is torn, which may be only when the file was empty.
        let longest =
            if torn || self.may_be_gone() { longest.next_multiple_of(PAYLOAD) } else { longest };
        let known = self.snapshots.iter().any(|snapshot| snapshot.len() as u64 == size);
        // A sector that is no longer the last is full, and one that becomes the last was.
        let between = size.is_multiple_of(PAYLOAD) || torn || self.was_cut;
        // An extension of an empty file is there or is not.
        let is_extension = self.was_extended && self.snapshots.len() == 2 && shortest == 0;
        let between = between && (torn || !is_extension);
        if (shortest..=longest).contains(&size) && (known || between) {
            return Ok(());
        }
        Err(format!("{size} bytes, not {shortest} to {longest}"))
    }

    fn judge_sector(&self, sector: u64, found: &[u8]) -> Checked {
        let start = (sector * PAYLOAD) as usize;
        let same = |snapshot: &Contents| {
            let there = snapshot.get(start..).unwrap_or_default();
            let there = &there[..there.len().min(PAYLOAD_LEN)];
            let both = there.len().min(found.len());
            let cut_off = matches!(self.after, After::Failure | After::FailedSync);
            let there = if cut_off { &there[..both] } else { there };
            // What one has more than the other is zeros.
            there[..both] == found[..both]
                && there[both..].iter().chain(&found[both..]).all(|byte| *byte == 0)
        };
        if self.snapshots.iter().any(same) {
            return Ok(());
        }
        Err(format!(
            "sector {sector} holds {:?}…, which it never did",
            &found[..found.len().min(20)]
        ))
    }

    /// Whether a sector may be an error: where it was cut off, or did not exist, since the last sync.
    fn may_be_lost(&self, sector: u64) -> bool {
        let is_new = || sector >= sectors(self.shortest()) && !self.was_extended;
        self.cut() && (self.torn() == Some(sector) || is_new())
    }

    fn judge_event(&self, event: &Event) -> Checked {
        if self.cut() {
            return Ok(());
        }
        match event {
            // Sectors are written before the size says so.
            Event::SizePutRight { claimed, actual } if sectors(*claimed) > sectors(*actual) => {
                Err(format!("the size told of {claimed} bytes when there were {actual}"))
            }
            Event::SectorDamaged { .. } | Event::HeaderDamaged | Event::HeaderCopyDamaged => {
                Err(format!("{event:?}"))
            }
            _ => Ok(()),
        }
    }
}
