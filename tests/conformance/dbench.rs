//! dbench: a file server's day, by several clients at once.

use super::judged::{LONGEST, assert_empty, assert_sound, ground, long};
use super::support::machine::program;
use super::support::process::run;
use std::fs;
use std::process::Command;

/// Plain; with extended attributes; with every write synced.
const WAYS: [&[&str]; 3] = [&[], &["--xattr"], &["--sync", "--sync-dir", "--fsync"]];

/// A semaphore that dbench has the kernel make, so that its clients begin together, and goes on without: it may
/// be refused beside a load of all kinds of system calls (stress-ng's, say).
const BARRIER: &str = "barrier semaphore";

/// Eight clients for a minute in each of three ways; short: four clients for two seconds.
#[test]
fn dbench_finds_nothing_wrong_with_several_clients() {
    let fixture = ground(&program("dbench"), LONGEST);
    let (clients, seconds) = if long() { ("8", "60") } else { ("4", "2") };
    for way in WAYS {
        let mut command = Command::new(program("dbench"));
        command.args(["--timelimit", seconds, "--directory"]).arg(fixture.path()).args(way);
        let done = run(command.arg(clients));
        assert_eq!(done.code, Some(0), "{done}");
        // A client that meets an error tells it, and ends with or without an exit code.
        assert!(done.stdout.contains("Throughput"), "{done}");
        let tells = |line: &str| line.contains("ERROR") || line.contains("failed");
        assert!(!done.stdout.lines().any(|line| tells(line) && !line.contains(BARRIER)), "{done}");
        let name = format!("dbench {way:?}");
        // Its clients are killed in the middle of their day, and leave what they had.
        fs::remove_dir_all(fixture.at("clients")).unwrap();
        assert_empty(fixture.path(), &name);
        assert_sound(&fixture.instance, &name);
    }
}
