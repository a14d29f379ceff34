use super::*;
use crate::access::Identity;
use std::time::Duration;

const SERVER: &str = "/state/ezncrypted/protected/usr/sbin/mysqld";
const GUARD: &str = "/usr/sbin/mysqld-guard";

fn process(pid: u32, start_time: u64) -> ProcessId {
    ProcessId { pid, start_time }
}

fn program(pid: u32, start_time: u64, ino: u64) -> Program {
    let identity = Identity { dev: 1, ino, size: 2, mtime_ns: 3, ctime_ns: 4 };
    Program {
        path: SERVER.into(),
        deleted: false,
        identity,
        pid,
        start_time,
        stamp: Default::default(),
    }
}

#[test]
fn a_declaration_is_for_one_process_one_guard_and_two_minutes() {
    let (runs, now) = (Runs::default(), Instant::now());
    runs.declare(process(7, 1), Path::new(GUARD), now);
    let has = |pid, start, guard: &str, after: u64| {
        runs.has_declared(process(pid, start), Path::new(guard), now + Duration::from_secs(after))
    };
    assert!(has(7, 1, GUARD, 119));
    assert!(!has(7, 1, GUARD, 120), "it is over");
    assert!(!has(7, 2, GUARD, 0), "another process with the same number");
    assert!(!has(8, 1, GUARD, 0), "another process");
    assert!(!has(7, 1, "/usr/sbin/other", 0), "the process runs something else now");
    runs.declare(process(7, 1), Path::new(GUARD), now + Duration::from_secs(100));
    assert!(has(7, 1, GUARD, 200), "declared again");
}

#[test]
fn a_command_line_is_approved_for_one_server_and_the_newest_ones_are_kept() {
    let (runs, server) = (Runs::default(), Path::new(SERVER));
    let line = |number: usize| {
        let mut run = [0; 32];
        run[..8].copy_from_slice(&number.to_le_bytes());
        run
    };
    runs.approve(server, line(1));
    assert!(runs.is_approved(server, &line(1)));
    assert!(!runs.is_approved(server, &line(2)));
    assert!(!runs.is_approved(Path::new("/other"), &line(1)));
    runs.approve(server, line(2));
    runs.approve(server, line(1));
    for number in 3..COMMAND_LINES + 2 {
        runs.approve(server, line(number));
    }
    assert!(runs.is_approved(server, &line(1)), "approved again, it is not the oldest");
    assert!(!runs.is_approved(server, &line(2)));
}

#[test]
fn an_admitted_process_stays_so_until_it_executes_something() {
    let runs = Runs::default();
    runs.admit(&program(7, 1, 42));
    assert!(runs.is_admitted(&program(7, 1, 42)));
    assert!(!runs.is_admitted(&program(7, 2, 42)), "its number was given to another process");
    assert!(!runs.is_admitted(&program(7, 1, 43)), "it runs another file");
    assert!(!runs.is_admitted(&program(8, 1, 42)));
    runs.forget(7);
    assert!(!runs.is_admitted(&program(7, 1, 42)));
}

#[test]
fn declarations_and_admissions_are_bounded() {
    let (runs, now) = (Runs::default(), Instant::now());
    for pid in 0..5000 {
        runs.declare(process(pid, 1), Path::new(GUARD), now);
        runs.admit(&program(pid, 1, 42));
    }
    assert!(!runs.has_declared(process(0, 1), Path::new(GUARD), now));
    assert!(runs.has_declared(process(4999, 1), Path::new(GUARD), now));
    assert!(!runs.is_admitted(&program(0, 1, 42)));
    assert!(runs.is_admitted(&program(4999, 1, 42)));
}
