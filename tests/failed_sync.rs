//! A disk that takes a write and then fails to keep it: an ext4 in a sparse file on a full tmpfs. What is written goes
//! into the page cache, and the sync finds no room for it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use support::Instance;
use support::machine::{detach, program};
use support::process::{run, until};

/// More than there is room for, in bytes.
const TOO_MUCH: usize = 20 << 20;

/// The ciphertext's disk, in the place of an instance's storage directory.
struct Treacherous {
    room: PathBuf,
    storage: PathBuf,
}

impl Treacherous {
    fn at(instance: &Instance) -> Self {
        let disk = Self { room: instance.work().join("room"), storage: instance.storage() };
        fs::create_dir_all(&disk.room).unwrap();
        fs::create_dir_all(&disk.storage).unwrap();
        let mut mount = Command::new(program("mount"));
        run(mount.args(["-t", "tmpfs", "-o", "size=12M", "tmpfs"]).arg(&disk.room)).succeeds();
        let image = disk.room.join("image");
        File::create(&image).unwrap().set_len(64 << 20).unwrap();
        // Without a journal the filesystem lives on when it cannot be written.
        let mut make = Command::new(program("mkfs.ext4"));
        run(make.args(["-q", "-F", "-O", "^has_journal"]).arg(&image)).succeeds();
        let mut mount = Command::new(program("mount"));
        run(mount.args(["-o", "loop"]).arg(&image).arg(&disk.storage)).succeeds();
        disk
    }

    fn make_room(&self) {
        let mut mount = Command::new(program("mount"));
        run(mount.args(["-o", "remount,size=200M"]).arg(&self.room)).succeeds();
    }
}

impl Drop for Treacherous {
    fn drop(&mut self) {
        detach(&self.storage);
        detach(&self.room);
    }
}

fn open(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap()
}

#[track_caller]
fn assert_io_error<T>(result: io::Result<T>) {
    let code = result.err().and_then(|error| error.raw_os_error());
    assert_eq!(code, Some(Errno::IO.raw_os_error()));
}

/// > When `fsync`, `fdatasync` or an `O_SYNC` write fails, the program is told the disk's error,
/// > and every later write, truncation and sync fails with `EIO` until the last handle is closed
/// > and the file opened anew.
///
/// > A failed sync is told as `sync_failed` in the audit log and as *failed syncs* in `ezncrypt
/// > status`.
#[test]
fn a_file_that_failed_to_be_synced_is_not_written_until_it_is_opened_anew() {
    let instance = Instance::initialised();
    let disk = Treacherous::at(&instance);
    instance.start();
    let directory = instance.work().join("data");
    fs::create_dir(&directory).unwrap();
    instance.encrypt("@test", &directory);
    instance.allow_this_test("@test");
    let (path, neighbour) = (directory.join("file"), open(&directory.join("neighbour")));
    let file = open(&path);
    file.write_all_at(&[b'x'; 1000], 0).unwrap();
    file.sync_all().unwrap();

    file.write_all_at(&vec![b'y'; TOO_MUCH], 0).unwrap();
    file.sync_all().unwrap_err();
    disk.make_room();
    for _ in 0..3 {
        // The kernel would say by now that all is well.
        assert_io_error(file.sync_all());
        assert_io_error(file.write_at(b"z", 0));
        assert_io_error(file.set_len(10));
    }
    let mut first = [0; 1000];
    file.read_exact_at(&mut first, 0).unwrap();
    assert!(first == [b'x'; 1000] || first == [b'y'; 1000], "neither old nor new");

    let status = instance.run(["status", "--json"]).succeeds().json();
    assert_eq!(status["counters"]["failed_syncs"], 1, "{status}");
    instance.run(["status"]).succeeds().prints("failed syncs         1");
    let log = fs::read_to_string(instance.state().join("log/audit.jsonl")).unwrap();
    let told = log.lines().find(|line| line.contains("\"sync_failed\"")).expect("nothing logged");
    assert!(told.contains(path.to_str().unwrap()), "{told}");

    neighbour.write_all_at(b"unharmed", 0).unwrap();
    neighbour.sync_all().unwrap();
    drop(file);
    // The kernel tells of a closed file a little later.
    let is_closed = || open(&path).write_at(b"z", 0).is_ok();
    until("the file can be written again", Duration::from_secs(60), is_closed);
    let file = open(&path);
    file.write_all_at(&vec![b'z'; TOO_MUCH], 0).unwrap();
    file.sync_all().unwrap();
    drop((file, neighbour));
    instance.stop();
    instance.start();
    assert!(fs::read(&path).unwrap().iter().all(|byte| *byte == b'z'));
    assert_eq!(fs::read(directory.join("neighbour")).unwrap(), b"unharmed");
}
