use super::super::model_tests::{keys, open};
use super::*;
use crate::crypto::sector::Suite;
use crate::volume::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// A part of a sector, so that most sectors are of two parts, and some parts are in two sectors.
const PART: usize = 1500;
const PARTS: u64 = 64;
const THREADS: u64 = 4;

fn part(number: u64) -> u64 {
    number * PART as u64
}

/// Parts next to each other belong to different threads, which write theirs again and again, each a run of one byte, while others
/// read and check: a part is never of two writes, none that was written comes back, and every sector verifies.
#[test]
fn writers_of_neighbours_lose_nothing_and_readers_see_whole_writes() {
    let disk = tempfile::tempfile().unwrap();
    let keys = keys(Suite::Xaes256Gcm);
    let file = open(&disk, &keys).unwrap();
    file.write_at(0, &vec![0; part(PARTS) as usize]).unwrap();
    let (ended, appended) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Relaxed) {
                for number in 0..PARTS {
                    let mut seen = [0; PART];
                    assert_eq!(file.read_at(part(number), &mut seen).unwrap(), PART);
                    assert!(seen.iter().all(|byte| *byte == seen[0]), "a part of two writes");
                }
                let checked = file.check_sectors(0..256).unwrap();
                assert!(checked.damaged.is_empty(), "{:?}", checked.damaged);
            }
        });
        scope.spawn(|| {
            while !ended.load(Relaxed) {
                file.write_at(file.size(), &[9; PART]).unwrap();
                appended.fetch_add(1, Relaxed);
                file.sync(true).unwrap();
            }
        });
        let writers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let file = &file;
                scope.spawn(move || {
                    for stamp in 1..=200_u8 {
                        for number in (thread..PARTS).step_by(THREADS as usize) {
                            let mut seen = [0; PART];
                            file.read_at(part(number), &mut seen).unwrap();
                            assert_eq!(seen, [stamp - 1; PART], "part {number} came back");
                            file.write_at(part(number), &[stamp; PART]).unwrap();
                        }
                    }
                })
            })
            .collect();
        let all: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        ended.store(true, Relaxed);
        all.into_iter().for_each(|joined| joined.unwrap());
    });
    drop(file);
    let file = open(&disk, &keys).unwrap();
    let mut seen = vec![0; file.size() as usize];
    file.read_at(0, &mut seen).unwrap();
    let (written, rest) = seen.split_at(part(PARTS) as usize);
    assert!(written.iter().all(|byte| *byte == 200));
    assert_eq!(rest, vec![9; appended.load(Relaxed) as usize * PART]);
}

#[test]
fn a_write_beside_a_slow_one_does_not_wait_and_a_growing_one_does() {
    let disk = tempfile::tempfile().unwrap();
    let file = open(&disk, &keys(Suite::Xaes256Gcm)).unwrap();
    file.write_at(0, &[1; 100_000]).unwrap();
    let state = file.read_state();
    let slow = file.turns.to_write(touched(8192, 8192));
    file.write_at(50_000, &[2; 4096]).unwrap();
    file.read_at(60_000, &mut [0; 4096]).unwrap();
    let (file, same, grown) = (&file, &AtomicBool::new(false), &AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            file.write_at(9000, &[3; 10]).unwrap();
            same.store(true, Relaxed);
        });
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!same.load(Relaxed), "the same sectors");
        scope.spawn(move || {
            file.write_at(99_999, &[4; 2]).unwrap();
            grown.store(true, Relaxed);
        });
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!grown.load(Relaxed), "the size");
        drop((slow, state));
    });
    let mut seen = [0; 10];
    file.read_at(9000, &mut seen).unwrap();
    assert_eq!((seen, file.size()), ([3; 10], 100_001));
}

#[test]
fn a_file_is_read_only_after_an_overwrite_that_panicked() {
    let disk = tempfile::tempfile().unwrap();
    let file = open(&disk, &keys(Suite::Xaes256Gcm)).unwrap();
    file.write_at(0, &[1; 5000]).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _unwinding = Unwinding(&file);
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    for offset in [0, 5000] {
        assert!(matches!(file.write_at(offset, &[2; 10]), Err(Error::ReadOnly)));
    }
    assert_eq!(file.read_at(0, &mut [0; 5000]).unwrap(), 5000);
}

#[test]
fn what_is_written_is_split_at_batches_and_nothing_is_missing() {
    let batch = super::super::BATCH * crate::format::geometry::PAYLOAD;
    for (offset, length) in [(0, 0), (5, 1), (0, batch), (1, batch), (batch - 1, 2 * batch + 2)] {
        let data: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let parts: Vec<_> = batches(offset, &data).collect();
        let mut at = offset;
        for (begins, part) in &parts {
            assert_eq!(*begins, at);
            at += part.len() as u64;
            let sectors = touched(*begins, part.len() as u64);
            assert!(sectors.end - sectors.start <= super::super::BATCH);
        }
        assert_eq!(parts.iter().map(|(_, part)| *part).collect::<Vec<_>>().concat(), data);
    }
}
