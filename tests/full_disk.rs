//! A disk that runs full again and again, with blocks smaller than a sector: whatever a failed write
//! leaves behind, every file can be read and has the size it had. And a disk that is full at every stage of what is done with
//! files and keystore.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "full_disk/bench.rs"]
mod bench;
#[path = "full_disk/keystore.rs"]
mod keystore;
#[path = "full_disk/migration.rs"]
mod migration;
#[path = "full_disk/mount.rs"]
mod mount;
mod support;

use ezncrypt::crypto::CategoryKeys;
use ezncrypt::crypto::sector::Suite;
use ezncrypt::storage::DiskFile;
use ezncrypt::volume::file::CipherFile;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use support::random::Random;
use support::small_disk::SmallDisk;

const FILES: usize = 8;

fn open(path: &Path, keys: &Arc<CategoryKeys>) -> CipherFile {
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).open(path).unwrap();
    CipherFile::open(DiskFile::new(file.into()), keys.clone()).unwrap()
}

/// Writes plain bytes until the disk is full, in ever smaller pieces.
fn fill(filler: &File) {
    let mut at = filler.metadata().unwrap().len();
    for piece in [1 << 20, 1 << 16, 4096, 1024, 1] {
        while filler.write_all_at(&vec![1; piece], at).is_ok() {
            at = filler.metadata().unwrap().len();
        }
    }
}

fn assert_readable(file: &CipherFile, when: &str) {
    let mut out = vec![0; file.size() as usize];
    let read = file.read_at(0, &mut out);
    assert!(matches!(read, Ok(count) if count == out.len()), "{when}: {read:?}");
}

/// > When the disk is full (`ENOSPC`, `EDQUOT`) the program is told so, every sector and the size
/// > is as before or as after the call, and the next call works when there is room.
#[test]
fn a_full_disk_leaves_every_file_readable() {
    let disk = SmallDisk::new(1024);
    let keys = Arc::new(CategoryKeys::generate(Suite::Xaes256Gcm).unwrap());
    let path = |index: u64| disk.top().join(format!("file{index}"));
    let filler = File::create(disk.top().join("filler")).unwrap();
    fill(&filler);
    let (mut random, mut failures) = (Random(0x9e37_79b9_7f4a_7c15), 0);
    for step in 0..1500 {
        if step % 30 == 0 {
            // A little room, at another place each time, and then none again.
            let length = filler.metadata().unwrap().len();
            filler.set_len(length.saturating_sub(random.below(150_000))).unwrap();
        }
        let name = path(random.below(FILES as u64));
        let file = open(&name, &keys);
        let before = file.size();
        let offset = if random.below(2) == 0 { before } else { random.below(3 << 20) };
        let length = [1, 100, 100, 4000, 4096, 9000, 60_000][random.below(7) as usize];
        let done = match random.below(8) {
            0 => file.set_size(offset),
            1 => file.punch(offset, length as u64),
            2 => file.reserve(offset, length as u64, false),
            _ => file.write_at(offset, &vec![step as u8 | 1; length]),
        };
        if done.is_err() {
            failures += 1;
            assert_eq!(file.size(), before, "step {step}: a failed write changed the size");
        }
        assert_readable(&file, &format!("step {step}, after {done:?}"));
        drop(file);
        assert_readable(&open(&name, &keys), &format!("step {step}, opened again"));
        if random.below(4) == 0 {
            fill(&filler);
        }
    }
    assert!(failures > 50, "the disk was hardly ever full: {failures} failures");
}
