//! Calls that fail: the caller is told, each sector is old or new, and what failed to be synced is not believed.

use super::super::model_tests::{Operation, keys};
use super::super::{CipherFile, Event, KeyCell, Watcher};
use super::bench::{Bench, Contents};
use super::crashes::{Limits, passes};
use super::judge::{After, Window};
use super::steps::{Step, alphabet, any, beginnings};
use super::{Checked, each, number, told};
use crate::crypto::CategoryKeys;
use crate::crypto::sector::Suite;
use crate::storage::DiskFile;
use crate::storage::double::broken::Broken;
use crate::storage::double::{Fault, Random};
use crate::volume::Error;
use rustix::io::Errno;
use std::sync::{Arc, Mutex};

/// A step that a fault strikes, and what comes before it.
struct Stricken<'a> {
    beginning: &'a [Step],
    before: &'a [Step],
    step: &'a Step,
    /// The calls of the step before the fault.
    at: u64,
    fault: Fault,
    seed: u64,
}

const FAULTS: [Fault; 10] = [
    Fault::Once(Errno::IO),
    Fault::Once(Errno::NOSPC),
    Fault::Once(Errno::INTR),
    Fault::From(Errno::IO),
    Fault::From(Errno::NOSPC),
    Fault::Short(1),
    Fault::Short(5000),
    Fault::Full(0),
    Fault::Full(3),
    Fault::Full(6),
];

impl Stricken<'_> {
    fn bench(&self, keys: &Arc<CategoryKeys>) -> Checked<Bench> {
        let mut bench = Bench::new(keys, self.beginning)?;
        self.before.iter().try_for_each(|step| bench.step(step))?;
        Ok(bench)
    }

    /// The step without the fault: how many calls it makes, and what it gives.
    fn undisturbed(&self, keys: &Arc<CategoryKeys>) -> Checked<(u64, Contents)> {
        let mut bench = self.bench(keys)?;
        let calls = bench.double.calls();
        bench.step(self.step)?;
        Ok((bench.double.calls() - calls, bench.last().clone()))
    }

    fn strike(&self, keys: &Arc<CategoryKeys>, after: &Contents) -> Checked {
        let (mut bench, mut random) = (self.bench(keys)?, Random(self.seed));
        let reverts = random.below(2) == 0;
        bench.double.set_loss(random.next(), reverts);
        bench.double.arm(self.at, self.fault);
        let done = bench.attempt(self.step)?;
        bench.double.disarm();
        let (synced, refused) = (!bench.double.has_failed_sync(), bench.refuses_sync());
        if !synced && !refused && !matches!(self.step, Step::Retire | Step::Reopen) {
            return Err("a file that failed to be synced goes on".into());
        }
        self.judge_answer(&done, !refused)?;
        let reverted = !synced && reverts;
        let window = self.window(&bench, after, reverted.then_some(After::FailedSync));
        let found = window.read(&bench.file);
        let found = found.map_err(|fault| format!("by the same handle: {fault}"))?;
        if done.is_ok() && synced && found.as_ref() != Some(after) {
            return Err("what succeeded was not done".into());
        }
        self.judge_sync(&bench, !refused)?;
        bench.found(after.clone());
        bench.found(found.clone().unwrap_or_else(|| after.clone()));
        // Where nothing hinders it, what failed is taken back on the disk too.
        let same = synced && !matches!(self.fault, Fault::From(_));
        let expected = found.filter(|_| same);
        self.go_on(bench, after, expected, reverted, &mut random)
    }

    /// The caller is told the very error, and of nothing that does no harm.
    fn judge_answer(&self, done: &crate::volume::Result<()>, synced: bool) -> Checked {
        let errno = match self.fault {
            Fault::Once(Errno::INTR) | Fault::Short(_) => None,
            Fault::Once(errno) | Fault::From(errno) => Some(errno),
            Fault::Full(_) => Some(Errno::NOSPC),
        };
        match done {
            Ok(()) => Ok(()),
            Err(Error::Io(error)) if errno.map(Errno::raw_os_error) == error.raw_os_error() => {
                Ok(())
            }
            Err(Error::SyncFailed) if !synced => Ok(()),
            Err(error) => Err(format!("told: {error}")),
        }
    }

    /// A file that failed to be synced is never synced again by the same handle, nor written.
    fn judge_sync(&self, bench: &Bench, synced: bool) -> Checked {
        for _ in 0..2 {
            match (bench.file.sync(true), synced) {
                (Ok(()), true) => {}
                (Err(_), false) => {}
                (Ok(()), false) => return Err("a failed sync was tried again and believed".into()),
                (Err(error), true) => {
                    return Err(format!("no sync after {:?}: {error}", self.fault));
                }
            }
        }
        if !synced && !matches!(bench.file.write_at(0, b"x"), Err(Error::SyncFailed)) {
            return Err("a file that failed to be synced was written".into());
        }
        Ok(())
    }

    /// Opened anew the file is old or new, and serves as before.
    fn go_on(
        &self,
        mut bench: Bench,
        after: &Contents,
        expected: Option<Contents>,
        reverted: bool,
        random: &mut Random,
    ) -> Checked {
        let reopened = bench.reopen();
        let reverted = reverted.then_some(After::PowerCut { torn: None });
        let window = self.window(&bench, after, reverted);
        match reopened {
            Ok(()) => {}
            Err(Error::Header(_)) if window.may_be_gone() => return Ok(()),
            Err(error) => return Err(format!("cannot open anew: {error}")),
        }
        let found = window.read(&bench.file);
        let Some(found) = found.map_err(|fault| format!("opened anew: {fault}"))? else {
            return Ok(());
        };
        if expected.is_some_and(|expected| expected != found) {
            return Err("opened anew it is not what it was".into());
        }
        bench.found(found);
        if !bench.distrust && !self.seed.is_multiple_of(4) {
            return Ok(());
        }
        let from = bench.double.position();
        for _ in 0..2 {
            let step = any(random);
            bench.step(&step).map_err(|fault| format!("then {fault}"))?;
        }
        bench.step(&Step::Sync)?;
        let limits = Limits { kills: 2, cuts: 4 };
        bench.crash(from, &limits, random).map(drop).map_err(|fault| format!("later, {fault}"))
    }

    /// What there may be: `reverted` where reads see what is on the disk, and what that is like.
    fn window<'a>(
        &self,
        bench: &'a Bench,
        after: &Contents,
        reverted: Option<After>,
    ) -> Window<'a> {
        let first = if reverted.is_some() { 0 } else { bench.snapshots.len() - 1 };
        let mut snapshots = bench.snapshots[first..].to_vec();
        snapshots.push(after.clone());
        let how = reverted.unwrap_or(After::Failure);
        Window {
            snapshots,
            keys: &bench.keys,
            after: how,
            was_cut: bench.distrust,
            was_extended: false,
        }
    }

    fn told(&self) -> String {
        let steps = [self.beginning, self.before, std::slice::from_ref(self.step)];
        format!("{}, the last with {:?} at call {}", told(&steps), self.fault, self.at)
    }
}

/// Each call of the last of `length` steps fails in each way.
pub(super) fn all_short(length: usize, broken: Option<Broken>) -> Checked {
    let (steps, beginnings) = (alphabet(length + 1), beginnings());
    let all = steps.len().pow(length as u32) * beginnings.len();
    each(all as u64, broken, |case, keys| {
        let mut rest = case as usize;
        let beginning = &beginnings[rest % beginnings.len()];
        rest /= beginnings.len();
        let step = &steps[rest % steps.len()];
        rest /= steps.len();
        let before: Vec<Step> = match length {
            1 => Vec::new(),
            _ => vec![steps[rest % steps.len()].clone()],
        };
        let (fault, before) = (Fault::Once(Errno::IO), &before);
        let mut stricken = Stricken { beginning, before, step, at: 0, fault, seed: case };
        let (calls, after) = stricken.undisturbed(keys)?;
        for at in 0..calls {
            for fault in FAULTS {
                (stricken.at, stricken.fault) = (at, fault);
                stricken.seed += 1;
                stricken
                    .strike(keys, &after)
                    .map_err(|told| format!("{told}\nafter {}", stricken.told()))?;
            }
        }
        Ok(())
    })
}

/// Random workloads whose last step is stricken.
fn many_long(cases: u64) -> Checked {
    let first = number("EZNCRYPT_FAULT_SEED", 0);
    let beginnings = beginnings();
    each(cases, None, |case, keys| {
        let seed = first + case;
        let mut random = Random(seed.wrapping_mul(0x2_0000_0001));
        let beginning = random.pick(&beginnings);
        let before: Vec<Step> = (0..random.below(6)).map(|_| any(&mut random)).collect();
        let (step, fault) = (any(&mut random), *random.pick(&FAULTS));
        let mut stricken = Stricken { beginning, before: &before, step: &step, at: 0, fault, seed };
        let (calls, after) = stricken.undisturbed(keys)?;
        stricken.at = random.below(calls.max(1));
        stricken.strike(keys, &after).map_err(|fault| {
            let seed = format!("EZNCRYPT_FAULT_SEED={seed} EZNCRYPT_FAULT_CASES=1");
            format!("{fault}\n{seed}: after {}", stricken.told())
        })
    })
}

/// > When the disk is full (`ENOSPC`, `EDQUOT`) the program is told so, every sector and the size
/// > is as before or as after the call, and the next call works when there is room.
///
/// > When the disk cannot read or write (`EIO`) the program is told so, and every sector and the
/// > size is as before or as after the call.
///
/// > A call that a signal interrupts, or of which the disk takes a part, is carried on.
#[test]
fn any_call_that_fails_leaves_each_sector_old_or_new_and_is_told() {
    passes(all_short(1, None));
    passes(all_short(2, None));
}

#[test]
fn calls_that_fail_in_ten_thousand_longer_workloads_lose_nothing() {
    passes(many_long(number("EZNCRYPT_FAULT_CASES", 10_000)));
}

/// > A failed sync is told as `sync_failed` in the audit log and as *failed syncs* in `ezncrypt status`.
///
/// A file that is being re-encrypted has its header written when it is opened.
#[test]
fn a_file_that_is_refused_to_writers_from_its_opening_on_is_told_once() {
    let keys = keys(Suite::Xaes256Gcm);
    let mut bench = Bench::new(&keys, &[Step::Edit(Operation::Write(0, vec![1; 9000]))]).unwrap();
    bench.step(&Step::Rekey(1)).unwrap();
    let mut refused = 0;
    for errno in [Errno::NOSPC, Errno::IO] {
        let mut at = 0;
        loop {
            let told = Arc::new(Mutex::new(Vec::new()));
            let watcher: Watcher = {
                let told = told.clone();
                Arc::new(move |event| told.lock().unwrap().push(event))
            };
            bench.double.arm(at, Fault::Once(errno));
            let (disk, keys) = (DiskFile::doubled(bench.double.clone()), bench.keys.clone());
            let opened =
                CipherFile::open_watched(disk, Arc::new(KeyCell::new(keys)), Some(watcher));
            if !bench.double.disarm() {
                break;
            }
            at += 1;
            let Ok(file) = opened else { continue };
            if matches!(file.write_at(0, b"x"), Err(Error::SyncFailed)) {
                refused += 1;
                assert_eq!(*told.lock().unwrap(), [Event::SyncFailed], "{errno} at {at}");
                file.read_at(0, &mut [0; 9000]).unwrap();
            }
        }
    }
    assert!(refused >= 4, "the header's write and its sync fail: {refused}");
}
