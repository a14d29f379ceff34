//! How many requests of the kernel an operation costs, by the service's own counters: each of them is a round trip,
//! which costs more than what is done for it.
//!
//! `cargo bench --bench requests`, as root. Prints a table. Which way the requests go (`EZNCRYPT_TRANSPORT`) is no matter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(missing_docs)]

#[path = "../tests/support/mod.rs"]
mod support;

use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use support::fixture::Fixture;

/// Each operation so many times.
const TIMES: u64 = 200;

/// A page as `O_DIRECT` wants it.
#[repr(align(4096))]
struct Page([u8; 16384]);

/// What is done before, none of which counts, and then the operation itself, so many times.
type Operation = fn(&Path, &mut dyn FnMut());

const OPERATIONS: &[(&str, Operation)] = &[
    ("create a file of 2,000 bytes and close it", |at, begin| {
        begin();
        each(at, |path| fs::write(path, [b'x'; 2000]).unwrap());
    }),
    ("open, read and close it, first time", |at, begin| {
        each(at, |path| fs::write(path, [b'x'; 2000]).unwrap());
        forget();
        begin();
        each(at, |path| drop(fs::read(path).unwrap()));
    }),
    ("open, read and close it again", |at, begin| {
        each(at, |path| fs::write(path, [b'x'; 2000]).unwrap());
        each(at, |path| drop(fs::read(path).unwrap()));
        begin();
        each(at, |path| drop(fs::read(path).unwrap()));
    }),
    ("stat it again", |at, begin| {
        each(at, |path| fs::write(path, [b'x'; 2000]).unwrap());
        begin();
        each(at, |path| assert!(path.is_file()));
    }),
    ("list a directory, for each file in it, with attributes", |at, begin| {
        each(at, |path| fs::write(path, [b'x'; 2000]).unwrap());
        forget();
        begin();
        for entry in fs::read_dir(at).unwrap() {
            entry.unwrap().metadata().unwrap();
        }
    }),
    ("remove it", |at, begin| {
        each(at, |path| fs::write(path, [b'x'; 2000]).unwrap());
        begin();
        each(at, |path| fs::remove_file(path).unwrap());
    }),
    ("append 512 bytes and fdatasync", |at, begin| {
        let file = File::create(at.join("log")).unwrap();
        file.write_at(b"x", 0).unwrap();
        begin();
        for number in 0..TIMES {
            file.write_all_at(&[b'x'; 512], 1 + number * 512).unwrap();
            file.sync_data().unwrap();
        }
    }),
    ("write 4 KiB of a large file", |at, begin| {
        let file = large(at);
        begin();
        for number in 0..TIMES {
            file.write_all_at(&[b'y'; 4096], number * 40960).unwrap();
        }
    }),
    ("write a page of 16 KiB, O_DIRECT", |at, begin| {
        drop(large(at));
        let file = direct(at);
        begin();
        for number in 0..TIMES {
            file.write_all_at(&Page([b'y'; 16384]).0, number * 40960 / 16384 * 16384).unwrap();
        }
    }),
    ("read a page of 16 KiB, O_DIRECT", |at, begin| {
        drop(large(at));
        let (file, mut page) = (direct(at), Page([0; 16384]));
        begin();
        for number in 0..TIMES {
            file.read_exact_at(&mut page.0, number * 16384).unwrap();
        }
    }),
    ("read 40 KiB in order, for the first time", |at, begin| {
        drop(large(at));
        forget();
        let file = File::open(at.join("large")).unwrap();
        begin();
        for number in 0..TIMES {
            file.read_exact_at(&mut [0; 40960], number * 40960).unwrap();
        }
    }),
];

fn each(at: &Path, work: impl Fn(&Path)) {
    for number in 0..TIMES {
        work(&at.join(number.to_string()));
    }
}

/// A file of 40 KiB for each time.
fn large(at: &Path) -> File {
    let path = at.join("large");
    fs::write(&path, vec![b'x'; TIMES as usize * 40960]).unwrap();
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

fn direct(at: &Path) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_DIRECT).open(at.join("large")).unwrap()
}

/// The kernel keeps nothing in memory that it can read again.
fn forget() {
    nix::unistd::sync();
    fs::write("/proc/sys/vm/drop_caches", "3").unwrap();
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let fixture = Fixture::new();
    println!("| operation, {TIMES} times | requests for each | |");
    println!("| --- | --- | --- |");
    for (number, (name, operation)) in OPERATIONS.iter().enumerate() {
        let at = fixture.at(&number.to_string());
        fs::create_dir(&at).unwrap();
        let mut before = Value::Null;
        operation(&at, &mut || before = counts(&fixture));
        println!("{}", row(name, &before, &counts(&fixture)));
    }
}

fn counts(fixture: &Fixture) -> Value {
    let status = fixture.instance.run(["status", "--json"]).succeeds().json();
    status["counters"]["requests_by_kind"].clone()
}

fn row(name: &str, before: &Value, after: &Value) -> String {
    let kinds = after.as_object().unwrap().iter().map(|(kind, count)| {
        let count = count.as_u64().unwrap() - before[kind].as_u64().unwrap_or(0);
        (kind.to_lowercase(), count as f64 / TIMES as f64)
    });
    // Nobody waits while the kernel forgets.
    let kinds = kinds.filter(|(kind, count)| *count >= 0.005 && !kind.contains("forget"));
    let kinds: Vec<_> = kinds.collect();
    let total: f64 = kinds.iter().map(|(_, count)| count).sum();
    let told: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count:.2} {kind}")).collect();
    format!("| {name} | {total:.2} | {} |", told.join(", "))
}
