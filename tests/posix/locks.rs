//! Locks between processes and between handles.

use super::support::fixture::Fixture;
use super::support::process::until;
use super::support::raw::in_child;
use rustix::fs::{FlockOperation, Mode, OFlags, fcntl_lock, flock, open};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
const FREE: u8 = 0;
const HELD: u8 = 1;
const BROKEN: u8 = 2;

#[derive(Clone, Copy)]
enum Kind {
    Posix,
    Flock,
}

/// What another process that opens the file finds: whether it gets the lock.
fn from_another_process(fixture: &Fixture, kind: Kind, operation: FlockOperation) -> u8 {
    let path = CString::new(fixture.at("file").as_os_str().as_bytes()).unwrap();
    in_child(|| {
        let Ok(file) = open(&path, OFlags::RDWR, Mode::empty()) else { return BROKEN };
        let locked = match kind {
            Kind::Posix => fcntl_lock(&file, operation),
            Kind::Flock => flock(&file, operation),
        };
        match locked {
            Ok(()) => FREE,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => HELD,
            Err(_) => BROKEN,
        }
    })
}

/// > `fcntl` record locks and `flock` exclude other processes, and are shared or exclusive as
/// > anywhere.
#[test]
fn record_locks_exclude_another_process() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    let shared = FlockOperation::NonBlockingLockShared;
    let exclusive = FlockOperation::NonBlockingLockExclusive;
    assert_eq!(from_another_process(&fixture, Kind::Posix, exclusive), FREE);
    fcntl_lock(&file, exclusive).unwrap();
    assert_eq!(from_another_process(&fixture, Kind::Posix, exclusive), HELD);
    assert_eq!(from_another_process(&fixture, Kind::Posix, shared), HELD);
    fcntl_lock(&file, shared).unwrap();
    assert_eq!(from_another_process(&fixture, Kind::Posix, exclusive), HELD);
    assert_eq!(from_another_process(&fixture, Kind::Posix, shared), FREE);
    fcntl_lock(&file, FlockOperation::NonBlockingUnlock).unwrap();
    assert_eq!(from_another_process(&fixture, Kind::Posix, exclusive), FREE);
}

/// > Closing any handle of a process drops its record locks on that file, as POSIX has it.
#[test]
fn closing_any_handle_of_a_process_drops_its_record_locks() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    let operation = FlockOperation::NonBlockingLockExclusive;
    assert_eq!(from_another_process(&fixture, Kind::Posix, operation), HELD);
    drop(fixture.open("file"));
    assert_eq!(from_another_process(&fixture, Kind::Posix, operation), FREE);
}

/// > `fcntl` record locks and `flock` exclude other processes, and are shared or exclusive as
/// > anywhere.
#[test]
fn whole_file_locks_exclude_another_process_and_another_handle() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    let exclusive = FlockOperation::NonBlockingLockExclusive;
    flock(&file, exclusive).unwrap();
    assert_eq!(from_another_process(&fixture, Kind::Flock, exclusive), HELD);
    assert!(flock(fixture.open("file"), exclusive).is_err(), "two handles hold one lock");
    drop(file);
    // Another test may have forked meanwhile: until that child ends it shares the handle.
    until("the lock is free", LIMIT, || {
        from_another_process(&fixture, Kind::Flock, exclusive) == FREE
    });
}
