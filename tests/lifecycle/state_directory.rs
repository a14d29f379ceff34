//! A state directory that is read-only, full, or not what it should be.

use super::support::Instance;
use super::support::machine::{Mounted, detach, is_mounted, program};
use super::support::process::{Outcome, run};
use super::support::small_disk::SmallDisk;
use super::with_file;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A start is refused with this exit code and names the object and the mend. No service and no mount are left, and
/// the keystore is what it was.
#[track_caller]
fn refused(instance: &Instance, code: i32, object: &Path, mend: &str) {
    let keystore = || fs::read(instance.state().join("keystore")).unwrap();
    let before = keystore();
    for start in [&["start"][..], &["start", "--supervise"]] {
        let told: Outcome = instance.run(start).exits(code);
        told.says(object.to_str().unwrap()).says("hint: ").says(mend);
    }
    instance.run(["status"]).exits(6);
    assert!(!is_mounted(&instance.mount()));
    assert_eq!(keystore(), before);
}

/// `chattr +i`, until it is dropped.
struct Immutable(PathBuf);

impl Immutable {
    fn new(path: &Path) -> Self {
        run(Command::new(program("chattr")).arg("+i").arg(path)).succeeds();
        Self(path.to_owned())
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        let _ = Command::new(program("chattr")).arg("-i").arg(&self.0).status();
    }
}

#[test]
fn a_read_only_state_directory_is_named_and_works_once_it_is_writable() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    instance.stop();
    let state = instance.state();
    let mounted = Mounted::bind(&state, &state);
    mounted.read_only();
    refused(instance, 1, &state, "remount,rw");
    // What only reads works, one at a time.
    let keystore = fs::read(state.join("keystore")).unwrap();
    let reads = || {
        instance.run(["list"]).succeeds().prints("encrypted").says("read-only");
        instance.run(["verify"]).succeeds().prints("all sound");
        instance.run(["key", "list"]).succeeds().prints("passphrase");
    };
    reads();
    let lock = File::open(state.join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockShared).unwrap();
    instance.run(["verify"]).exits(5).says("in use by another ezncrypt");
    drop(lock);
    let written: [&[&str]; 2] = [&["key", "add", "recovery"], &["-d", "/nothing"]];
    for command in written {
        let told = instance.run(command).exits(1);
        assert_eq!(told.stdout, "");
        told.says(state.to_str().unwrap()).says("remount,rw");
    }
    assert!(fs::read(state.join("keystore")).unwrap() == keystore);
    drop(mounted);
    // A copy without the lock file.
    fs::remove_file(state.join("lock")).unwrap();
    let mounted = Mounted::bind(&state, &state);
    mounted.read_only();
    reads();
    drop(mounted);
    instance.start();
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
}

#[test]
fn what_is_immutable_in_the_state_directory_is_named() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    instance.stop();
    for name in ["lock", "run", "log", "storage", "ezncrypted"] {
        let path = instance.state().join(name);
        let immutable = Immutable::new(&path);
        refused(instance, 1, &path, "chattr -i");
        drop(immutable);
    }
    // An immutable keystore serves; it is not changed, and nothing is lost by trying.
    let keystore = instance.state().join("keystore");
    let before = fs::read(&keystore).unwrap();
    let immutable = Immutable::new(&keystore);
    instance.start();
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
    instance.run(["key", "add", "recovery"]).exits(1).says(keystore.to_str().unwrap());
    instance.stop();
    drop(immutable);
    assert!(fs::read(&keystore).unwrap() == before);
    instance.start();
    instance.run(["key", "add", "recovery"]).succeeds();
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
}

#[test]
fn a_file_or_a_symlink_where_a_directory_must_be_is_named_and_left_alone() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    instance.stop();
    let aside = instance.state().join("aside");
    for name in ["log", "storage"] {
        let path = instance.state().join(name);
        fs::rename(&path, &aside).unwrap();
        fs::write(&path, "theirs").unwrap();
        refused(instance, 1, &path, "directory");
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        fs::remove_file(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
    }
    let storage = instance.storage();
    fs::rename(&storage, &aside).unwrap();
    symlink(&aside, &storage).unwrap();
    refused(instance, 1, &storage, "directory");
    fs::remove_file(&storage).unwrap();
    fs::rename(&aside, &storage).unwrap();
    instance.start();
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
}

/// An instance whose state directory is on a small disk of its own. Dropped in this order.
struct OnSmallDisk {
    instance: Instance,
    _bound: Bound,
    disk: SmallDisk,
}

/// What the instance could not remove, because something was mounted there.
struct Bound(PathBuf);

impl Drop for Bound {
    fn drop(&mut self) {
        detach(&self.0);
        let _ = fs::remove_dir_all(self.0.parent().unwrap());
    }
}

impl OnSmallDisk {
    fn new() -> Self {
        let disk = SmallDisk::new(1024);
        let instance = Instance::initialised();
        let there = disk.top().join("state");
        run(Command::new(program("cp")).arg("-a").arg(instance.state()).arg(&there)).succeeds();
        std::mem::forget(Mounted::bind(&there, &instance.state()));
        Self { _bound: Bound(instance.state()), instance, disk }
    }

    /// Leaves no free block.
    fn fill(&self) {
        let mut filler = File::create(self.disk.top().join("filler")).unwrap();
        // What was freed a moment ago is free for others once that is on the disk.
        for size in [1 << 16, 1024, 1024, 1, 1] {
            while filler.write_all(&vec![1; size]).is_ok() {}
            filler.sync_all().unwrap();
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.disk.top().join("filler")).unwrap();
    }
}

#[test]
fn a_full_state_directory_has_an_exit_code_of_its_own_and_serves_once_there_is_room() {
    let small = OnSmallDisk::new();
    let instance = &small.instance;
    let run = instance.state().join("run");
    small.fill();
    refused(instance, 8, &run, "make room");
    small.make_room();
    instance.start();
    instance.stop();
    assert!(run.exists());
    // With all directories there, it is the first file that finds no room.
    small.fill();
    refused(instance, 8, &run, "make room");
    small.make_room();
    instance.start();
    instance.run(["audit", "--verify"]).succeeds();
    // Stopping needs no room.
    small.fill();
    instance.stop();
    small.make_room();
    instance.start();
    instance.stop();
}

#[test]
fn a_disk_that_became_read_only_is_named_and_read_and_the_service_on_it_stops() {
    let small = OnSmallDisk::new();
    let instance = &small.instance;
    let (tree, other) = (instance.work().join("tree"), instance.work().join("other"));
    for path in [&tree, &other] {
        fs::create_dir(path).unwrap();
        fs::write(path.join("file"), "plaintext").unwrap();
    }
    instance.encrypt("@files", &tree);
    instance.start();
    small.disk.fail_read_only();
    for started in [true, false] {
        for command in
            [&["-e", "@files", other.to_str().unwrap()][..], &["-d", tree.to_str().unwrap()]]
        {
            let told = instance.run(command).exits(1);
            assert_eq!(told.stderr.matches("Read-only file system").count(), 1, "{told}");
            assert!(!told.stderr.contains(" at path "), "{told}");
            told.says("hint: ").says("remount,rw").says(instance.state().to_str().unwrap());
        }
        instance.run(["list"]).succeeds().prints(tree.to_str().unwrap());
        instance.run(["verify"]).succeeds().prints("all sound");
        if started {
            instance.run(["stop"]).succeeds().says("has stopped").says("read-only");
            assert!(!is_mounted(&instance.mount()));
            instance.run(["status"]).exits(6);
        }
    }
    assert_eq!(fs::read(other.join("file")).unwrap(), b"plaintext");
}

#[test]
fn a_keystore_that_finds_no_room_is_made_once_there_is_some() {
    let small = OnSmallDisk::new();
    let instance = &small.instance;
    let keystore = instance.state().join("keystore");
    for name in ["keystore", "keystore.backup"] {
        fs::remove_file(instance.state().join(name)).unwrap();
    }
    small.fill();
    let init = ["init", "--scrypt-log-n", "14"];
    instance.run(init).exits(8).says(keystore.to_str().unwrap());
    assert!(!keystore.exists());
    instance.run(["start"]).exits(6).says("init");
    small.make_room();
    instance.run(init).succeeds();
    instance.start();
    instance.stop();
}
