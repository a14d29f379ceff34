//! What a crash leaves of a file.

use super::image::{Image, Page};
use super::media::{Change, Double, Epoch, apply};
use super::{PAGE, Random};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// A file after a power cut.
pub(crate) struct PowerLoss {
    /// What is there.
    pub image: Image,
    /// The page, if any, that is partly one of its versions and partly another.
    pub torn: Option<u64>,
}

/// One way for a power cut to end: how many of the changes of sizes and holes are there, and which version of each
/// page that was written.
struct Outcome {
    journaled: usize,
    versions: Vec<usize>,
}

impl Epoch {
    /// How many changes there are to be killed between.
    pub fn changes(&self) -> usize {
        self.log.len()
    }

    /// The file after a kill when the first `changes` were made: they are seen, and none is durable. None where
    /// a fault was at work.
    pub fn killed(&self, changes: usize) -> Option<Double> {
        let log = self.log[..changes].to_vec();
        if matches!(log.last(), Some(Change::Page { excused: true, .. })) {
            return None;
        }
        Some(Double::of(Self { durable: self.durable.clone(), seen: self.seen.clone(), log }))
    }

    /// What a power cut before the sync that ended the epoch may leave: everything if that is at most `limit`, else
    /// as many, with the extreme ones among them. A few torn pages besides.
    pub fn lost_power(&self, limit: usize, random: &mut Random) -> Vec<PowerLoss> {
        let pages: Vec<u64> = self.pages().into_iter().collect();
        let (mut left, mut known) = (Vec::new(), HashSet::new());
        let mut add = |loss: PowerLoss, left: &mut Vec<PowerLoss>| {
            let shape: Vec<_> =
                pages.iter().map(|page| loss.image.page(*page).map(Arc::as_ptr)).collect();
            if loss.torn.is_some() || known.insert((loss.image.size(), shape)) {
                left.push(loss);
            }
        };
        for outcome in self.outcomes(&pages, limit, random) {
            add(PowerLoss { image: self.image(&pages, &outcome, None), torn: None }, &mut left);
        }
        for _ in 0..limit.div_ceil(8).min(6) {
            left.extend(self.tear(&pages, random));
        }
        left
    }

    fn pages(&self) -> BTreeSet<u64> {
        let page = |change: &Change| match change {
            Change::Page { index, .. } => Some(*index),
            _ => None,
        };
        self.log.iter().filter_map(page).collect()
    }

    fn outcomes(&self, pages: &[u64], limit: usize, random: &mut Random) -> Vec<Outcome> {
        let counts: Vec<Vec<usize>> = (0..=self.log.len())
            .map(|journaled| {
                pages.iter().map(|page| self.versions(*page, journaled).len()).collect()
            })
            .collect();
        let product =
            |counts: &Vec<usize>| counts.iter().fold(1, |all: usize, n| all.saturating_mul(*n));
        let total = counts.iter().fold(0, |all: usize, counts| all.saturating_add(product(counts)));
        let mut outcomes = Vec::new();
        for (journaled, counts) in counts.iter().enumerate() {
            if total <= limit {
                let all = (0..product(counts)).map(|number| nth(counts, number));
                outcomes.extend(all.map(|versions| Outcome { journaled, versions }));
            } else if journaled % (self.log.len() / 8 + 1) == 0 || journaled == self.log.len() {
                let newest = counts.iter().map(|count| count - 1).collect();
                outcomes.push(Outcome { journaled, versions: vec![0; pages.len()] });
                outcomes.push(Outcome { journaled, versions: newest });
            }
        }
        while total > limit && outcomes.len() < limit {
            let journaled = random.below(counts.len() as u64) as usize;
            let pick = |count: &usize| random.below(*count as u64) as usize;
            let versions = counts[journaled].iter().map(pick).collect();
            outcomes.push(Outcome { journaled, versions });
        }
        outcomes
    }

    /// What may be found of a page, the oldest first, none standing for a hole: what was there before, unless it was
    /// freed, and what was written since, unless before it was freed or into space that was freed only later.
    fn versions(&self, page: u64, journaled: usize) -> Vec<Option<(usize, &Page)>> {
        let frees = |change: &Change| match change {
            Change::Size(size) => *size <= page * PAGE,
            Change::Punch(pages) => pages.contains(&page),
            Change::Page { .. } => false,
        };
        let freed = self.log[..journaled].iter().rposition(frees);
        let until = self.log[journaled..]
            .iter()
            .position(frees)
            .map_or(self.log.len(), |at| journaled + at);
        let from = freed.map_or(0, |at| at + 1);
        let before =
            if freed.is_some() { None } else { self.durable.page(page).map(|page| (0, page)) };
        let written = self.log.iter().enumerate().take(until).skip(from);
        let written = written.filter_map(|(at, change)| match change {
            Change::Page { index, bytes, excused: false, .. } if *index == page => {
                Some(Some((at, bytes)))
            }
            _ => None,
        });
        std::iter::once(before).chain(written).collect()
    }

    fn image(&self, pages: &[u64], outcome: &Outcome, torn: Option<(u64, Page)>) -> Image {
        let mut image = self.durable.clone();
        for change in &self.log[..outcome.journaled] {
            match change {
                Change::Page { end, .. } => image.grow(*end),
                change => apply(&mut image, change),
            }
        }
        let size = image.size();
        for (page, version) in pages.iter().zip(&outcome.versions) {
            let version = self.versions(*page, outcome.journaled)[*version];
            let written =
                version.map(|(at, bytes)| self.cut_since(*page, at, outcome.journaled, bytes));
            image.put(*page, written);
        }
        if let Some((page, bytes)) = torn {
            image.put(page, Some(bytes));
        }
        // What lies behind the end is gone.
        image.set_size(size);
        image
    }

    /// A page's bytes without those that a later change of the size cut off.
    fn cut_since(&self, page: u64, at: usize, journaled: usize, bytes: &Page) -> Page {
        let mut kept = PAGE;
        for change in self.log.iter().take(journaled).skip(at) {
            if let Change::Size(size) = change {
                kept = kept.min(size.saturating_sub(page * PAGE));
            }
        }
        if bytes[kept as usize..].iter().all(|byte| *byte == 0) {
            return bytes.clone();
        }
        let mut cut = **bytes;
        cut[kept as usize..].fill(0);
        Arc::new(cut)
    }

    /// Some outcome with a page that is torn at multiples of 512 bytes.
    fn tear(&self, pages: &[u64], random: &mut Random) -> Option<PowerLoss> {
        let journaled = random.below(self.log.len() as u64 + 1) as usize;
        let versions: Vec<_> = pages.iter().map(|page| self.versions(*page, journaled)).collect();
        let page = random.below(pages.len().max(1) as u64) as usize;
        let candidates = versions.get(page).filter(|candidates| candidates.len() > 1)?;
        let (one, other) = (random.pick(candidates), random.pick(candidates));
        let hole: Page = Arc::new([0; PAGE as usize]);
        let mut torn = **one.map_or(&hole, |(_, bytes)| bytes);
        let other = other.map_or(&hole, |(_, bytes)| bytes);
        let mask = random.next();
        for (block, bytes) in torn.chunks_exact_mut(512).enumerate() {
            if mask >> block & 1 == 1 {
                bytes.copy_from_slice(&other[block * 512..][..512]);
            }
        }
        let pick = |candidates: &Vec<_>| random.below(candidates.len() as u64) as usize;
        let versions = versions.iter().map(pick).collect();
        let torn = (pages[page], Arc::new(torn));
        let image = self.image(pages, &Outcome { journaled, versions }, Some(torn));
        Some(PowerLoss { image, torn: Some(pages[page]) })
    }
}

/// The choice of this number, when there are so many choices of each.
fn nth(counts: &[usize], mut number: usize) -> Vec<usize> {
    let digit = |count: &usize| {
        let digit = number % count;
        number /= count;
        digit
    };
    counts.iter().map(digit).collect()
}
