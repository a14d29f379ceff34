//! Trees with everything in them that encryption must keep.

use super::machine::{program, user};
use super::process::run;
use super::random::Random;
use super::tree::set_attribute;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

/// Bytes that look random, the same at every run: `seed` chooses them.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    (0..length).map(|_| random.number().to_le_bytes()[3]).collect()
}

/// Makes a tree at `top` with one of every kind of thing that must survive.
pub fn everything(top: &Path) {
    let (uid, gid) = user("mysql");
    fs::create_dir(top).unwrap();
    for directory in ["empty", "deep/er/still", "setgid", "sticky"] {
        fs::create_dir_all(top.join(directory)).unwrap();
    }
    // Around every boundary of sectors with 4048 plaintext bytes and of pages.
    for size in [0, 1, 511, 4047, 4048, 4049, 4095, 4096, 4097, 8095, 8096, 8097, 300_000] {
        fs::write(top.join(format!("size-{size}")), bytes(size as u64, size)).unwrap();
    }
    fs::write(top.join("zeros"), vec![0; 20_000]).unwrap();
    odd_names(top);
    links(top);
    chown(top.join("size-511"), Some(uid), Some(gid)).unwrap();
    chown(top.join("deep/er"), Some(uid), Some(gid)).unwrap();
    for (name, mode) in [
        ("size-1", 0o4755),
        ("size-4047", 0o2711),
        ("size-4048", 0o000),
        ("size-4049", 0o1644),
        ("size-511", 0o640),
        ("setgid", 0o2775),
        ("sticky", 0o1777),
        ("empty", 0o700),
    ] {
        fs::set_permissions(top.join(name), Permissions::from_mode(mode)).unwrap();
    }
    attributes(top);
    holes(top);
    times(top);
}

fn odd_names(top: &Path) {
    for name in [
        &b"new\nline"[..],
        b"tab\tand space ",
        b"not utf-8 \xff\xfe",
        "en dash \u{2013}encrypt".as_bytes(),
        "\u{2013}e".as_bytes(),
        b"-rf",
        b"*",
        b"quote'\"\\",
        &[b'n'; 255],
    ] {
        fs::write(top.join(OsStr::from_bytes(name)), name).unwrap();
    }
}

fn links(top: &Path) {
    fs::hard_link(top.join("size-4097"), top.join("deep/link one")).unwrap();
    fs::hard_link(top.join("size-4097"), top.join("deep/er/link two")).unwrap();
    symlink("size-1", top.join("relative")).unwrap();
    symlink("../size-1", top.join("deep/upwards")).unwrap();
    symlink(top.join("size-1"), top.join("absolute")).unwrap();
    symlink("no such file", top.join("dangling")).unwrap();
    symlink("deep", top.join("to a directory")).unwrap();
    symlink("loop", top.join("loop")).unwrap();
}

fn attributes(top: &Path) {
    set_attribute(&top.join("size-511"), "user.note", b"kept");
    set_attribute(&top.join("size-511"), "user.empty", b"");
    set_attribute(&top.join("size-511"), "user.bytes", &[0, 255, 10]);
    set_attribute(&top.join("deep"), "user.directory", b"kept too");
    set_attribute(&top.join("size-4095"), "trusted.root", b"only");
    set_acl(&top.join("size-4095"), &["-m", "u:mysql:r--,g:daemon:rw-"]);
    set_acl(&top.join("deep"), &["-m", "u:mysql:r-x,d:u:mysql:rwx,d:g::r-x"]);
}

/// Changes the access control list of a path, as `setfacl` takes it.
pub fn set_acl(path: &Path, args: &[&str]) {
    run(Command::new(program("setfacl")).args(args).arg(path)).succeeds();
}

fn holes(top: &Path) {
    sparse(&top.join("sparse"), 64 << 20, &[(5 << 20, 70_000), (40 << 20, 10)]);
    sparse(&top.join("all hole"), 3 << 20, &[]);
}

/// Makes a sparse file: all holes but `(offset, length)` pieces of data.
pub fn sparse(path: &Path, size: u64, pieces: &[(u64, usize)]) {
    let file = File::create(path).unwrap();
    file.set_len(size).unwrap();
    for &(offset, length) in pieces {
        file.write_all_at(&bytes(offset, length), offset).unwrap();
    }
}

/// Times last: whatever else is done to a file changes them.
fn times(top: &Path) {
    for (name, seconds, nanoseconds) in [
        ("size-1", 1_234_567_890, 123_456_789),
        ("size-4096", 1, 1),
        ("dangling", 1_000_000_000, 999_999_999),
        ("sparse", 4_000_000_000, 5),
        ("empty", 1_500_000_000, 42),
        ("deep/er/still", 1_500_000_001, 43),
        ("deep/er", 1_500_000_002, 44),
        ("deep", 1_500_000_003, 45),
        ("", 1_500_000_004, 46),
    ] {
        set_modified(&top.join(name), seconds, nanoseconds);
    }
}

/// Sets access and modification time, of a symlink itself.
pub fn set_modified(path: &Path, seconds: i64, nanoseconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Makes `count` files of some hundred bytes in directories of a hundred.
pub fn many_small_files(top: &Path, count: usize) {
    for index in 0..count {
        let directory = top.join(format!("{:03}", index / 100));
        if index % 100 == 0 {
            fs::create_dir_all(&directory).unwrap();
        }
        let content = bytes(index as u64, 100 + index % 900);
        fs::write(directory.join(format!("file {index}")), content).unwrap();
    }
}
