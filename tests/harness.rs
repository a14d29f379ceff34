//! The test harness itself: a comparison that sees nothing would let everything pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use support::disk::{self, Disk};
use support::machine::{self, program};
use support::mariadb::MariaDb;
use support::process::{ended_within, run};
use support::tree::{Snapshot, set_attribute};
use support::{raw, sample};

/// A directory that is gone when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        machine::require();
        Self(machine::new_directory())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

type Change = (&'static str, fn(&Path));

/// One change of every attribute that a round trip must keep.
const CHANGES: [Change; 15] = [
    ("a byte", |top| poke(&top.join("size-300000"), 200_000)),
    ("a byte in a hole", |top| poke(&top.join("sparse"), 20 << 20)),
    ("the size", |top| open(&top.join("size-4096")).set_len(4097).unwrap()),
    ("the holes", |top| fill(&top.join("all hole"))),
    ("the mode", |top| chmod(&top.join("size-511"), 0o641)),
    ("a set-user-id bit", |top| chmod(&top.join("size-1"), 0o755)),
    ("the owner", |top| chown(top.join("deep/er"), Some(1), None).unwrap()),
    ("the group", |top| chown(top.join("size-511"), None, Some(1)).unwrap()),
    ("an attribute", |top| set_attribute(&top.join("deep"), "user.directory", b"other")),
    ("an access list", |top| sample::set_acl(&top.join("size-4095"), &["-x", "u:mysql"])),
    ("a default access list", |top| sample::set_acl(&top.join("deep"), &["-k"])),
    ("a hard link", |top| unlink_and_copy(&top.join("deep/link one"))),
    ("a symlink's target", |top| relink(&top.join("dangling"))),
    ("a nanosecond", |top| sample::set_modified(&top.join("empty"), 1_500_000_000, 43)),
    ("a name", |top| fs::rename(top.join("zeros"), top.join("zeroes")).unwrap()),
];

fn open(path: &Path) -> fs::File {
    OpenOptions::new().write(true).open(path).unwrap()
}

/// Changes one byte and puts the times back.
fn poke(path: &Path, offset: u64) {
    let before = fs::metadata(path).unwrap().modified().unwrap();
    let file = open(path);
    file.write_all_at(b"\x01", offset).unwrap();
    file.set_modified(before).unwrap();
}

fn fill(path: &Path) {
    let before = fs::metadata(path).unwrap().modified().unwrap();
    let file = open(path);
    file.write_all_at(&[0; 4096], 1 << 20).unwrap();
    file.set_modified(before).unwrap();
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn unlink_and_copy(path: &Path) {
    run(Command::new(program("cp")).arg("-a").arg(path).arg(path.with_extension("new"))).succeeds();
    fs::rename(path.with_extension("new"), path).unwrap();
}

fn relink(path: &Path) {
    fs::remove_file(path).unwrap();
    symlink("another file", path).unwrap();
}

#[test]
fn an_exact_copy_of_a_tree_is_the_same_tree() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.0.join("one"), scratch.0.join("two"));
    sample::everything(&one);
    run(Command::new(program("cp")).args(["-a", "--sparse=always"]).arg(&one).arg(&two)).succeeds();
    // `--sparse=always` also makes holes of written zeros, which is a difference.
    run(Command::new(program("cp"))
        .args(["-a", "--sparse=never"])
        .args([one.join("zeros"), two.join("zeros")]))
    .succeeds();
    Snapshot::of(&one).assert_same(&Snapshot::of(&two), "after cp -a");
}

#[test]
fn every_change_to_a_tree_is_noticed() {
    let scratch = Scratch::new();
    for (what, change) in CHANGES {
        let top = scratch.0.join(what);
        sample::everything(&top);
        let before = Snapshot::of(&top);
        before.assert_same(&Snapshot::of(&top), "untouched");
        change(&top);
        assert!(before != Snapshot::of(&top), "changing {what} went unnoticed");
    }
}

#[test]
fn the_database_server_serves_from_a_plain_directory() {
    let scratch = Scratch::new();
    let (data, files) = (scratch.0.join("data"), scratch.0.join("run"));
    MariaDb::install(&data);
    let server = MariaDb::start(&data, &files);
    server.sql("CREATE DATABASE d; USE d; CREATE TABLE t (a INT) AS SELECT seq a FROM seq_1_to_10");
    assert_eq!(server.sql("SELECT SUM(a) FROM d.t").trim(), "55");
    let pid = server.pid();
    server.shut_down();
    assert!(ended_within(pid, Duration::ZERO));
}

#[test]
fn a_child_process_reports_what_it_found() {
    assert_eq!(raw::in_child(|| 7), 7);
}

#[test]
fn a_disk_that_cannot_be_made_leaves_nothing() {
    let directory = machine::new_directory();
    let made = std::panic::catch_unwind(|| Disk::new_in(directory.clone(), disk::NONE));
    assert!(made.is_err(), "a blind test");
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(directory.to_str().unwrap()), "{mounts}");
    assert!(!directory.exists());
}
