//! What a file may hold after a crash, told from what was done to it.
//!
//! The rules are those of `docs/semantics.md`, and nothing is known here of how they are kept.

use std::io;
use std::ops::Range;

/// Bytes of a file in one sector.
pub const PAYLOAD: usize = 4048;

/// Bytes of a file in one page of the kernel.
const PAGE: usize = 4096;

/// What is done to a file.
#[derive(Debug, Clone)]
pub enum Step {
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    /// Zeros, within the file as it is.
    Punch {
        at: usize,
        length: usize,
    },
    Size(usize),
    Sync,
}

/// A file's contents at some moment, and what was done to it since.
#[derive(Default)]
pub struct History {
    base: Vec<u8>,
    steps: Vec<Step>,
    answered: usize,
}

/// A crash: what kind, and what was known before it began and was asked for before it was over.
#[derive(Debug, Clone, Copy)]
pub struct Crash {
    /// A power cut, and not only the end of the service.
    pub of_power: bool,
    /// Steps that were answered before.
    pub answered: usize,
    /// Steps that were begun before it was over.
    pub begun: usize,
}

/// A file as it was found: its sectors, or that they cannot be read.
pub type Found = Vec<io::Result<Vec<u8>>>;

impl History {
    /// Begins anew with these contents, which the next crash may not lose.
    pub fn begin(&mut self, base: Vec<u8>) {
        *self = Self { base, ..Self::default() };
    }

    /// Takes down that steps are about to be taken.
    pub fn note(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps.extend(steps);
    }

    /// Takes down that all steps were answered.
    pub fn note_answer(&mut self) {
        self.answered = self.steps.len();
    }

    /// How many steps were answered.
    pub fn answered(&self) -> usize {
        self.answered
    }

    /// How many steps were begun.
    pub fn begun(&self) -> usize {
        self.steps.len()
    }

    /// How large the file is when all steps are done.
    pub fn size_at_end(&self) -> usize {
        let mut size = self.base.len();
        for step in &self.steps {
            match step {
                Step::Write { at, bytes } => size = size.max(at + bytes.len()),
                Step::Size(new) => size = *new,
                Step::Punch { .. } | Step::Sync => {}
            }
        }
        size
    }

    /// Whether the whole file may be unreadable: it was empty at the last sync.
    pub fn may_be_gone(&self, crash: Crash) -> bool {
        crash.of_power && self.kept(self.certain(crash)).is_empty()
    }

    fn kept(&self, certain: usize) -> Vec<u8> {
        let mut state = self.base.clone();
        for step in &self.steps[..certain] {
            apply(&mut state, step);
        }
        state
    }

    /// Tells what is wrong with a file that was found after a crash.
    pub fn faults(&self, crash: Crash, found: &Found) -> Vec<String> {
        let certain = self.certain(crash);
        let mut state = self.kept(certain);
        let kept = state.len().div_ceil(PAYLOAD);
        let sizes = &mut (state.len()..=state.len());
        let mut sound: Vec<bool> = (0..found.len()).map(|_| false).collect();
        let mut compare = |state: &[u8], sectors: Range<usize>| {
            for index in sectors.start..sectors.end.min(found.len()) {
                sound[index] |= is_of(state, index, &found[index], crash.of_power);
            }
        };
        compare(&state, 0..found.len());
        for step in self.steps[certain..crash.begun].iter().flat_map(requests) {
            let changed = apply(&mut state, &step);
            *sizes = state.len().min(*sizes.start())..=state.len().max(*sizes.end());
            compare(&state, changed.start / PAYLOAD..changed.end.div_ceil(PAYLOAD));
        }
        let wrong = (0..found.len()).filter(|index| !sound[*index]);
        let wrong = wrong.filter(|index| {
            // It was not part of the file at the last sync.
            !(crash.of_power && *index >= kept && is_nothing(&found[*index]))
        });
        let told = |index: usize| {
            format!("sector {index} is neither old nor new: {}", short(found, index))
        };
        let mut faults: Vec<String> = wrong.map(told).collect();
        if !sizes.contains(&size_of(found)) && found.iter().all(Result::is_ok) {
            faults.push(format!("{} bytes, which should be {sizes:?}", size_of(found)));
        }
        faults
    }

    /// How many steps cannot have been lost.
    fn certain(&self, crash: Crash) -> usize {
        let answered = &self.steps[..crash.answered];
        match crash.of_power {
            true => {
                answered.iter().rposition(|step| matches!(step, Step::Sync)).map_or(0, |at| at + 1)
            }
            false => answered.len(),
        }
    }
}

/// As what the kernel may hand a step on: a write in parts that end at its pages.
fn requests(step: &Step) -> Vec<Step> {
    let Step::Write { at, bytes } = step else { return vec![step.clone()] };
    let (mut at, mut rest, mut parts) = (*at, &bytes[..], Vec::new());
    while !rest.is_empty() {
        let (part, more) = rest.split_at(rest.len().min(PAGE - at % PAGE));
        parts.push(Step::Write { at, bytes: part.to_vec() });
        (at, rest) = (at + part.len(), more);
    }
    parts
}

/// Takes a step; returns the bytes that may be others now.
fn apply(state: &mut Vec<u8>, step: &Step) -> Range<usize> {
    let before = state.len();
    match step {
        Step::Write { at, bytes } => {
            let end = at + bytes.len();
            state.resize(before.max(end), 0);
            state[*at..end].copy_from_slice(bytes);
            // The former last sector is longer now.
            (*at).min(before.saturating_sub(usize::from(end > before)))..end
        }
        Step::Size(size) => {
            state.resize(*size, 0);
            before.min(*size).saturating_sub(1)..before.max(*size)
        }
        Step::Punch { at, length } => {
            let end = before.min(at + length);
            state[(*at).min(end)..end].fill(0);
            (*at).min(end)..end
        }
        Step::Sync => 0..0,
    }
}

fn is_of(state: &[u8], index: usize, found: &io::Result<Vec<u8>>, of_power: bool) -> bool {
    let Ok(found) = found else { return false };
    let start = (index * PAYLOAD).min(state.len());
    let old = &state[start..(start + PAYLOAD).min(state.len())];
    // Where only what follows the last sector came to the disk, that one ends in zeros.
    let is_longer =
        || of_power && !old.is_empty() && found.len() > old.len() && found.starts_with(old);
    found == old || is_longer() && found[old.len()..].iter().all(|byte| *byte == 0)
}

/// Whether nobody takes it for contents: an error, or zeros.
fn is_nothing(found: &io::Result<Vec<u8>>) -> bool {
    found.as_ref().map_or(true, |bytes| bytes.iter().all(|byte| *byte == 0))
}

/// The size of a file that was found, where it can be read.
fn size_of(found: &Found) -> usize {
    found.iter().flatten().map(Vec::len).sum()
}

fn short(found: &Found, index: usize) -> String {
    match &found[index] {
        Ok(bytes) => format!("{} bytes, {:02x?}…", bytes.len(), &bytes[..bytes.len().min(16)]),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: usize = 3 * PAYLOAD;

    fn found(bytes: &[u8]) -> Found {
        bytes.chunks(PAYLOAD).map(|sector| Ok(sector.to_vec())).collect()
    }

    fn write(at: usize, byte: u8) -> Step {
        Step::Write { at, bytes: vec![byte; 10] }
    }

    /// Three sectors of zeros; sector 0 was written and synced, 1 only written; 2 was being written.
    fn history() -> History {
        let mut history = History::default();
        history.begin(vec![0; LENGTH]);
        history.note([write(0, 1), Step::Sync, write(PAYLOAD, 2)]);
        history.note_answer();
        history.note([write(2 * PAYLOAD, 3)]);
        history
    }

    fn wrong(of_power: bool, change: impl FnOnce(&mut Vec<u8>)) -> usize {
        let mut bytes = vec![0; LENGTH];
        bytes[..10].fill(1);
        bytes[PAYLOAD..PAYLOAD + 10].fill(2);
        change(&mut bytes);
        history().faults(Crash { of_power, answered: 3, begun: 4 }, &found(&bytes)).len()
    }

    #[test]
    fn what_a_crash_may_leave_is_not_found_fault_with_and_all_else_is() {
        for of_power in [false, true] {
            assert_eq!(wrong(of_power, |_| {}), 0);
            assert_eq!(wrong(of_power, |bytes| bytes[2 * PAYLOAD..][..10].fill(3)), 0);
            assert_eq!(wrong(of_power, |bytes| bytes[2 * PAYLOAD..][..5].fill(3)), 1, "half");
            assert_eq!(wrong(of_power, |bytes| bytes[..10].fill(0)), 1, "synced");
            assert_eq!(wrong(of_power, |bytes| bytes[..10].fill(9)), 1, "foreign");
            assert_eq!(wrong(of_power, |bytes| bytes.truncate(2 * PAYLOAD)), 1, "short");
            // Its size, and what is behind its end unless that is nothing.
            assert_eq!(wrong(of_power, |bytes| bytes.push(0)), 2 - usize::from(of_power), "long");
            let lost = wrong(of_power, |bytes| bytes[PAYLOAD..][..10].fill(0));
            assert_eq!(lost, usize::from(!of_power), "written and not synced");
        }
    }

    #[test]
    fn after_a_power_cut_only_what_was_not_there_at_the_last_sync_may_be_unreadable() {
        let mut history = History::default();
        history.begin(vec![1; 2 * PAYLOAD]);
        history.note([Step::Size(4 * PAYLOAD)]);
        history.note_answer();
        let crash = Crash { of_power: true, answered: 1, begun: 1 };
        for (index, faults) in [(1, 1), (2, 0), (3, 0)] {
            let mut found = found(&[vec![1; 2 * PAYLOAD], vec![0; 2 * PAYLOAD]].concat());
            found[index] = Err(io::Error::from_raw_os_error(5));
            assert_eq!(history.faults(crash, &found).len(), faults, "{index}");
            assert_ne!(history.faults(Crash { of_power: false, ..crash }, &found).len(), 0);
        }
        assert!(!history.may_be_gone(crash));
    }
}
