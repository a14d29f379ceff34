//! What a sync promises, over a power cut: the disk's image is copied when nothing is being written, and whatever
//! is only in memory is not in it. Cuts in the middle of writing are those of `tests/crash.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use rustix::fs::OFlags;
use rustix::process::Signal;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;
use support::Instance;
use support::process::{ended_within, send};
use support::raw::Mapping;
use support::small_disk::SmallDisk;

/// A way to make a file's contents durable.
type Sync = fn(&File);

/// What is synced, in bytes: some sectors and a part of one.
const LENGTH: usize = 40_960;

/// An encrypted directory whose ciphertext is on a disk of its own, which writes nothing unless it is told to: all else
/// that is synced is elsewhere.
struct Machine {
    /// Unmounted before the instance, whose directory it is mounted in, is removed.
    disk: SmallDisk,
    instance: Instance,
    data: PathBuf,
}

impl Machine {
    fn new() -> Self {
        let instance = Instance::initialised();
        let data = instance.work().join("data");
        let disk = SmallDisk::at(instance.storage(), 4096, 64);
        let machine = Self { disk, instance, data };
        machine.instance.start();
        fs::create_dir(&machine.data).unwrap();
        machine.instance.encrypt("@test", &machine.data);
        machine.instance.allow_this_test("@test");
        machine
    }

    /// What the disk would hold if the power failed now.
    fn picture(&self, name: &str) {
        self.disk.cut(&self.disk.beside(name));
    }

    /// The machine comes up again with what was on the disk then.
    fn come_up_with(&self, name: &str) {
        self.instance.kill();
        self.disk.unmount();
        self.disk.attach(&self.disk.beside(name));
        self.instance.start();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    fn open(&self, name: &str, flags: OFlags) -> File {
        let flags = flags.bits().cast_signed();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).custom_flags(flags);
        options.open(self.at(name)).unwrap()
    }

    fn write(&self, name: &str) -> File {
        let file = self.open(name, OFlags::empty());
        file.write_all_at(&[b'x'; LENGTH], 0).unwrap();
        file
    }

    fn is_whole(&self, name: &str) -> bool {
        fs::read(self.at(name)).is_ok_and(|found| found == [b'x'; LENGTH])
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may be that none runs.
        if let Some(pid) = self.instance.running() {
            send(pid, Signal::KILL);
            ended_within(pid, Duration::from_secs(30));
        }
    }
}

/// > What was there when `fsync`, `fdatasync` or `msync(MS_SYNC)` succeeded is there after a power
/// > cut.
#[test]
fn what_was_synced_is_there_after_a_power_cut() {
    let machine = Machine::new();
    let syncs: [(&str, Sync); 3] = [
        ("fsync", |file| file.sync_all().unwrap()),
        ("fdatasync", |file| file.sync_data().unwrap()),
        ("msync", |file| {
            let mapping = Mapping::shared(file, LENGTH);
            mapping.store(0, &[b'x'; LENGTH]);
            mapping.sync();
        }),
    ];
    for (name, sync) in syncs {
        let unsynced = machine.write(&format!("unsynced {name}"));
        machine.picture(&format!("before {name}"));
        let file = machine.open(name, OFlags::empty());
        // A mapping cannot extend a file; of what it stores instead nothing is there yet.
        let byte = if name == "msync" { b'o' } else { b'x' };
        file.write_all_at(&[byte; LENGTH], 0).unwrap();
        sync(&file);
        machine.picture(name);
        drop((file, unsynced));
    }
    for (name, _) in syncs {
        machine.come_up_with(&format!("before {name}"));
        assert!(!machine.is_whole(name), "a blind test: {name}");
        assert!(!machine.is_whole(&format!("unsynced {name}")), "a blind test: nothing is lost");
        machine.come_up_with(name);
        assert!(machine.is_whole(name), "lost after {name}");
    }
}

/// > Each write through a handle with `O_SYNC` or `O_DSYNC` is synced before it returns, also with
/// > `O_DIRECT`.
#[test]
fn what_a_synchronous_handle_wrote_is_there_after_a_power_cut() {
    let machine = Machine::new();
    let handles = [
        ("sync", OFlags::SYNC),
        ("data sync", OFlags::DSYNC),
        ("direct sync", OFlags::DIRECT | OFlags::DSYNC),
    ];
    for (name, flags) in handles {
        let file = machine.open(name, flags);
        // A mapping's memory begins at a page, as direct writes ask for.
        let memory = Mapping::shared(&machine.write("memory"), LENGTH);
        memory.write_to(&file, LENGTH);
        machine.picture(name);
    }
    for (name, _) in handles {
        machine.come_up_with(name);
        assert!(machine.is_whole(name), "lost with {name}");
    }
}

/// > A rename, creation or removal is durable once the directory is synced.
#[test]
fn names_are_there_after_a_power_cut_once_their_directory_is_synced() {
    let machine = Machine::new();
    for name in ["renamed", "replaced", "removed"] {
        machine.write(name).sync_all().unwrap();
    }
    File::open(&machine.data).unwrap().sync_all().unwrap();
    machine.picture("before");
    let made = machine.write("made");
    fs::rename(machine.at("renamed"), machine.at("replaced")).unwrap();
    fs::remove_file(machine.at("removed")).unwrap();
    fs::create_dir(machine.at("directory")).unwrap();
    machine.picture("unsynced");
    File::open(&machine.data).unwrap().sync_all().unwrap();
    machine.picture("synced");
    drop(made);

    let there = |name: &str| machine.at(name).exists();
    for (picture, changed) in [("before", false), ("unsynced", false), ("synced", true)] {
        machine.come_up_with(picture);
        for name in ["made", "directory"] {
            assert_eq!(there(name), changed, "{name}, {picture}");
        }
        for name in ["renamed", "removed"] {
            assert_eq!(there(name), !changed, "{name}, {picture}");
        }
        assert!(machine.is_whole("replaced"), "{picture}");
    }
}
