//! One file at work: its sectors are given out in steps, to one thread or several.

use crate::format::geometry::sectors;
use crate::volume::file::{Checked, CipherFile, Damage};
use crate::volume::{Inspection, Place};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Stretches of one file that are kept.
const STRETCHES: usize = 1000;

/// What was found about one file. Ranges are numbers of sectors.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Plaintext bytes, as far as they are known.
    pub size: u64,
    /// Somebody had it open.
    pub was_open: bool,
    /// Sectors that verify.
    pub sound: u64,
    /// What is wrong with the file as a whole.
    pub whole: Vec<Damage>,
    /// What is wrong with sectors.
    pub damaged: Vec<(Range<u64>, Damage)>,
    /// Stretches beyond those kept.
    pub more: u64,
    /// Holes.
    pub holes: Vec<Range<u64>>,
    /// Sectors in holes, kept or not.
    pub hole_sectors: u64,
}

impl Verdict {
    /// Of a file that cannot even be looked at.
    pub fn unreadable(why: String) -> Self {
        Self { whole: vec![Damage::Unreadable(why)], ..Self::default() }
    }

    fn take(&mut self, checked: Checked) {
        self.sound += checked.sound;
        for stretch in checked.damaged {
            if self.damaged.len() < STRETCHES {
                self.damaged.push(stretch);
            } else {
                self.more += 1;
            }
        }
        checked.holes.into_iter().for_each(|hole| self.take_hole(hole));
    }

    fn take_hole(&mut self, hole: Range<u64>) {
        self.hole_sectors += hole.end - hole.start;
        if self.holes.len() < STRETCHES {
            self.holes.push(hole);
        }
    }

    /// Puts stretches in order, and those together that belong together.
    fn finish(&mut self) {
        self.damaged.sort_by_key(|(range, _)| range.start);
        self.damaged.dedup_by(|next, before| {
            let same = next.0.start == before.0.end && next.1 == before.1;
            if same {
                before.0.end = next.0.end;
            }
            same
        });
        self.holes.sort_by_key(|range| range.start);
        self.holes.dedup_by(|next, before| {
            let same = next.start == before.end;
            if same {
                before.end = next.end;
            }
            same
        });
    }
}

/// One file at work.
pub struct Job<'v> {
    inspection: Inspection<'v>,
    place: Place,
    state: Mutex<State>,
}

struct State {
    next: u64,
    /// Sectors before this one were forgotten by the kernel when they were given out.
    fresh: u64,
    /// Steps that were given out and are not finished.
    out: usize,
    /// None when it was given away.
    verdict: Option<Verdict>,
}

impl<'v> Job<'v> {
    /// Work on a file that was met at `place`.
    pub fn new(inspection: Inspection<'v>, place: Place) -> Self {
        let verdict = Verdict {
            size: inspection.size(),
            was_open: inspection.was_open(),
            whole: inspection.whole().to_vec(),
            ..Verdict::default()
        };
        let state = State { next: 0, fresh: 0, out: 0, verdict: Some(verdict) };
        Self { inspection, place, state: Mutex::new(state) }
    }

    /// Whether there is more than one step to do.
    pub fn is_large(&self) -> bool {
        self.end() > CipherFile::CHECKED_AT_ONCE
    }

    /// The next step, which must be finished.
    pub fn claim(&self) -> Option<Range<u64>> {
        let mut state = self.lock();
        let State { next, fresh, out, verdict } = &mut *state;
        let verdict = verdict.as_mut()?;
        match self.inspection.after_hole(*next) {
            Ok(data) => {
                if data > *next {
                    verdict.take_hole(*next..data);
                }
                *next = data;
            }
            Err(error) => {
                verdict.damaged.push((*next..self.end(), Damage::Unreadable(error.to_string())));
                *next = self.end();
            }
        }
        if *next >= self.end() {
            return None;
        }
        let range = *next..self.end().min(*next + CipherFile::CHECKED_AT_ONCE);
        if range.end > *fresh {
            // Where that fails, reading will tell.
            let from = range.start.max(*fresh);
            *fresh = self.inspection.forget_cached(from..range.end).unwrap_or(range.end);
        }
        *next = range.end;
        *out += 1;
        Some(range)
    }

    /// Checks the sectors of a step; tells how many bytes were read.
    pub fn finish(&self, range: Range<u64>) -> u64 {
        let checked = self.inspection.check(range.clone());
        let mut state = self.lock();
        state.out -= 1;
        let Some(verdict) = &mut state.verdict else { return 0 };
        match checked {
            Ok(checked) => {
                let bytes = checked.bytes;
                verdict.take(checked);
                bytes
            }
            Err(error) => {
                verdict.damaged.push((range, Damage::Unreadable(error.to_string())));
                0
            }
        }
    }

    /// What was found, once everything is done; to be asked whenever there is no next step.
    pub fn conclude(&self) -> Option<(Place, Verdict)> {
        let mut state = self.lock();
        if state.out > 0 || state.next < self.end() {
            return None;
        }
        let mut verdict = state.verdict.take()?;
        verdict.finish();
        if !self.inspection.was_open() {
            // Hardly anybody needs what was read.
            let _ = self.inspection.forget_cached(0..self.end());
        }
        if self.inspection.file().is_removed() {
            // Nobody can open it again.
            (verdict.whole, verdict.damaged, verdict.more) = (Vec::new(), Vec::new(), 0);
        }
        let place = self.inspection.file().place().unwrap_or_else(|_| self.place.clone());
        Some((place, verdict))
    }

    fn end(&self) -> u64 {
        sectors(self.inspection.size())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
