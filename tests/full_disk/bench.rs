//! An instance on a small disk of which only so much is free as a test says.

use crate::support::process::Outcome;
use crate::support::small_disk::SmallDisk;
use crate::support::{Instance, sample};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fs::{self, File};
use std::path::PathBuf;

/// The category of what is encrypted.
pub const CATEGORY: &str = "@files";

/// A disk, and an instance without a service on it.
pub struct Bench {
    pub instance: Instance,
    pub disk: SmallDisk,
}

impl Bench {
    /// A disk of so many MiB in blocks of 1 KiB.
    pub fn new(size: u64) -> Self {
        let disk = SmallDisk::of(1024, size);
        let root = disk.top().join("i");
        fs::create_dir(&root).unwrap();
        Self { instance: Instance::initialised_in(root), disk }
    }

    fn filler(&self) -> PathBuf {
        self.disk.top().join("filler")
    }

    /// Bytes that can be used; what ext4 keeps for itself is not among them.
    pub fn free(&self) -> u64 {
        let found = statvfs(self.disk.top()).unwrap();
        found.f_bavail * found.f_frsize
    }

    /// Fills the disk but for so many KiB.
    pub fn leave(&self, kib: u64) {
        let filler = File::options().append(true).create(true).open(self.filler()).unwrap();
        // What is only in memory yet has its place.
        rustix::fs::syncfs(&filler).unwrap();
        let mut piece = 16 << 20;
        while piece >= 1024 {
            let spare = self.free().saturating_sub(kib << 10);
            let at = filler.metadata().unwrap().len();
            let taken = piece.min(spare) & !1023;
            let flags = FallocateFlags::empty();
            if taken == 0 {
                return;
            }
            if fallocate(&filler, flags, at, taken).is_err() {
                piece /= 2;
            }
        }
    }

    /// Makes room again.
    pub fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
        rustix::fs::syncfs(File::open(self.disk.top()).unwrap()).unwrap();
    }

    /// What tries on one more KiB each time; every third of them but in the long form.
    pub fn sizes(step: u64) -> impl Iterator<Item = u64> {
        let long = std::env::var_os("EZNCRYPT_LONG").is_some();
        (0..4000).step_by(if long { 1 } else { step as usize })
    }
}

/// Fails the test unless a full disk was why it failed, and that is told as it should be.
#[track_caller]
pub fn assert_told(outcome: &Outcome, what: &str) {
    assert_eq!(outcome.code, Some(8), "{what}: {outcome}");
    let told = &outcome.stderr;
    let names = told.contains("No space left on device") || told.contains("not enough space");
    assert!(names && told.contains("hint: ") && told.contains("make room"), "{what}: {outcome}");
    let line = told.lines().find(|line| line.starts_with("ezncrypt:")).unwrap_or_default();
    let line = line.strip_prefix("ezncrypt:").unwrap();
    assert!(line.contains('/'), "{what}: it names nothing: {outcome}");
}

/// Files of many sizes, some 150 KiB.
pub fn make_tree(top: &std::path::Path) {
    fs::create_dir_all(top.join("sub")).unwrap();
    for (index, size) in [0, 1, 4047, 4049, 20_000, 90_000].into_iter().enumerate() {
        let name = top.join(if index % 2 == 0 { "" } else { "sub" }).join(format!("{size}"));
        fs::write(name, sample::bytes(size as u64, size)).unwrap();
    }
    sample::many_small_files(&top.join("many"), 30);
}
