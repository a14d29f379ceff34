//! The contents of a file at one moment.

use super::PAGE;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The bytes of a page, shared by all images that have it.
pub(super) type Page = Arc<[u8; PAGE as usize]>;

/// A file's pages and size. What is in no page is a hole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    pages: BTreeMap<u64, Page>,
    size: u64,
}

impl Image {
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The page, unless it is a hole.
    pub fn page(&self, index: u64) -> Option<&Page> {
        self.pages.get(&index)
    }

    /// Reads up to the end of the file; returns how many bytes.
    pub fn read(&self, bytes: &mut [u8], offset: u64) -> usize {
        let length = (bytes.len() as u64).min(self.size.saturating_sub(offset)) as usize;
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let within = (at % PAGE) as usize;
            let count = (PAGE as usize - within).min(length - done);
            let out = &mut bytes[done..done + count];
            match self.pages.get(&(at / PAGE)) {
                Some(page) => out.copy_from_slice(&page[within..within + count]),
                None => out.fill(0),
            }
            done += count;
        }
        length
    }

    /// Puts a page, or a hole, in its place. The size stays.
    pub fn put(&mut self, index: u64, page: Option<Page>) {
        match page {
            Some(page) => self.pages.insert(index, page),
            None => self.pages.remove(&index),
        };
    }

    /// Makes the file at least so long.
    pub fn grow(&mut self, end: u64) {
        self.size = self.size.max(end);
    }

    /// Cuts the file, or extends it by a hole. What lies behind the end is zeros, also when it grows again.
    pub fn set_size(&mut self, size: u64) {
        self.pages.split_off(&size.div_ceil(PAGE));
        if let Some(page) = self.pages.get_mut(&(size / PAGE)) {
            let within = (size % PAGE) as usize;
            if page[within..].iter().any(|byte| *byte != 0) {
                let mut cut = **page;
                cut[within..].fill(0);
                *page = Arc::new(cut);
            }
        }
        self.size = size;
    }

    /// Makes holes of pages.
    pub fn punch(&mut self, pages: Range<u64>) {
        self.pages.retain(|index, _| !pages.contains(index));
    }

    /// As `SEEK_DATA`.
    pub fn seek_data(&self, offset: u64) -> Option<u64> {
        let (index, _) = self.pages.range(offset / PAGE..).next()?;
        Some((index * PAGE).max(offset)).filter(|found| *found < self.size)
    }

    /// As `SEEK_HOLE`.
    pub fn seek_hole(&self, offset: u64) -> Option<u64> {
        if offset >= self.size {
            return None;
        }
        let mut index = offset / PAGE;
        while self.pages.contains_key(&index) {
            index += 1;
        }
        Some((index * PAGE).clamp(offset, self.size))
    }
}
