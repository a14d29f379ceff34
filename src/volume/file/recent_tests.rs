//! What is known of sectors saves reading them, and is never taken for what is on the disk.

use super::super::attack_tests::{flip, read, victim};
use super::super::model_tests::{keys, open};
use super::super::{BATCH, CipherFile};
use super::*;
use crate::crypto::sector::Suite;
use crate::format::geometry::PAYLOAD;
use crate::storage::DiskFile;
use crate::storage::double::{Double, Fault, Image};
use crate::volume::Error;
use rustix::io::Errno;

/// One test has as many files as may have some.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn payload(byte: u8) -> Box<Payload> {
    let mut payload = Box::new(Payload::zero());
    payload.fill(byte);
    payload
}

#[test]
fn writes_that_go_on_where_others_ended_read_nothing() {
    let _alone = alone();
    let double = Double::holding(Image::default());
    let disk = DiskFile::doubled(double.clone());
    let file = CipherFile::open(disk, keys(Suite::Xaes256Gcm)).unwrap();
    file.write_at(0, &[1; 100]).unwrap();
    let calls = |offset, length| {
        let before = double.calls();
        file.write_at(offset, &vec![2; length]).unwrap();
        double.calls() - before
    };
    let mut end = 100;
    // The fifth begins where a sector ended.
    for length in [512, 4048, 16384, 3244, 304, 1] {
        assert_eq!(calls(end, length), 2, "a write and a new size, {length} bytes at {end}");
        end += length as u64;
        file.sync(true).unwrap();
    }
    for page in [1, 2, 1, 2] {
        let reads = calls(page * 4096, 4096) - 1;
        assert!(reads <= 2, "{reads} reads for page {page}");
    }
    assert_eq!([calls(4096, 4096), calls(8192, 4096)], [1, 1], "pages that were just written");
}

/// > A sector that was damaged since a write began or ended in it may be put right by the next write there, as
/// > what it held is in memory; until then it is `EIO`.
#[test]
fn damage_is_seen_by_readers_and_put_right_by_the_next_write() {
    let _alone = alone();
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 3);
    let file = open(&disk, &keys).unwrap();
    file.write_at(PAYLOAD + 10, b"x").unwrap();
    flip(&disk, SectorIndex(1).position() + 2000);
    assert!(matches!(read(&file, 1), Err(Error::Sector { index, .. }) if index.0 == 1));
    assert_eq!(file.check_sectors(0..4).unwrap().damaged.len(), 1);
    file.write_at(PAYLOAD + 12, b"y").unwrap();
    assert!(file.check_sectors(0..4).unwrap().damaged.is_empty());
    assert_eq!(&read(&file, 1).unwrap()[8..14], b"\x02\x02x\x02y\x02");
}

#[test]
fn whatever_else_changes_a_file_has_its_sectors_read_anew() {
    let _alone = alone();
    let keys = keys(Suite::Xaes256Gcm);
    type Change = fn(&CipherFile);
    let changes: [Change; 9] = [
        |file| file.set_size(3 * PAYLOAD + 100).unwrap(),
        |file| file.set_size(2 * PAYLOAD).unwrap(),
        |file| file.set_size(5 * PAYLOAD).unwrap(),
        |file| file.punch(2 * PAYLOAD, 50).unwrap(),
        |file| file.zero_range(2 * PAYLOAD, PAYLOAD, true).unwrap(),
        |file| file.reserve(0, PAYLOAD, true).unwrap(),
        |file| assert!(file.rewrap(true).unwrap()),
        |file| assert!(file.begin_rekey(true).unwrap().is_none()),
        |file| assert!(!file.mend_header().unwrap()),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let disk = victim(&keys, 3);
        let file = open(&disk, &keys).unwrap();
        file.write_at(10, b"x").unwrap();
        change(&file);
        flip(&disk, SectorIndex(0).position() + 2000);
        let written = file.write_at(12, b"y");
        assert!(matches!(written, Err(Error::Sector { .. })), "change {number}");
    }
}

#[test]
fn what_a_failed_write_meant_to_write_is_not_written_by_the_next() {
    let _alone = alone();
    let double = Double::holding(Image::default());
    let disk = DiskFile::doubled(double.clone());
    let file = CipherFile::open(disk, keys(Suite::Xaes256Gcm)).unwrap();
    file.write_at(0, &[1; 3 * PAYLOAD as usize]).unwrap();
    for (offset, length) in [(10, 1), (PAYLOAD - 1, 2), (PAYLOAD - 1, PAYLOAD as usize + 2)] {
        file.write_at(offset, &vec![2; length]).unwrap();
        double.arm(0, Fault::Once(Errno::NOSPC));
        assert!(file.write_at(offset, &vec![3; length]).is_err());
        assert!(double.disarm());
        file.write_at(offset - 3, b"z").unwrap();
        file.write_at(offset + length as u64 + 3, b"z").unwrap();
        let mut found = vec![0; length];
        file.read_at(offset, &mut found).unwrap();
        assert!(found == vec![2; length], "{length} bytes at {offset}");
    }
}

#[test]
fn a_sector_that_is_overwritten_whole_is_another() {
    let _alone = alone();
    let keys = keys(Suite::XChaCha20Poly1305);
    let disk = tempfile::tempfile().unwrap();
    let file = open(&disk, &keys).unwrap();
    file.write_at(0, &vec![1; 300 * PAYLOAD as usize]).unwrap();
    for length in [PAYLOAD, 3 * PAYLOAD, (BATCH + 9) * PAYLOAD] {
        file.write_at(PAYLOAD + 10, b"x").unwrap();
        file.write_at(PAYLOAD - 1, &vec![7; length as usize + 2]).unwrap();
        file.write_at(PAYLOAD + 12, b"y").unwrap();
        assert_eq!(&read(&file, 1).unwrap()[9..14], b"\x07\x07\x07y\x07");
    }
}

#[test]
fn the_one_that_was_used_longest_ago_is_replaced() {
    let recent = Recent::default();
    for index in 0..PER_FILE as u64 {
        recent.keep(SectorIndex(index), payload(index as u8));
    }
    let (first, is_known) = recent.take(SectorIndex(0));
    assert!(is_known && first[9] == 0);
    recent.keep(SectorIndex(0), first);
    let (other, is_known) = recent.take(SectorIndex(100));
    assert!(!is_known && other[9] == 1, "its memory is used again");
    recent.keep(SectorIndex(100), other);
    assert!(!recent.take(SectorIndex(1)).1 && recent.take(SectorIndex(0)).1);
}

#[test]
fn of_too_many_files_the_first_gives_up_its_own_until_it_is_written_again() {
    let _alone = alone();
    let recents: Vec<Recent> = (0..=FILES).map(|_| Recent::default()).collect();
    let keep = |recent: &Recent| recent.keep(SectorIndex(5), payload(5));
    recents.iter().for_each(keep);
    let knows = |recent: &Recent| !lock(&recent.0).held.is_empty();
    assert!(!knows(&recents[0]) && knows(&recents[FILES]));
    keep(&recents[0]);
    assert!(knows(&recents[0]));
    let held = recents.iter().filter(|recent| knows(recent)).count();
    assert!(held <= FILES, "{held}");
    let pointers: Vec<_> = recents.iter().map(|recent| Arc::as_ptr(&recent.0)).collect();
    drop(recents);
    let holders = HOLDERS.lock().unwrap();
    assert!(!holders.iter().any(|holder| pointers.contains(&holder.as_ptr())));
}

#[test]
fn several_writers_of_a_file_bring_it_in_once() {
    let _alone = alone();
    let recent = Recent::default();
    let barrier = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (recent, barrier) = (&recent, &barrier);
            scope.spawn(move || {
                barrier.wait();
                recent.keep(SectorIndex(number), payload(1));
            });
        }
    });
    let ours = |holder: &&Weak<Mutex<Slots>>| holder.as_ptr() == Arc::as_ptr(&recent.0);
    assert_eq!(HOLDERS.lock().unwrap().iter().filter(ours).count(), 1);
}
