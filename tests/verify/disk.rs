//! What the kernel keeps in memory does not hide what the disk has lost.

use super::found::{PAYLOAD, SECTOR};
use super::support::machine::program;
use super::support::process::run;
use super::support::small_disk::SmallDisk;
use ezncrypt::crypto::CategoryKeys;
use ezncrypt::crypto::sector::Suite;
use ezncrypt::storage::DiskFile;
use ezncrypt::volume::file::{CipherFile, Damage};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::Arc;

#[test]
fn damage_on_the_disk_is_found_behind_sound_pages_in_memory() {
    let disk = SmallDisk::new(4096);
    let path = disk.top().join("file");
    let mut options = OpenOptions::new();
    let descriptor = options.read(true).write(true).create_new(true).open(&path).unwrap();
    let keys = Arc::new(CategoryKeys::generate(Suite::Xaes256Gcm).unwrap());
    let file = CipherFile::open(DiskFile::new(descriptor.into()), keys).unwrap();
    file.write_at(0, &vec![5; 100 * PAYLOAD as usize]).unwrap();
    file.sync(false).unwrap();

    let listed = run(Command::new(program("filefrag")).arg("-v").arg(&path)).succeeds().stdout;
    let extent = listed.lines().find(|line| line.trim_start().starts_with("0:")).unwrap();
    let first: u64 =
        extent.split(':').nth(2).unwrap().split("..").next().unwrap().trim().parse().unwrap();
    let image = OpenOptions::new().read(true).write(true).open(disk.image()).unwrap();
    // The header is in the first block, sector 7 in the ninth.
    image.write_all_at(&[0xee; 4096], first * SECTOR + 8 * SECTOR).unwrap();

    let mut out = vec![0; PAYLOAD as usize];
    file.read_at(7 * PAYLOAD, &mut out).unwrap();
    assert!(out == vec![5; PAYLOAD as usize], "the page in memory is sound");
    file.forget_cached(0..100);
    let checked = file.check_sectors(0..100).unwrap();
    assert_eq!(checked.damaged.len(), 1, "{checked:?}");
    let (range, damage) = &checked.damaged[0];
    assert_eq!(*range, 7..8);
    assert!(matches!(damage, Damage::Sector(_)));
}
