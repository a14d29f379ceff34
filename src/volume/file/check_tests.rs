//! Checking finds the damage and changes nothing.

use super::super::attack_tests::{cell, flip, raw, victim};
use super::super::model_tests::{keys, open};
use super::*;
use crate::crypto::CategoryKeys;
use crate::crypto::sector::Suite;
use crate::format::geometry::PAYLOAD;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

fn apart(disk: &File, keys: &Arc<CategoryKeys>) -> Apart {
    let path = format!("/proc/self/fd/{}", disk.as_raw_fd());
    let descriptor = DiskFile::new(File::open(path).unwrap().into());
    CipherFile::open_apart(descriptor, cell(keys)).unwrap()
}

/// What is found in the whole file, which must stay as it is.
fn found(disk: &File, keys: &Arc<CategoryKeys>) -> (Vec<Damage>, Checked) {
    let length = disk.metadata().unwrap().len();
    let before = raw(disk, 0, length);
    let Apart { file, whole } = apart(disk, keys);
    let checked = file.map(|file| file.check_sectors(0..1000).unwrap()).unwrap_or_default();
    assert_eq!(disk.metadata().unwrap().len(), length, "the size was changed");
    assert!(raw(disk, 0, length) == before, "bytes were changed");
    (whole, checked)
}

fn kinds(checked: &Checked) -> Vec<(Range<u64>, &'static str)> {
    let kind = |damage: &Damage| match damage {
        Damage::EndMissing => "end missing",
        Damage::EndInside => "end inside",
        Damage::Sector(_) => "sector",
        Damage::Erased => "erased",
        Damage::Cut => "cut",
        _ => "other",
    };
    checked.damaged.iter().map(|(range, damage)| (range.clone(), kind(damage))).collect()
}

#[test]
fn a_sound_file_is_sound_in_every_suite() {
    for suite in [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305] {
        let keys = keys(suite);
        let (whole, checked) = found(&victim(&keys, 9), &keys);
        assert_eq!((whole, kinds(&checked)), (vec![], vec![]));
        assert_eq!((checked.sound, checked.bytes), (10, 10 * SECTOR));
    }
}

#[test]
fn neighbouring_sectors_of_one_kind_are_one_stretch() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 9);
    for index in [2, 3, 4, 7] {
        flip(&disk, SectorIndex(index).position() + 100);
    }
    disk.write_all_at(&[0; SECTOR_LEN], SectorIndex(5).position()).unwrap();
    let (whole, checked) = found(&disk, &keys);
    assert_eq!(whole, []);
    assert_eq!(kinds(&checked), [(2..5, "sector"), (5..6, "erased"), (7..8, "sector")]);
    assert_eq!(checked.sound, 5);
}

#[test]
fn a_wrong_size_is_told_and_left_as_it_is() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    disk.set_len(9 * SECTOR + 7).unwrap();
    let (whole, checked) = found(&disk, &keys);
    let size = 4 * PAYLOAD + 100;
    assert!(matches!(whole[..], [Damage::Size { actual, .. }] if actual == size), "{whole:?}");
    assert_eq!(kinds(&checked), []);
    let zeros = tempfile::tempfile().unwrap();
    zeros.set_len(8193).unwrap();
    let (whole, _) = found(&zeros, &keys);
    assert_eq!(whole, [Damage::Unwritten { claimed: 1 }]);
}

#[test]
fn a_cut_file_has_no_end_mark_and_an_extended_one_has_one_inside() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 9);
    let old_tail = raw(&disk, SectorIndex(5).position(), 5 * SECTOR);
    let length = disk.metadata().unwrap().len();
    disk.set_len(SectorIndex(4).position()).unwrap();
    assert_eq!(kinds(&found(&disk, &keys).1), [(3..4, "end missing")]);
    let file = open(&disk, &keys).unwrap();
    file.set_size(4 * PAYLOAD + 1).unwrap();
    drop(file);
    disk.write_all_at(&old_tail, SectorIndex(5).position()).unwrap();
    disk.set_len(length).unwrap();
    assert_eq!(kinds(&found(&disk, &keys).1), [(4..5, "end inside")]);
}

#[test]
fn a_file_that_is_open_is_checked_against_what_its_users_know() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 9);
    let file = open(&disk, &keys).unwrap();
    assert_eq!(file.check_whole().unwrap(), []);
    let header = raw(&disk, 0, SECTOR);
    disk.write_all_at(&[0; SECTOR_LEN], 0).unwrap();
    assert!(matches!(file.check_whole().unwrap()[..], [Damage::Header(_)]));
    disk.write_all_at(&raw(&victim(&keys, 1), 0, SECTOR), 0).unwrap();
    assert!(matches!(file.check_whole().unwrap()[..], [Damage::Header(_)]), "another file's");
    disk.write_all_at(&header, 0).unwrap();
    flip(&disk, 60);
    assert_eq!(file.check_whole().unwrap(), [Damage::HeaderCopy]);
    flip(&disk, 60);
    disk.set_len(SectorIndex(6).position()).unwrap();
    assert_eq!(file.check_whole().unwrap(), []);
    assert_eq!(kinds(&file.check_sectors(0..1000).unwrap()), [(6..10, "cut")]);
    disk.set_len(SectorIndex(30).position()).unwrap();
    assert!(matches!(file.check_whole().unwrap()[..], [Damage::Size { .. }]));
}

#[test]
fn holes_are_told_and_no_damage_and_the_last_sector_is_none() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = tempfile::tempfile().unwrap();
    let file = open(&disk, &keys).unwrap();
    file.write_at(1000 * PAYLOAD, b"x").unwrap();
    let checked = file.check_sectors(0..256).unwrap();
    let only = std::slice::from_ref(&(0..256));
    assert_eq!((&*checked.holes, checked.damaged.len()), (only, 0));
    assert_eq!(file.after_hole(0, 1001).unwrap(), 1000);
    assert_eq!(file.after_hole(3, 500).unwrap(), 500);
    disk.write_all_at(&[0; SECTOR_LEN], SectorIndex(1000).position()).unwrap();
    assert_eq!(kinds(&file.check_sectors(1000..1001).unwrap()), [(1000..1001, "erased")]);
}
