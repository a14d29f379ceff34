//! Keys that change under a file: broken off at each step, with damage, and attacked.

use super::attack_tests::{flip, raw, read, victim};
use super::model_tests::{keys, open};
use super::*;
use crate::crypto::CategoryKeys;
use crate::crypto::sector::Suite;
use crate::format::geometry::{PAYLOAD, SECTOR};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, SystemTime};

const SECTORS: u64 = 9;

/// A file of nine sectors and a bit under the first of two keys of a category.
struct Case {
    disk: File,
    file: CipherFile,
    /// Both keys.
    both: Arc<CategoryKeys>,
    /// The new one alone.
    new: Arc<CategoryKeys>,
}

impl Case {
    fn new() -> Self {
        let first = keys(Suite::Xaes256Gcm);
        let disk = victim(&first, SECTORS);
        let both = Arc::new(first.with_new_epoch().unwrap());
        let new = Arc::new(both.without_epochs_before(2));
        let file = open(&disk, &both).unwrap();
        Self { disk, file, both, new }
    }

    /// The header as it is on disk.
    fn header(&self) -> FileHeader {
        let page = raw(&self.disk, 0, SECTOR).try_into().unwrap();
        FileHeader::decode(&page, &self.both).unwrap().header
    }

    /// Re-encrypts the whole file, and gives back what finishing says.
    fn rekey(&self) -> Result<()> {
        let Some(mut rekey) = self.file.begin_rekey(false)? else { return Ok(()) };
        while self.file.rekey_batch(&mut rekey)?.is_some() {}
        self.file.finish_rekey(&rekey)
    }
}

/// What a crash would leave now.
fn copy_of(disk: &File) -> File {
    let mut copy = tempfile::tempfile().unwrap();
    let length = disk.metadata().unwrap().len();
    copy.write_all(&raw(disk, 0, length)).unwrap();
    copy
}

#[track_caller]
fn assert_readable(file: &CipherFile) {
    assert_eq!(file.size(), SECTORS * PAYLOAD + 100);
    for sector in 0..=SECTORS {
        assert_eq!(read(file, sector).unwrap(), vec![sector as u8 + 1; 50], "sector {sector}");
    }
}

#[test]
fn a_rewrapped_file_opens_by_the_new_key_alone_and_its_sectors_stay() {
    let case = Case::new();
    let before = raw(&case.disk, SECTOR, SECTORS * SECTOR);
    assert!(open(&case.disk, &case.new).is_err());
    assert!(case.file.rewrap(false).unwrap());
    assert!(!case.file.rewrap(false).unwrap(), "nothing is left to do");
    assert_readable(&open(&case.disk, &case.new).unwrap());
    assert_eq!(raw(&case.disk, SECTOR, SECTORS * SECTOR), before);
}

#[test]
fn a_crash_at_each_step_of_re_encrypting_leaves_a_readable_file_that_can_be_finished() {
    let case = Case::new();
    let mut crashes = vec![copy_of(&case.disk)];
    let mut rekey = case.file.begin_rekey(false).unwrap().unwrap();
    rekey.set_batch(2);
    crashes.push(copy_of(&case.disk));
    while case.file.rekey_batch(&mut rekey).unwrap().is_some() {
        crashes.push(copy_of(&case.disk));
    }
    assert!(case.header().next.is_some());
    case.file.finish_rekey(&rekey).unwrap();
    crashes.push(copy_of(&case.disk));
    assert_eq!(crashes.len(), 8);
    for crashed in crashes {
        let file = open(&crashed, &case.both).unwrap();
        assert_readable(&file);
        let resumed = Case { file, disk: crashed, both: case.both.clone(), new: case.new.clone() };
        resumed.file.write_at(PAYLOAD + 7, b"in between").unwrap();
        resumed.rekey().unwrap();
        let mut out = [0; 10];
        let file = open(&resumed.disk, &case.new).unwrap();
        file.read_at(PAYLOAD + 7, &mut out).unwrap();
        assert_eq!(&out, b"in between");
        file.write_at(PAYLOAD + 7, &[2; 10]).unwrap();
        assert_readable(&file);
    }
}

/// Whatever is sealed under the next key, the header on disk holds it already; what is under the old
/// one, still.
#[test]
fn no_sector_is_ever_under_a_key_that_the_header_lacks() {
    let case = Case::new();
    let mut rekey = case.file.begin_rekey(false).unwrap().unwrap();
    rekey.set_batch(1);
    let (old, next) = (case.header().key, case.header().next.unwrap());
    let under = |key: &crate::crypto::Key| {
        let header = FileHeader { key: key.duplicate(), next: None, ..case.header() };
        let sealing = Sealing::new(header).unwrap();
        let opens = |index: u64| {
            let sector: [u8; SECTOR as usize] =
                raw(&case.disk, (index + 1) * SECTOR, SECTOR).try_into().unwrap();
            let index = crate::format::geometry::SectorIndex(index);
            sealing.opener().open(index, &sector, &mut [0; PAYLOAD as usize]).is_ok()
        };
        (0..=SECTORS).filter(|index| opens(*index)).count() as u64
    };
    for done in 0..=SECTORS {
        assert_eq!((under(&next), under(&old)), (done, SECTORS + 1 - done));
        case.file.rekey_batch(&mut rekey).unwrap().unwrap();
    }
    assert!(case.file.rekey_batch(&mut rekey).unwrap().is_none());
    case.file.finish_rekey(&rekey).unwrap();
    let last = case.header();
    assert!(last.next.is_none() && last.key.same_as(&next) && last.epoch == 2);
}

#[test]
fn an_old_sector_is_refused_once_the_file_is_re_encrypted() {
    let case = Case::new();
    let old = raw(&case.disk, 3 * SECTOR, SECTOR);
    case.rekey().unwrap();
    case.disk.write_all_at(&old, 3 * SECTOR).unwrap();
    assert!(read(&case.file, 2).is_err());
    let reopened = open(&case.disk, &case.both).unwrap();
    assert!(read(&reopened, 2).is_err());
    assert!(read(&reopened, 1).is_ok());
}

#[test]
fn a_damaged_sector_keeps_both_keys_until_it_is_overwritten() {
    let case = Case::new();
    flip(&case.disk, 4 * SECTOR + 100);
    let before = raw(&case.disk, 4 * SECTOR, SECTOR);
    let refused = case.rekey();
    assert!(
        matches!(refused, Err(Error::NotReencrypted { sectors: 1, first }) if first.0 == 3),
        "{refused:?}"
    );
    assert_eq!(raw(&case.disk, 4 * SECTOR, SECTOR), before, "damage stays as it was found");
    assert!(case.header().next.is_some());
    assert!(read(&case.file, 3).is_err() && read(&case.file, 4).is_ok());
    case.file.write_at(3 * PAYLOAD, &[4; PAYLOAD as usize]).unwrap();
    case.rekey().unwrap();
    assert_readable(&open(&case.disk, &case.new).unwrap());
}

#[test]
fn an_erased_and_a_cut_off_sector_are_damage_and_holes_are_not() {
    let case = Case::new();
    case.disk.write_all_at(&[0; SECTOR as usize], 5 * SECTOR).unwrap();
    assert!(
        matches!(case.rekey(), Err(Error::NotReencrypted { sectors: 1, first }) if first.0 == 4)
    );

    let case = Case::new();
    case.file.punch(0, 4 * PAYLOAD).unwrap();
    let blocks = case.disk.metadata().unwrap().blocks();
    case.rekey().unwrap();
    assert!(case.disk.metadata().unwrap().blocks() <= blocks, "holes stay holes");
    let file = open(&case.disk, &case.new).unwrap();
    assert_eq!(read(&file, 2).unwrap(), vec![0; 50]);
    assert_eq!(read(&file, 5).unwrap(), vec![6; 50]);

    let case = Case::new();
    case.disk.set_len(5 * SECTOR).unwrap();
    assert!(
        matches!(case.rekey(), Err(Error::NotReencrypted { sectors: 6, first }) if first.0 == 4)
    );
}

#[test]
fn a_file_that_is_cut_to_nothing_meanwhile_is_another_file() {
    let case = Case::new();
    let mut rekey = case.file.begin_rekey(false).unwrap().unwrap();
    rekey.set_batch(3);
    case.file.rekey_batch(&mut rekey).unwrap();
    case.file.set_size(0).unwrap();
    case.file.write_at(0, b"new").unwrap();
    assert!(case.file.rekey_batch(&mut rekey).unwrap().is_none());
    case.file.finish_rekey(&rekey).unwrap();
    assert!(case.file.begin_rekey(false).unwrap().is_none(), "new contents have the new key");
    assert_eq!(open(&case.disk, &case.new).unwrap().size(), 3);
}

#[test]
fn the_time_of_modification_stays_as_it_was() {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    for rewrap in [true, false] {
        let case = Case::new();
        case.disk.set_modified(long_ago).unwrap();
        if rewrap {
            case.file.rewrap(false).unwrap();
        } else {
            case.rekey().unwrap();
        }
        assert_eq!(case.disk.metadata().unwrap().modified().unwrap(), long_ago);
    }
}

#[test]
fn empty_files_have_nothing_to_change_and_a_bare_header_is_changed() {
    let case = Case::new();
    let bare = copy_of(&case.disk);
    bare.set_len(SECTOR).unwrap();
    let file = open(&bare, &case.both).unwrap();
    assert_eq!(file.size(), 0);
    assert!(file.rewrap(false).unwrap() && !file.rewrap(false).unwrap());
    assert_eq!(open(&bare, &case.new).unwrap().size(), 0);
    let empty = tempfile::tempfile().unwrap();
    let file = open(&empty, &case.both).unwrap();
    assert!(!file.rewrap(false).unwrap() && file.begin_rekey(false).unwrap().is_none());
}

/// The file was unlinked while it was open, so no walk found it.
#[test]
fn a_file_whose_key_is_gone_goes_on_while_it_is_open() {
    let case = Case::new();
    case.file.keys.replace(case.new.clone());
    case.file.punch(0, 3 * PAYLOAD).unwrap();
    case.file.write_at(40 * PAYLOAD, b"end").unwrap();
    assert_eq!(read(&case.file, 5).unwrap(), vec![6; 50]);
    assert_eq!(case.header().epoch, 2);
}

/// A rotation of long ago that was never finished, brought back by a backup of the ciphertext.
#[test]
fn two_keys_under_an_old_epoch_are_finished_and_then_replaced() {
    let case = Case::new();
    let mut rekey = case.file.begin_rekey(false).unwrap().unwrap();
    rekey.set_batch(2);
    case.file.rekey_batch(&mut rekey).unwrap();
    let third = Arc::new(case.both.with_new_epoch().unwrap());
    let file = open(&case.disk, &third).unwrap();
    let later = Case {
        file,
        disk: case.disk,
        both: third.clone(),
        new: Arc::new(third.without_epochs_before(3)),
    };
    later.rekey().unwrap();
    assert_eq!(later.header().epoch, 2);
    let finished = later.header().key;
    later.rekey().unwrap();
    assert_eq!(later.header().epoch, 3);
    assert!(!later.header().key.same_as(&finished));
    assert_readable(&open(&later.disk, &later.new).unwrap());
}

#[test]
fn a_file_that_is_taken_read_only_keeps_both_keys_to_the_end() {
    let case = Case::new();
    let mut rekey = case.file.begin_rekey(false).unwrap().unwrap();
    while case.file.rekey_batch(&mut rekey).unwrap().is_some() {}
    case.file.set_read_only();
    assert!(matches!(case.file.finish_rekey(&rekey), Err(Error::ReadOnly)));
    assert!(case.header().next.is_some());
    assert_readable(&case.file);
}
