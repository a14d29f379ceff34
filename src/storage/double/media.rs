//! The double itself: calls, changes, syncs, and calls that fail.

use super::PAGE;
use super::image::{Image, Page};
use rustix::fs::{FallocateFlags, SeekFrom, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::{Errno, Result};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One change, as the filesystem below may make it durable: a page, a size or holes.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Page {
        index: u64,
        bytes: Page,
        /// Where the write ends in this page, as an offset in the file.
        end: u64,
        /// A fault made the write end inside this page. Such a page is there until the call is carried on or
        /// answered, and no crash is tried in between: only blocks smaller than a page do that.
        excused: bool,
    },
    Size(u64),
    Punch(Range<u64>),
}

/// What happened between two syncs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Epoch {
    /// What a power cut at the beginning would have left.
    pub(super) durable: Image,
    /// What reads saw at the beginning; differs where an earlier sync failed.
    pub(super) seen: Image,
    pub(super) log: Vec<Change>,
}

/// What becomes of a call, or of all calls from one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// That call fails and does nothing. A sync loses some of what it was to make durable.
    Once(Errno),
    /// That call fails and all after it.
    From(Errno),
    /// That call transfers at most so many bytes.
    Short(usize),
    /// From then on the disk has only so many blocks of 1024 bytes left.
    Full(u64),
}

struct Plan {
    /// Calls until then.
    left: u64,
    fault: Fault,
    fired: bool,
}

/// A file in memory; clones are the same file.
#[derive(Clone)]
pub(crate) struct Double(Arc<Mutex<Media>>);

impl std::fmt::Debug for Double {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Double")
    }
}

struct Media {
    seen: Image,
    now: Epoch,
    past: Vec<Epoch>,
    calls: u64,
    plan: Option<Plan>,
    /// Which pages a failed sync loses: a bit for each that it should have written, over and over.
    loses: u64,
    /// Whether the kernel, when it is asked to, forgets what a failed sync has lost.
    reverts: bool,
    modified: Timespec,
    nonces: HashMap<[u8; 24], Page>,
    reused: bool,
    sync_failed: bool,
}

impl Double {
    /// A file of these contents, all of them durable.
    pub fn holding(image: Image) -> Self {
        Self::of(Epoch { durable: image.clone(), seen: image, log: Vec::new() })
    }

    /// A file in the middle of an epoch.
    pub(super) fn of(now: Epoch) -> Self {
        let mut seen = now.seen.clone();
        now.log.iter().for_each(|change| apply(&mut seen, change));
        Self(Arc::new(Mutex::new(Media {
            seen,
            now,
            past: Vec::new(),
            calls: 0,
            plan: None,
            loses: u64::MAX,
            reverts: false,
            modified: Timespec { tv_sec: 1, tv_nsec: 0 },
            nonces: HashMap::new(),
            reused: false,
            sync_failed: false,
        })))
    }

    /// Everything that happened, the epoch that has not ended last.
    pub fn epochs(&self) -> Vec<Epoch> {
        let media = self.lock();
        media.past.iter().chain([&media.now]).cloned().collect()
    }

    /// How many epochs have ended, and how many changes the present one has.
    pub fn position(&self) -> (usize, usize) {
        let media = self.lock();
        (media.past.len(), media.now.log.len())
    }

    /// What reads see.
    pub fn image(&self) -> Image {
        self.lock().seen.clone()
    }

    /// Lets `fault` strike after so many calls more.
    pub fn arm(&self, left: u64, fault: Fault) {
        self.lock().plan = Some(Plan { left, fault, fired: false });
    }

    /// No more faults; tells whether there was one.
    pub fn disarm(&self) -> bool {
        self.lock().plan.take().is_some_and(|plan| plan.fired)
    }

    /// What the next sync that fails forgets: the pages whose bit is set, and whether that is seen.
    pub fn set_loss(&self, loses: u64, reverts: bool) {
        let mut media = self.lock();
        (media.loses, media.reverts) = (loses, reverts);
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Whether two different sectors were written with the same nonce.
    pub fn reused_nonce(&self) -> bool {
        self.lock().reused
    }

    /// Whether a sync failed and lost something.
    pub fn has_failed_sync(&self) -> bool {
        self.lock().sync_failed
    }

    pub fn size(&self) -> u64 {
        self.lock().seen.size()
    }

    pub fn pread(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        let mut media = self.lock();
        let length = media.enter()?.min(bytes.len());
        Ok(media.seen.read(&mut bytes[..length], offset))
    }

    pub fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        let mut media = self.lock();
        let limit = media.enter()?;
        let (mut done, wanted) = (0, bytes.len().min(limit));
        // A killed write stops between pages, but where a page comes from two pages of the source also there.
        let aligned = (bytes.as_ptr() as u64).wrapping_sub(offset).is_multiple_of(PAGE);
        while done < wanted {
            let at = offset + done as u64;
            let within = at % PAGE;
            let asked = (PAGE - within).min((bytes.len() - done) as u64);
            let count = media.room(at / PAGE, asked.min((wanted - done) as u64));
            if count == 0 {
                break;
            }
            if !aligned && count > 512 {
                let half = &bytes[done..done + count as usize / 2];
                media.write_page(at, half, false);
            }
            media.write_page(at, &bytes[done..done + count as usize], count < asked);
            done += count as usize;
            if count < asked {
                break;
            }
        }
        if done == 0 && wanted > 0 { Err(Errno::NOSPC) } else { Ok(done) }
    }

    pub fn truncate(&self, size: u64) -> Result<()> {
        let mut media = self.lock();
        media.enter()?;
        media.change(Change::Size(size));
        Ok(())
    }

    pub fn sync(&self) -> Result<()> {
        let mut media = self.lock();
        let entered = media.enter();
        if entered == Err(Errno::INTR) {
            return Err(Errno::INTR);
        }
        let durable = match entered {
            Ok(_) => media.seen_durably(),
            Err(_) => media.now.after_failed_sync(media.loses),
        };
        media.sync_failed |= entered.is_err();
        let seen = media.seen.clone();
        let ended = std::mem::replace(&mut media.now, Epoch { durable, seen, log: Vec::new() });
        media.past.push(ended);
        entered.map(|_| ())
    }

    /// What a sync that failed has lost is no longer seen, if the kernel listens.
    pub fn forget(&self) {
        let mut media = self.lock();
        if media.sync_failed && media.reverts {
            media.seen = media.seen_durably();
            media.now.seen = media.now.durable.clone();
        }
    }

    pub fn allocate(&self, mode: FallocateFlags, offset: u64, length: u64) -> Result<()> {
        let mut media = self.lock();
        media.enter()?;
        let pages = offset / PAGE..(offset + length).div_ceil(PAGE);
        if mode.contains(FallocateFlags::PUNCH_HOLE) {
            assert_eq!((offset % PAGE, length % PAGE), (0, 0), "holes are whole sectors");
            media.change(Change::Punch(pages));
        } else {
            let holes = pages.filter(|index| media.seen.page(*index).is_none()).count() as u64;
            if media.blocks_left().is_some_and(|left| *left < holes * BLOCKS) {
                return Err(Errno::NOSPC);
            }
        }
        Ok(())
    }

    pub fn seek(&self, to: SeekFrom) -> Result<u64> {
        let mut media = self.lock();
        media.enter_quick()?;
        let found = match to {
            SeekFrom::Data(offset) => media.seen.seek_data(offset),
            SeekFrom::Hole(offset) => media.seen.seek_hole(offset),
            _ => None,
        };
        found.ok_or(Errno::NXIO)
    }

    pub fn modified(&self) -> Result<Timespec> {
        Ok(self.lock().modified)
    }

    pub fn set_times(&self, times: &Timestamps) -> Result<()> {
        let mut media = self.lock();
        media.enter_quick()?;
        match times.last_modification.tv_nsec {
            UTIME_OMIT | UTIME_NOW => {}
            _ => media.modified = times.last_modification,
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Media> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Blocks in a page.
const BLOCKS: u64 = 4;
const BLOCK: u64 = PAGE / BLOCKS;

impl Media {
    /// Counts a call; says how many bytes it may transfer, or how it fails.
    fn enter(&mut self) -> Result<usize> {
        self.calls += 1;
        let Some(plan) = &mut self.plan else { return Ok(usize::MAX) };
        if plan.left > 0 {
            plan.left -= 1;
            return Ok(usize::MAX);
        }
        let first = !std::mem::replace(&mut plan.fired, true);
        match plan.fault {
            Fault::Once(errno) if first => Err(errno),
            Fault::From(errno) => Err(errno),
            Fault::Short(count) if first => Ok(count),
            _ => Ok(usize::MAX),
        }
    }

    /// A call that waits for nothing, and so is never interrupted.
    fn enter_quick(&mut self) -> Result<()> {
        match self.enter() {
            Err(Errno::INTR) | Ok(_) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    fn blocks_left(&mut self) -> Option<&mut u64> {
        match &mut self.plan {
            Some(Plan { fired: true, fault: Fault::Full(left), .. }) => Some(left),
            _ => None,
        }
    }

    /// How many of `count` bytes the disk has room for in this page; takes the room.
    fn room(&mut self, index: u64, count: u64) -> u64 {
        if self.seen.page(index).is_some() {
            return count;
        }
        let Some(left) = self.blocks_left() else { return count };
        let count = count.min(*left * BLOCK);
        *left -= count.div_ceil(BLOCK);
        count
    }

    fn write_page(&mut self, at: u64, bytes: &[u8], excused: bool) {
        let (index, within) = (at / PAGE, (at % PAGE) as usize);
        let mut page = self.seen.page(index).map_or([0; PAGE as usize], |page| **page);
        page[within..within + bytes.len()].copy_from_slice(bytes);
        let (page, end) = (Arc::new(page), at + bytes.len() as u64);
        if index > 0 && end % PAGE == 0 {
            self.note_nonce(&page);
        }
        self.change(Change::Page { index, bytes: page, end, excused });
    }

    /// A sector's nonce comes first in it.
    fn note_nonce(&mut self, page: &Page) {
        let mut nonce = [0; 24];
        nonce.copy_from_slice(&page[..24]);
        let known = self.nonces.entry(nonce).or_insert_with(|| page.clone());
        self.reused |= **known != **page && nonce != [0; 24];
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.seen, &change);
        self.now.log.push(change);
    }

    /// What a sync makes durable: what was changed since the last. What an earlier one that failed has
    /// forgotten stays forgotten.
    fn seen_durably(&self) -> Image {
        let mut durable = self.now.durable.clone();
        self.now.log.iter().for_each(|change| apply(&mut durable, change));
        durable
    }
}

impl Epoch {
    /// What is on the disk when a sync failed: sizes and holes, and of the pages those that were not lost.
    fn after_failed_sync(&self, loses: u64) -> Image {
        let mut durable = self.durable.clone();
        for (number, change) in self.log.iter().enumerate() {
            match change {
                Change::Page { end, .. } if loses >> (number % 64) & 1 == 1 => durable.grow(*end),
                change => apply(&mut durable, change),
            }
        }
        durable
    }
}

pub(super) fn apply(image: &mut Image, change: &Change) {
    match change {
        Change::Page { index, bytes, end, .. } => {
            image.put(*index, Some(bytes.clone()));
            image.grow(*end);
        }
        Change::Size(size) => image.set_size(*size),
        Change::Punch(pages) => image.punch(pages.clone()),
    }
}
