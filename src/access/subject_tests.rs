use super::super::test_support::{Place, Running};
use super::*;
use std::fs;
use std::process::Command;

#[test]
fn a_running_program_is_seen_with_its_file_and_process() {
    let place = Place::new();
    let running = Running::start(&place.program);
    let callers = ProcCallers::new().unwrap();
    let seen = callers.program(running.tid()).unwrap();
    let file = fs::metadata(&place.program).unwrap();
    assert_eq!(seen.path, place.program);
    assert!(!seen.deleted);
    assert_eq!(seen.pid, running.tid());
    assert!(seen.start_time > 0);
    use std::os::unix::fs::MetadataExt;
    assert_eq!((seen.identity.dev, seen.identity.ino), (file.dev(), file.ino()));
    assert_eq!(seen.identity.size, file.len());
    assert_eq!(seen.identity.ctime_ns % 1_000_000_000, i128::from(file.ctime_nsec()));
    assert_eq!(callers.program(running.tid()).unwrap(), seen);
}

#[test]
fn renaming_and_deleting_the_program_shows_at_the_next_look() {
    let place = Place::new();
    let running = Running::start(&place.program);
    let callers = ProcCallers::new().unwrap();
    callers.program(running.tid()).unwrap();
    fs::rename(&place.program, place.path("renamed")).unwrap();
    assert_eq!(callers.program(running.tid()).unwrap().path, place.path("renamed"));
    fs::remove_file(place.path("renamed")).unwrap();
    let seen = callers.program(running.tid()).unwrap();
    assert_eq!((&seen.path, seen.deleted), (&place.path("renamed"), true));
    let mut contents = Vec::new();
    io::Read::read_to_end(&mut callers.open_program(running.tid()).unwrap(), &mut contents)
        .unwrap();
    assert_eq!(contents, fs::read("/bin/cat").unwrap());
}

#[test]
fn an_exec_shows_at_the_next_look_though_the_process_is_the_same() {
    let place = Place::new();
    let shell = Path::new("/bin/sh").canonicalize().unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "read line; echo $line; read line; exec \"$0\""]).arg(&place.program);
    let mut running = Running::command(&mut command);
    let callers = ProcCallers::new().unwrap();
    let before = callers.program(running.tid()).unwrap();
    assert_eq!(before.path, shell);
    running.send();
    running.echo();
    let after = callers.program(running.tid()).unwrap();
    assert_eq!(after.path, place.program);
    assert_eq!((before.pid, before.start_time), (after.pid, after.start_time));
}

#[test]
fn a_thread_is_judged_as_its_process() {
    let callers = ProcCallers::new().unwrap();
    let own = callers.program(std::process::id()).unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let tid = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
            assert_ne!(tid, std::process::id());
            callers.program(tid).unwrap()
        });
        assert_eq!(thread.join().unwrap(), own);
    });
}

#[test]
fn a_caller_without_a_thread_id_is_foreign() {
    let callers = ProcCallers::new().unwrap();
    assert!(matches!(callers.program(0), Err(Unknown::ForeignPidNamespace)));
}

#[test]
fn an_exec_of_the_same_program_with_other_arguments_shows() {
    let script =
        "read line; echo $line; read line; exec /bin/sh -c 'while read l; do echo $l; done'";
    let mut running = Running::command(Command::new("/bin/sh").args(["-c", script]));
    let callers = ProcCallers::new().unwrap();
    let before = callers.program(running.tid()).unwrap();
    running.send();
    running.echo();
    let after = callers.program(running.tid()).unwrap();
    assert_eq!((&before.path, before.pid), (&after.path, after.pid));
    assert_eq!(before.start_time, after.start_time);
    assert_ne!(before.stamp, after.stamp);
}

#[test]
fn a_thread_that_is_gone_and_a_thread_of_the_kernel_are_unknown() {
    let callers = ProcCallers::new().unwrap();
    let running = Running::start(Path::new("/bin/cat"));
    let tid = running.tid();
    assert!(callers.program(tid).is_ok());
    drop(running);
    assert!(matches!(callers.program(tid), Err(Unknown::Unreadable { .. })));
    assert!(matches!(callers.program(2), Err(Unknown::Unreadable { .. })));
}

#[test]
fn more_threads_than_are_remembered_are_still_seen_right() {
    let callers = ProcCallers { pins: Mutex::new(Bounded::new(1)), ..ProcCallers::new().unwrap() };
    let place = Place::new();
    let (one, two) = (Running::start(&place.program), Running::start(Path::new("/bin/cat")));
    for _ in 0..2 {
        assert_eq!(callers.program(one.tid()).unwrap().path, place.program);
        assert_ne!(callers.program(two.tid()).unwrap().path, place.program);
    }
}

#[test]
fn the_mark_of_a_deleted_file_is_taken_off_once() {
    let cases = [
        ("/a", "/a", false),
        ("/a (deleted)", "/a", true),
        ("/a (deleted) ", "/a (deleted) ", false),
    ];
    for (link, path, deleted) in cases {
        assert_eq!(without_mark(Path::new(link)), (Path::new(path), deleted));
    }
}
