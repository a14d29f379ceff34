//! The attacks on stored bytes of `docs/format.md`, each with the outcome it must have.

use super::model_tests::{keys, open};
use super::*;
use crate::crypto::CategoryKeys;
use crate::crypto::sector::Suite;
use crate::format::geometry::{PAYLOAD, SECTOR};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

/// A file of `sectors` full sectors and 100 bytes more; byte k of sector i is `i + 1`.
pub(super) fn victim(keys: &Arc<CategoryKeys>, sectors: u64) -> File {
    let disk = tempfile::tempfile().unwrap();
    let file = open(&disk, keys).unwrap();
    for index in 0..=sectors {
        let length = if index == sectors { 100 } else { PAYLOAD as usize };
        file.write_at(index * PAYLOAD, &vec![index as u8 + 1; length]).unwrap();
    }
    disk
}

pub(super) fn raw(disk: &File, position: u64, length: u64) -> Vec<u8> {
    let mut bytes = vec![0; length as usize];
    disk.read_exact_at(&mut bytes, position).unwrap();
    bytes
}

pub(super) fn read(file: &CipherFile, sector: u64) -> Result<Vec<u8>> {
    let mut out = vec![0; 50];
    file.read_at(sector * PAYLOAD, &mut out).map(|count| out[..count].to_vec())
}

pub(super) fn cell(keys: &Arc<CategoryKeys>) -> Arc<KeyCell> {
    Arc::new(KeyCell::new(keys.clone()))
}

fn events_of(disk: &File, keys: &Arc<CategoryKeys>) -> (Result<CipherFile>, Vec<Event>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watcher: Watcher = {
        let seen = seen.clone();
        Arc::new(move |event| seen.lock().unwrap().push(event))
    };
    let disk = DiskFile::new(disk.try_clone().unwrap().into());
    let file = CipherFile::open_watched(disk, cell(keys), Some(watcher));
    let seen = seen.lock().unwrap().clone();
    (file, seen)
}

/// Changes one byte, whatever it was.
pub(super) fn flip(disk: &File, at: u64) {
    let mut byte = [0];
    disk.read_exact_at(&mut byte, at).unwrap();
    disk.write_all_at(&[!byte[0]], at).unwrap();
}

/// > A sector that does not verify is `EIO` for every range that touches it and for no other (the
/// > kernel asks for whole pages of 4096 bytes), and is told as `sector_damaged` and as *integrity
/// > errors*.
#[test]
fn a_changed_sector_is_an_error_and_its_neighbours_stay_readable() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    let mut byte = raw(&disk, 3 * SECTOR + 2000, 1);
    byte[0] ^= 1;
    disk.write_all_at(&byte, 3 * SECTOR + 2000).unwrap();
    let file = open(&disk, &keys).unwrap();
    assert!(matches!(read(&file, 2), Err(Error::Sector { index, .. }) if index.0 == 2));
    assert_eq!(read(&file, 1).unwrap(), vec![2; 50]);
    assert_eq!(read(&file, 3).unwrap(), vec![4; 50]);
    let mut across = vec![0; 3 * PAYLOAD as usize];
    assert!(file.read_at(PAYLOAD, &mut across).is_err(), "a range that touches it is an error");
    assert!(file.write_at(2 * PAYLOAD + 5, b"x").is_err(), "half of it cannot be rewritten");
    file.write_at(2 * PAYLOAD, &[9; PAYLOAD as usize]).unwrap();
    assert_eq!(read(&file, 2).unwrap(), vec![9; 50]);
}

#[test]
fn swapped_and_foreign_sectors_are_refused() {
    let keys = keys(Suite::Xaes256Gcm);
    let (disk, other) = (victim(&keys, 4), victim(&keys, 4));
    let (one, two) = (raw(&disk, SECTOR, SECTOR), raw(&disk, 2 * SECTOR, SECTOR));
    disk.write_all_at(&two, SECTOR).unwrap();
    disk.write_all_at(&one, 2 * SECTOR).unwrap();
    disk.write_all_at(&raw(&other, 3 * SECTOR, SECTOR), 3 * SECTOR).unwrap();
    let file = open(&disk, &keys).unwrap();
    for sector in 0..3 {
        assert!(read(&file, sector).is_err());
    }
    assert_eq!(read(&file, 3).unwrap(), vec![4; 50]);
}

#[test]
fn a_cut_at_a_sector_is_noticed_and_shows_no_wrong_byte() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    disk.set_len(3 * SECTOR).unwrap();
    let (file, events) = events_of(&disk, &keys);
    let file = file.unwrap();
    assert_eq!((file.size(), events), (2 * PAYLOAD, vec![Event::EndMarkMissing]));
    assert_eq!(read(&file, 1).unwrap(), vec![2; 50]);
}

#[test]
fn a_cut_inside_a_sector_or_the_header_shows_no_wrong_byte() {
    let keys = keys(Suite::Xaes256Gcm);
    for cut in [3 * SECTOR + 1, 3 * SECTOR + 4000, 4 * SECTOR - 1] {
        let disk = victim(&keys, 4);
        disk.set_len(cut).unwrap();
        let (file, events) = events_of(&disk, &keys);
        assert_eq!(file.unwrap().size(), 2 * PAYLOAD, "cut at {cut}");
        assert!(events.contains(&Event::EndMarkMissing));
    }
    for cut in [1, 100, 2048, 4095] {
        let disk = victim(&keys, 4);
        disk.set_len(cut).unwrap();
        assert!(matches!(open(&disk, &keys), Err(Error::Header(_))));
    }
}

#[test]
fn a_file_extended_with_zeros_garbage_or_foreign_sectors_is_never_silently_longer() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    let (size, end) = (4 * PAYLOAD + 100, 6 * SECTOR);
    disk.set_len(end + 50 * SECTOR).unwrap();
    let (file, events) = events_of(&disk, &keys);
    assert_eq!(file.unwrap().size(), size);
    assert!(matches!(events[..], [Event::SizePutRight { actual, .. }] if actual == size));

    disk.write_all_at(&[7; SECTOR as usize], end).unwrap();
    let file = open(&disk, &keys).unwrap();
    assert!(read(&file, 5).is_err());
    assert_eq!(read(&file, 4).unwrap(), vec![5; 50]);

    disk.write_all_at(&raw(&victim(&keys, 6), end, SECTOR), end).unwrap();
    assert!(read(&open(&disk, &keys).unwrap(), 5).is_err());
}

#[test]
fn a_file_extended_with_its_own_older_sectors_is_noticed() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 6);
    let old = raw(&disk, 6 * SECTOR, 2 * SECTOR);
    open(&disk, &keys).unwrap().set_size(4 * PAYLOAD + 10).unwrap();
    disk.write_all_at(&old, 6 * SECTOR).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watcher: Watcher = {
        let seen = seen.clone();
        Arc::new(move |event| seen.lock().unwrap().push(event))
    };
    let descriptor = DiskFile::new(disk.try_clone().unwrap().into());
    let file = CipherFile::open_watched(descriptor, cell(&keys), Some(watcher)).unwrap();
    read(&file, 4).unwrap();
    assert!(seen.lock().unwrap().contains(&Event::EndMarkInside { sector: 4 }));
}

#[test]
fn an_erased_sector_is_an_error_unless_the_header_allows_holes() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    disk.write_all_at(&[0; SECTOR as usize], 2 * SECTOR).unwrap();
    let file = open(&disk, &keys).unwrap();
    assert!(matches!(read(&file, 1), Err(Error::Erased(index)) if index.0 == 1));
    assert_eq!(read(&file, 2).unwrap(), vec![3; 50]);
    file.punch(3 * PAYLOAD, PAYLOAD).unwrap();
    assert_eq!(read(&file, 3).unwrap(), vec![0; 50]);
    assert!(open(&disk, &keys).unwrap().may_have_holes());
}

/// > A header that does not verify is `EIO` at opening; one sound copy of the two is enough.
#[test]
fn a_missing_swapped_or_foreign_header_is_refused() {
    let ours = keys(Suite::Xaes256Gcm);
    let header_of = |disk: &File| raw(disk, 0, SECTOR);
    let disk = victim(&ours, 2);
    disk.write_all_at(&[0; SECTOR as usize], 0).unwrap();
    assert!(matches!(open(&disk, &ours), Err(Error::Header(_))), "zeroed");

    let (disk, other) = (victim(&ours, 2), victim(&ours, 2));
    disk.write_all_at(&header_of(&other), 0).unwrap();
    let file = open(&disk, &ours).unwrap();
    for sector in 0..3 {
        assert!(read(&file, sector).is_err(), "another file's header opens no sector");
    }

    let foreign = victim(&keys(Suite::Xaes256Gcm), 2);
    assert!(matches!(open(&foreign, &ours), Err(Error::Header(_))), "another category");
}

#[test]
fn a_header_planted_in_an_empty_file_is_not_taken_over() {
    let keys = keys(Suite::Xaes256Gcm);
    let planted = raw(&victim(&keys, 2), 0, SECTOR);
    let disk = tempfile::tempfile().unwrap();
    disk.write_all_at(&planted, 0).unwrap();
    let file = open(&disk, &keys).unwrap();
    assert_eq!(file.size(), 0);
    file.write_at(0, b"fresh").unwrap();
    assert_ne!(raw(&disk, 40, 16), planted[40..56], "a fresh file id");
    let mut out = [0; 5];
    open(&disk, &keys).unwrap().read_at(0, &mut out).unwrap();
    assert_eq!(&out, b"fresh");
}

#[test]
fn truncation_to_nothing_gives_a_fresh_id() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 2);
    let before = raw(&disk, 40, 16);
    let file = open(&disk, &keys).unwrap();
    file.set_size(0).unwrap();
    assert_eq!(disk.metadata().unwrap().len(), 0);
    file.write_at(0, b"again").unwrap();
    assert_ne!(raw(&disk, 40, 16), before);
}

/// An interrupted append leaves the physical size and the last sector of two moments.
#[test]
fn after_an_interrupted_append_the_last_sector_decides() {
    let keys = keys(Suite::Xaes256Gcm);
    for physical_tail in [0, 1, 99, 101, 4047] {
        let disk = victim(&keys, 4);
        disk.set_len(6 * SECTOR + physical_tail).unwrap();
        let (file, events) = events_of(&disk, &keys);
        assert_eq!(file.unwrap().size(), 4 * PAYLOAD + 100);
        assert_eq!(events.len(), 1);
        assert_eq!(disk.metadata().unwrap().len(), 6 * SECTOR + 100, "put right");
    }
}

/// > A header that does not verify is `EIO` at opening; one sound copy of the two is enough.
#[test]
fn one_damaged_header_copy_is_told_and_the_other_serves() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 2);
    flip(&disk, 60);
    let (file, events) = events_of(&disk, &keys);
    assert_eq!(read(&file.unwrap(), 1).unwrap(), vec![2; 50]);
    assert_eq!(events, [Event::HeaderCopyDamaged]);
}

/// A new file's size may become durable before its first bytes do; or all that a file held is lost.
#[test]
fn a_file_of_nothing_but_zeros_is_empty_and_told_of_until_it_is_written() {
    let keys = keys(Suite::Xaes256Gcm);
    for (size, event) in [
        (1, Event::EndMarkMissing),
        (4096, Event::EndMarkMissing),
        (8193, Event::Unwritten { claimed: 1 }),
        (12_239, Event::Unwritten { claimed: 4047 }),
        (1 << 30, Event::Unwritten { claimed: 262_143 * PAYLOAD }),
    ] {
        let disk = tempfile::tempfile().unwrap();
        disk.set_len(size).unwrap();
        for _ in 0..2 {
            let (file, events) = events_of(&disk, &keys);
            let file = file.unwrap();
            assert_eq!((file.size(), file.is_unwritten()), (0, size > 4096));
            assert_eq!(events, [event]);
            assert_eq!(file.read_at(0, &mut [0; 10]).unwrap(), 0);
            file.sync(false).unwrap();
            assert_eq!(disk.metadata().unwrap().len(), size, "reading changed it");
        }
        let file = open(&disk, &keys).unwrap();
        file.write_at(0, b"new").unwrap();
        let (file, events) = events_of(&disk, &keys);
        let file = file.unwrap();
        assert_eq!((file.size(), file.is_unwritten(), events), (3, false, vec![]));
    }
    let disk = tempfile::tempfile().unwrap();
    disk.set_len(1 << 20).unwrap();
    disk.write_all_at(b"x", 500_000).unwrap();
    assert!(matches!(open(&disk, &keys), Err(Error::Header(_))), "something was there");
}

#[test]
fn a_file_of_nothing_but_zeros_can_be_cut_and_extended() {
    let keys = keys(Suite::Xaes256Gcm);
    for size in [0, 5, 5000 * PAYLOAD] {
        let disk = tempfile::tempfile().unwrap();
        disk.set_len(1 << 20).unwrap();
        open(&disk, &keys).unwrap().set_size(size).unwrap();
        let (file, events) = events_of(&disk, &keys);
        let file = file.unwrap();
        assert_eq!((file.size(), file.is_unwritten(), events), (size, false, vec![]));
    }
}

/// A file that was extended first allows holes only until it is synced.
#[test]
fn an_erased_sector_of_a_file_that_began_with_an_extension_is_an_error_once_it_was_synced() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = tempfile::tempfile().unwrap();
    let file = open(&disk, &keys).unwrap();
    file.reserve(0, 16 * PAYLOAD, false).unwrap();
    assert!(file.may_have_holes());
    file.write_at(5, b"page").unwrap();
    assert_eq!(file.size(), 16 * PAYLOAD);
    file.sync(true).unwrap();
    assert_eq!(read(&file, 9).unwrap(), vec![0; 50]);
    file.sync(true).unwrap();
    assert!(!file.may_have_holes());
    drop(file);
    disk.write_all_at(&[0; SECTOR as usize], 3 * SECTOR).unwrap();
    let file = open(&disk, &keys).unwrap();
    assert!(matches!(read(&file, 2), Err(Error::Erased(_))));
    assert_eq!(read(&file, 1).unwrap(), vec![0; 50]);
}

/// Each stretch of zeros that the filesystem holds as data is looked at once.
#[test]
fn thousands_of_stretches_of_zeros_behind_the_end_are_no_burden() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    for stretch in 10..3000 {
        disk.write_all_at(&[0; SECTOR as usize], stretch * 16 * SECTOR).unwrap();
    }
    disk.set_len(10 << 40).unwrap();
    let file = open(&disk, &keys).unwrap();
    assert_eq!(file.size(), 4 * PAYLOAD + 100);
}

#[test]
fn a_cut_to_the_header_is_noticed() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    disk.set_len(SECTOR).unwrap();
    let (file, events) = events_of(&disk, &keys);
    assert_eq!((file.unwrap().size(), events), (0, vec![Event::EndMarkMissing]));
}

#[test]
fn damage_is_told_with_the_sector() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    flip(&disk, 3 * SECTOR + 2000);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watcher: Watcher = {
        let seen = seen.clone();
        Arc::new(move |event| seen.lock().unwrap().push(event))
    };
    let descriptor = DiskFile::new(disk.try_clone().unwrap().into());
    let file = CipherFile::open_watched(descriptor, cell(&keys), Some(watcher)).unwrap();
    read(&file, 2).unwrap_err();
    assert_eq!(*seen.lock().unwrap(), [Event::SectorDamaged { sector: 2 }]);
    disk.write_all_at(&[0xff; 4096], 0).unwrap();
    assert_eq!(events_of(&disk, &keys).1, [Event::HeaderDamaged]);
}

#[test]
fn what_lies_in_the_tail_does_not_come_into_the_file_when_it_grows() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 0);
    disk.write_all_at(&[0xee; 90], 2 * SECTOR).unwrap();
    let file = open(&disk, &keys).unwrap();
    file.set_size(5000 * PAYLOAD).unwrap();
    assert_eq!(read(&file, 0).unwrap(), vec![1; 50]);
    assert_eq!(read(&file, 1).unwrap(), vec![0; 50]);
}
