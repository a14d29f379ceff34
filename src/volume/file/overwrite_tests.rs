use super::super::model_tests::{keys, open};
use super::*;
use crate::crypto::sector::Suite;
use crate::storage::DiskFile;
use crate::storage::double::{Double, Fault, Image};
use crate::volume::Error;
use rustix::io::Errno;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// A part of a sector, so that most sectors are of two parts, and some parts are in two sectors.
const PART: usize = 1500;
const PARTS: u64 = 64;
const THREADS: u64 = 4;

fn part(number: u64) -> u64 {
    number * PART as u64
}

/// Parts next to each other belong to different threads, which write theirs again and again, each a run of one byte,
/// while others read and check: a part is never of two writes, none that was written comes back, and every sector
/// verifies.
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
    let file = &file;
    std::thread::scope(|scope| {
        let same = waits_for_turn(scope, file, || file.write_at(9000, &[3; 10]).unwrap());
        let grown = scope.spawn(|| file.write_at(99_999, &[4; 2]).unwrap());
        while file.state.try_read().is_ok() {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(!same.is_finished(), "the same sectors");
        assert!(!grown.is_finished(), "the size");
        drop((slow, state));
    });
    let mut seen = [0; 10];
    file.read_at(9000, &mut seen).unwrap();
    assert_eq!((seen, file.size()), ([3; 10], 100_001));
}

/// Does `work` in a thread, and returns when it waits for its turn.
fn waits_for_turn<'a, T: Send + 'a>(
    scope: &'a std::thread::Scope<'a, '_>,
    file: &CipherFile,
    work: impl FnOnce() -> T + Send + 'a,
) -> std::thread::ScopedJoinHandle<'a, T> {
    let before = file.turns.asked();
    let thread = scope.spawn(work);
    while file.turns.asked() == before {
        assert!(!thread.is_finished(), "it did not ask for a turn");
        std::thread::yield_now();
    }
    thread
}

/// Whoever waits for the sectors of a write that panics must not go on from what it left in memory.
#[test]
fn a_file_is_read_only_after_an_overwrite_that_panicked() {
    let disk = tempfile::tempfile().unwrap();
    let file = open(&disk, &keys(Suite::Xaes256Gcm)).unwrap();
    file.write_at(0, &[1; 5000]).unwrap();
    let file = &file;
    std::thread::scope(|scope| {
        let first = file.turns.to_read(0..1);
        let panicking = waits_for_turn(scope, file, || {
            let write = || file.write_at(10, &[2; 10]);
            broken::with(Some(Broken::PanickingWrite), || {
                catch_unwind(AssertUnwindSafe(write)).is_err()
            })
        });
        let waiting = waits_for_turn(scope, file, || file.write_at(30, &[3; 10]));
        drop(first);
        assert!(panicking.join().unwrap());
        assert!(matches!(waiting.join().unwrap(), Err(Error::ReadOnly)));
    });
    for offset in [0, 5000] {
        assert!(matches!(file.write_at(offset, &[4; 10]), Err(Error::ReadOnly)));
    }
    let mut seen = [0; 5000];
    file.read_at(0, &mut seen).unwrap();
    assert_eq!(seen, [1; 5000]);
}

/// Calls that fail now and then under several writers of neighbouring parts: each part stays that of one write, and what
/// failed is old or new.
#[test]
fn overwrites_that_fail_beside_others_leave_each_part_old_or_new() {
    let double = Double::holding(Image::default());
    let disk = DiskFile::doubled(double.clone());
    let file = CipherFile::open(disk, keys(Suite::Xaes256Gcm)).unwrap();
    file.write_at(0, &vec![0; part(PARTS) as usize]).unwrap();
    // Far behind, so that the file may have holes, and a write that fails looks for torn ones.
    file.write_at(4_000_000, &[0]).unwrap();
    let (file, ended, failed) = (&file, &AtomicBool::new(false), &AtomicU64::new(0));
    let read = |number: u64| {
        let mut seen = [0; PART];
        while let Err(error) = file.read_at(part(number), &mut seen) {
            assert!(!error.is_damage(), "{error}");
        }
        assert!(seen.iter().all(|byte| *byte == seen[0]), "part {number} is of two writes");
        seen[0]
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Relaxed) {
                double.arm(9, Fault::Once(Errno::NOSPC));
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
        });
        let writers: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    let mut held = [0; PARTS as usize];
                    for stamp in 1..=100 {
                        for number in (thread..PARTS).step_by(THREADS as usize) {
                            let before = std::mem::replace(&mut held[number as usize], stamp);
                            let written = file.write_at(part(number), &[stamp; PART]);
                            let seen = read(number);
                            match written {
                                Ok(()) => assert_eq!(seen, stamp, "part {number}"),
                                Err(error) => {
                                    assert!(!error.is_damage(), "{error}");
                                    assert!([before, stamp].contains(&seen), "part {number}");
                                    held[number as usize] = seen;
                                    failed.fetch_add(1, Relaxed);
                                }
                            }
                        }
                    }
                    held
                })
            })
            .collect();
        let all: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        ended.store(true, Relaxed);
        double.disarm();
        for (thread, held) in all.into_iter().enumerate() {
            let held = held.unwrap();
            for number in (thread as u64..PARTS).step_by(THREADS as usize) {
                assert_eq!(read(number), held[number as usize], "part {number}, at the end");
            }
        }
    });
    assert!(failed.load(Relaxed) > 0, "nothing failed");
    let checked = file.check_sectors(0..256).unwrap();
    assert!(checked.damaged.is_empty(), "{:?}", checked.damaged);
}

#[test]
fn who_looks_for_data_behind_a_hole_waits_for_who_writes_it() {
    let disk = tempfile::tempfile().unwrap();
    let file = open(&disk, &keys(Suite::Xaes256Gcm)).unwrap();
    file.write_at(0, &[1; 100]).unwrap();
    file.write_at(4_000_000, &[1; 5000]).unwrap();
    let file = &file;
    std::thread::scope(|scope| {
        let writing = file.turns.to_write(touched(4_000_000, 1));
        let looking = waits_for_turn(scope, file, || file.seek_data(10_000).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(!looking.is_finished());
        drop(writing);
        assert!(looking.join().unwrap().is_some());
    });
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
