use super::mapping::{Mapped, new_file, new_file_in};
use super::*;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

fn refusal(path: &Path) -> Option<i32> {
    let file = File::open(path).unwrap();
    Lease::take(&file).err().map(|error| error.raw_os_error().unwrap())
}

/// A lease as soon as it can be had: what was open when another test started a process stays open in
/// that until it executes its program.
fn taken(file: &File) -> Lease<'_> {
    let begin = Instant::now();
    loop {
        match Lease::take(file) {
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {
                assert!(begin.elapsed() < Duration::from_secs(20), "somebody still writes");
                std::thread::sleep(Duration::from_millis(1));
            }
            taken => return taken.unwrap(),
        }
    }
}

#[test]
fn a_lease_is_had_only_while_nobody_can_write() {
    let file = new_file(b"contents");
    let path = file.path();
    let reading = File::open(path).unwrap();
    drop(taken(&reading));
    let opened = File::options().append(true).open(path).unwrap();
    assert_eq!(refusal(path), Some(libc::EAGAIN));
    drop(opened);
    drop(taken(&reading));
    let mapped = Mapped::new(path);
    assert_eq!(refusal(path), Some(libc::EAGAIN));
    drop(mapped);
    let other = File::open(path).unwrap();
    let both = (taken(&reading), taken(&other));
    assert!(both.0.holds() && both.1.holds(), "readers do not keep each other out");
}

#[test]
fn none_is_had_where_it_would_tell_nothing() {
    let file = new_file_in(Path::new("/dev/shm"), b"contents");
    assert_eq!(refusal(file.path()), Some(libc::EOPNOTSUPP));
    assert_eq!(refusal(Path::new("/proc/version")), Some(libc::EOPNOTSUPP));
}

/// `SIGIO` would end this process.
#[test]
fn somebody_who_opens_for_writing_waits_until_the_lease_is_looked_at_and_harms_nobody() {
    let file = new_file(b"contents");
    let reading = File::open(file.path()).unwrap();
    let lease = taken(&reading);
    let mut writer = Command::new("sh");
    let mut writer = writer.args(["-c", "printf more >> \"$0\""]).arg(file.path()).spawn().unwrap();
    let begin = Instant::now();
    std::thread::sleep(Duration::from_millis(200));
    assert!(writer.try_wait().unwrap().is_none(), "it does not wait: a blind test");
    while lease.holds() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(writer.wait().unwrap().success());
    assert!(begin.elapsed() < Duration::from_secs(20), "it waited for the kernel's patience");
    assert!(!lease.holds(), "what was broken once stays so");
    assert_eq!(std::fs::read(file.path()).unwrap(), b"contentsmore");
}

#[test]
fn a_lease_that_was_dropped_keeps_nobody_waiting() {
    let file = new_file(b"contents");
    let reading = File::open(file.path()).unwrap();
    drop(taken(&reading));
    let begin = Instant::now();
    std::fs::write(file.path(), "other").unwrap();
    assert!(begin.elapsed() < Duration::from_secs(20));
}
