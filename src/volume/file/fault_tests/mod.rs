//! Nothing lost, on a disk that does all that a disk may (`storage::double`).
//!
//! A workload is a list of [`Step`]s on one file, and a plain vector of bytes that is changed along with it
//! ([`Bench`]). What crashes leave of the file is opened by the ordinary code and judged ([`judge`]) by these rules:
//!
//! - after a kill, each sector is as before or as after the step that was killed, and nothing is damaged;
//! - after a power cut, each sector is as after some step since the last sync, which includes everything synced;
//! - only a sector that is torn at 512 bytes, or was not part of the file at the last sync, may be an error instead,
//!   and only a file that was empty at some time since then may be without its header;
//! - after a call that failed, the step tells that error and each sector is old or new.
//!
//! `EZNCRYPT_FAULT_CASES` sets how many random workloads are tried and `EZNCRYPT_FAULT_SEED` the first of them; a
//! failure names its own.

mod bench;
mod broken;
mod crashes;
mod errors;
mod judge;
mod steps;

use super::model_tests::Operation;
use crate::crypto::CategoryKeys;
use crate::storage::double::broken::{Broken, with};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use steps::Step;

/// What was found to be wrong, with what led to it.
type Checked<T = ()> = std::result::Result<T, String>;

/// Steps, part by part, as a fault is told. The bytes of a write are all the same: one is told.
fn told(parts: &[&[Step]]) -> String {
    let step = |step: &Step| match step {
        Step::Edit(Operation::Write(at, bytes)) => {
            format!("Write({at}, {} times {:?})", bytes.len(), bytes.first())
        }
        other => format!("{other:?}"),
    };
    let part = |steps: &&[Step]| steps.iter().map(step).collect::<Vec<_>>().join(", ");
    parts.iter().map(part).collect::<Vec<_>>().join("; ")
}

/// A number from the environment.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// Tries all of `cases` in as many threads as there are processors, until one fails.
fn each(
    cases: u64,
    broken: Option<Broken>,
    case: impl Fn(u64, &Arc<CategoryKeys>) -> Checked + Sync,
) -> Checked {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let keys = super::model_tests::keys(crate::crypto::sector::Suite::Xaes256Gcm);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= cases {
                return Ok(());
            }
            if let Err(fault) = with(broken, || case(number, &keys)) {
                next.store(cases, Ordering::Relaxed);
                return Err(fault);
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap())
    })
}
