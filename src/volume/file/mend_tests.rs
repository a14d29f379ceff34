//! Mending, and what it leaves alone.

use super::super::attack_tests::{cell, flip, raw, read, victim};
use super::super::model_tests::{keys, open};
use super::super::{Damage, Watcher};
use super::*;
use crate::crypto::sector::Suite;
use crate::format::geometry::PAYLOAD;
use crate::storage::DiskFile;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

/// Keeps in memory, or not at all.
#[derive(Default)]
struct Kept {
    bytes: Vec<(u64, Vec<u8>)>,
    is_durable: bool,
    is_full: bool,
}

impl Keep for Kept {
    fn keep(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.push((position, bytes.to_vec()));
        Ok(())
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.is_durable = true;
        Ok(())
    }
}

#[test]
fn a_damaged_copy_of_the_header_is_written_anew_and_a_sound_header_is_left_alone() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    let sound = raw(&disk, 0, SECTOR);
    assert!(!open(&disk, &keys).unwrap().mend_header().unwrap());
    assert!(raw(&disk, 0, SECTOR) == sound);
    for at in [60, 2048 + 60] {
        flip(&disk, at);
        let file = open(&disk, &keys).unwrap();
        assert_eq!(file.check_whole().unwrap(), [Damage::HeaderCopy]);
        let modified = disk.metadata().unwrap().modified().unwrap();
        assert!(file.mend_header().unwrap());
        assert_eq!(file.check_whole().unwrap(), []);
        assert_eq!(disk.metadata().unwrap().modified().unwrap(), modified);
    }
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = events.clone();
    let watcher: Watcher = Arc::new(move |event| heard.lock().unwrap().push(event));
    let descriptor = DiskFile::new(disk.try_clone().unwrap().into());
    let file = CipherFile::open_watched(descriptor, cell(&keys), Some(watcher)).unwrap();
    assert!(events.lock().unwrap().is_empty());
    assert_eq!(read(&file, 2).unwrap(), vec![3; 50]);
}

#[test]
fn a_header_lost_under_an_open_file_is_put_back() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    let file = open(&disk, &keys).unwrap();
    disk.write_all_at(&[0; SECTOR_LEN], 0).unwrap();
    assert!(open(&disk, &keys).is_err());
    assert!(file.mend_header().unwrap());
    assert_eq!(read(&open(&disk, &keys).unwrap(), 4).unwrap(), vec![5; 50]);
}

#[test]
fn torn_sectors_become_zeros_are_kept_before_and_sound_ones_stay_as_they_are() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 9);
    let before = raw(&disk, 0, disk.metadata().unwrap().len());
    for index in [2, 3, 9] {
        flip(&disk, SectorIndex(index).position() + 100);
    }
    disk.write_all_at(&[0; SECTOR_LEN], SectorIndex(5).position()).unwrap();
    let torn = raw(&disk, 0, before.len() as u64);
    let file = open(&disk, &keys).unwrap();
    assert!(file.has_sound_sector().unwrap());

    let mut full = Kept { is_full: true, ..Kept::default() };
    assert!(file.zero_damaged(0..100, &mut full).is_err());
    assert!(raw(&disk, 0, before.len() as u64) == torn, "nothing is overwritten unless it is kept");

    let mut kept = Kept::default();
    assert_eq!(file.zero_damaged(0..100, &mut kept).unwrap(), 4);
    let positions: Vec<u64> = kept.bytes.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, [2, 3, 5, 9].map(|index| SectorIndex(index).position()));
    assert!(kept.is_durable);
    for (position, bytes) in &kept.bytes {
        assert!(torn[*position as usize..][..SECTOR_LEN] == **bytes);
    }
    let after = raw(&disk, 0, before.len() as u64);
    for index in [0, 1, 4, 6, 7, 8] {
        let sector =
            SectorIndex(index).position() as usize..SectorIndex(index + 1).position() as usize;
        assert!(after[sector.clone()] == before[sector], "sector {index} was touched");
    }
    let file = open(&disk, &keys).unwrap();
    assert_eq!(file.size(), 9 * PAYLOAD + 100);
    let zeros = [2, 3, 5, 9].map(|index| read(&file, index).unwrap());
    assert!(zeros.iter().all(|read| *read == vec![0; 50]));
    let checked = file.check_sectors(0..100).unwrap();
    assert_eq!((checked.damaged, checked.sound), (vec![], 10));
    assert_eq!(file.zero_damaged(0..100, &mut kept).unwrap(), 0);
}

#[test]
fn holes_stay_holes() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = tempfile::tempfile().unwrap();
    let file = open(&disk, &keys).unwrap();
    file.write_at(1000 * PAYLOAD, b"x").unwrap();
    let mut kept = Kept::default();
    assert_eq!(file.zero_damaged(0..256, &mut kept).unwrap(), 0);
    let holes = file.check_sectors(0..256).unwrap().holes;
    assert_eq!(&*holes, std::slice::from_ref(&(0..256)));
}

#[test]
fn under_another_files_header_no_sector_is_sound() {
    let keys = keys(Suite::Xaes256Gcm);
    let disk = victim(&keys, 4);
    disk.write_all_at(&raw(&victim(&keys, 4), 0, SECTOR), 0).unwrap();
    assert!(!open(&disk, &keys).unwrap().has_sound_sector().unwrap());
}
