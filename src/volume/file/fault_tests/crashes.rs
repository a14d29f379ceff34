//! Kills and power cuts at every moment.

use super::super::model_tests::Operation;
use super::bench::{Bench, Contents, Mark};
use super::judge::{After, Window};
use super::steps::{Step, alphabet, any, beginnings};
use super::{Checked, each, number, told};
use crate::crypto::CategoryKeys;
use crate::format::geometry::PAYLOAD;
use crate::storage::double::broken::Broken;
use crate::storage::double::{Double, Random};
use std::sync::Arc;

/// How much is tried.
pub(super) struct Limits {
    /// Kills in one workload, at most.
    pub kills: usize,
    /// Power cuts in one epoch: all there are up to this, else a sample of so many.
    pub cuts: usize,
}

/// A workload up to a crash, and what it left.
pub(super) struct Survivor {
    double: Double,
    snapshots: Vec<Contents>,
    keys: Arc<CategoryKeys>,
    was_cut: bool,
}

impl Bench {
    /// Tries the crashes at and after `from`. Gives one of the files that were left, which can be gone on with.
    pub fn crash(
        &self,
        from: Mark,
        limits: &Limits,
        random: &mut Random,
    ) -> Checked<Option<Survivor>> {
        let mut survivors = Vec::new();
        let was_cut = self.was_cut || self.distrust;
        let epochs = self.double.epochs();
        let moments = |(number, epoch): (usize, &crate::storage::double::Epoch)| {
            let first = if number == from.0 { from.1 } else { 0 };
            (first..=epoch.changes()).map(move |changes| (number, changes)).collect::<Vec<_>>()
        };
        let kills: Vec<Mark> = epochs.iter().enumerate().skip(from.0).flat_map(moments).collect();
        let step = kills.len().div_ceil(limits.kills).max(1);
        for at in kills.into_iter().skip(random.below(step as u64) as usize).step_by(step) {
            survivors.extend(self.kill(&epochs[at.0], at)?);
        }
        for (number, epoch) in epochs.iter().enumerate().skip(from.0) {
            let (first, keys) = &self.epochs[number];
            let last = self.marks.iter().rposition(|mark| mark.0 <= number).unwrap();
            // The step that ended the epoch has begun in it.
            let last = (self.start + last + 1).min(self.snapshots.len() - 1);
            let snapshots = self.snapshots[*first..=last].to_vec();
            for loss in epoch.lost_power(limits.cuts, random) {
                let torn = loss.torn.and_then(|page| page.checked_sub(1));
                let window = Window {
                    snapshots: snapshots.clone(),
                    keys,
                    after: After::PowerCut { torn },
                    was_cut,
                    was_extended: self.was_extended,
                };
                let double = Double::holding(loss.image);
                let found = window.judge(&double).map_err(|fault| {
                    format!("after a power cut before sync {number}, torn {:?}: {fault}", loss.torn)
                })?;
                let survivor = |found| Survivor {
                    double,
                    snapshots: vec![found],
                    keys: keys.clone(),
                    was_cut: true,
                };
                // A torn copy of the header stays reported until the header is written again.
                let found = found.filter(|_| loss.torn.is_none());
                survivors.extend(found.map(survivor));
            }
        }
        let count = survivors.len() as u64;
        Ok((count > 0).then(|| survivors.swap_remove(random.below(count) as usize)))
    }

    /// A kill at one moment: everything before is there, and the step that was going on is there for each sector
    /// or is not.
    fn kill(&self, epoch: &crate::storage::double::Epoch, at: Mark) -> Checked<Option<Survivor>> {
        let (first, keys) = &self.epochs[at.0];
        let done = self.start + self.marks.iter().rposition(|mark| *mark <= at).unwrap_or(0);
        let next = (done + 1).min(self.snapshots.len() - 1);
        let Some(double) = epoch.killed(at.1) else { return Ok(None) };
        let snapshots = self.snapshots[done..=next].to_vec();
        let was_cut = self.was_cut || self.distrust;
        let window = Window { snapshots, keys, after: After::Kill, was_cut, was_extended: false };
        let found = window
            .judge(&double)
            .map_err(|fault| format!("after a kill at sync {}, change {}: {fault}", at.0, at.1))?;
        let earlier = self.snapshots[done.min(*first)..=done].iter().cloned();
        Ok(found.map(|found| Survivor {
            double,
            snapshots: earlier.chain([found]).collect(),
            keys: keys.clone(),
            was_cut,
        }))
    }

    /// Where the last step began.
    fn before_last(&self) -> Mark {
        self.marks[self.marks.len().saturating_sub(2)]
    }
}

/// All workloads of one to three steps and a sync. The crashes in all but the last step are those of a shorter one.
pub(super) fn all_short(length: usize, broken: Option<Broken>) -> Checked {
    let (steps, beginnings) = (alphabet(length), beginnings());
    let all = steps.len().pow(length as u32);
    each((all * beginnings.len()) as u64, broken, |case, keys| {
        let (mut rest, mut random) = (case as usize, Random(case));
        let beginning = &beginnings[rest % beginnings.len()];
        rest /= beginnings.len();
        let mut workload = Vec::new();
        for _ in 0..length {
            workload.push(steps[rest % steps.len()].clone());
            rest /= steps.len();
        }
        let mut tried = || {
            let mut bench = Bench::new(keys, beginning)?;
            workload.iter().try_for_each(|step| bench.step(step))?;
            let from = bench.before_last();
            bench.step(&Step::Sync)?;
            let limits = Limits { kills: 1000, cuts: number("EZNCRYPT_FAULT_CUTS", 48) as usize };
            bench.crash(from, &limits, &mut random).map(drop)
        };
        tried().map_err(|fault| format!("{fault}\nafter {}", told(&[beginning, &workload])))
    })
}

/// All workloads of an extension of an empty file and up to two steps more that neither sync it, as a rotation does, nor
/// empty it.
pub(super) fn all_extended(broken: Option<Broken>) -> Checked {
    let firsts: Vec<Step> = [1, PAYLOAD, 16 * PAYLOAD + 9, 300 * PAYLOAD]
        .into_iter()
        .flat_map(|size| [Operation::SetSize(size), Operation::Reserve(0, size, false)])
        .map(Step::Edit)
        .collect();
    let goes_on = |step: &Step| {
        !matches!(step, Step::Sync | Step::Rekey(_) | Step::Edit(Operation::SetSize(0)))
    };
    let steps: Vec<Step> = alphabet(3).into_iter().filter(goes_on).collect();
    let each_first = steps.len() * steps.len();
    each((firsts.len() * each_first) as u64, broken, |case, keys| {
        let number = case as usize % each_first;
        let workload = [
            firsts[case as usize / each_first].clone(),
            steps[number / steps.len()].clone(),
            steps[number % steps.len()].clone(),
        ];
        let tried = || {
            let mut bench = Bench::new(keys, &[])?;
            bench.was_extended = true;
            bench.step(&workload[0])?;
            bench.crash(bench.marks[0], &Limits { kills: 8, cuts: 24 }, &mut Random(case))?;
            // Promised, whether or not it was done.
            bench.epochs[bench.double.position().0].0 = bench.snapshots.len() - 1;
            let from = bench.marks[1];
            workload[1..].iter().try_for_each(|step| bench.step(step))?;
            bench.crash(from, &Limits { kills: 8, cuts: 24 }, &mut Random(case)).map(drop)
        };
        tried().map_err(|fault| format!("{fault}\nafter {}", told(&[&workload])))
    })
}

/// > A file that is extended while it is empty, with `ftruncate` or `fallocate`, durably has that size
/// > when the call returns, and what it does not have after a power cut is zeros until it is synced.
#[test]
fn no_power_cut_makes_an_error_of_a_new_file_that_was_extended() {
    passes(all_extended(None));
}

/// A random workload, some crash, and again.
fn long(seed: u64, keys: &Arc<CategoryKeys>) -> Checked {
    let mut random = Random(seed.wrapping_mul(0x1_0000_0001));
    let mut done: Vec<Vec<Step>> = Vec::new();
    let mut tried = || {
        let beginning = &beginnings()[random.below(4) as usize];
        let mut bench = Bench::new(keys, beginning)?;
        done.push(beginning.clone());
        for _ in 0..3 {
            let steps: Vec<Step> = (0..2 + random.below(5)).map(|_| any(&mut random)).collect();
            done.push(steps.clone());
            steps.iter().try_for_each(|step| bench.step(step))?;
            let limits = Limits { kills: 6, cuts: 8 };
            let Some(survivor) = bench.crash(bench.marks[0], &limits, &mut random)? else { break };
            bench = Bench::of(survivor.double, &survivor.keys, survivor.snapshots)?;
            bench.was_cut = survivor.was_cut;
        }
        Ok(())
    };
    tried().map_err(|fault: String| {
        let done: Vec<&[Step]> = done.iter().map(Vec::as_slice).collect();
        format!("{fault}\nEZNCRYPT_FAULT_SEED={seed} EZNCRYPT_FAULT_CASES=1: {}", told(&done))
    })
}

pub(super) fn many_long(cases: u64, broken: Option<Broken>) -> Checked {
    let first = number("EZNCRYPT_FAULT_SEED", 0);
    each(cases, broken, |case, keys| long(first + case, keys))
}

pub(super) fn passes(checked: Checked) {
    if let Err(fault) = checked {
        panic!("{fault}");
    }
}

/// > After a `kill -9` of the service, every write that had returned is there, and each sector
/// > (4048 bytes of a file, 4096 on the disk) is as it was before the request that was killed or
/// > as it is after it.
///
/// > After a power cut, each sector that was written since the last sync is as it was at the sync
/// > or as it was made since: which, may differ from sector to sector.
#[test]
fn no_crash_of_any_workload_of_up_to_three_steps_loses_anything() {
    for length in 1..=3 {
        passes(all_short(length, None));
    }
}

/// > a sector that was not part of the file at the last sync, as the filesystem below may make a
/// > size durable without the data;
///
/// > a whole file that was empty, or did not exist, at the last sync;
///
/// > a sector that was being written, on a disk that writes less than 4096 bytes at once, which
/// > few have done since 2011: what was synced of it is lost with it, and when it was the last
/// > one, so is where in it the file ended.
#[test]
fn no_crash_of_ten_thousand_longer_workloads_loses_anything() {
    passes(many_long(number("EZNCRYPT_FAULT_CASES", 10_000), None));
}
