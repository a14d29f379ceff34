//! Nothing is found in sound files, whatever is written to them meanwhile.

use super::found::{PAYLOAD, stretches, verify};
use super::support::Instance;
use super::support::fixture::{CATEGORY, Fixture};
use super::support::machine::program;
use super::support::mariadb::MariaDb;
use super::support::process::{Running, run, until};
use super::support::random::Random;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// Writes, cuts, extends, punches, renames and removes, with files that stay open and some that do not.
fn disturb(fixture: &Fixture, thread: u64, ended: &AtomicBool, done: &AtomicU64) {
    let mut random = Random(thread + 1);
    let name = |number: u64| fixture.at(&format!("{thread}-{number}"));
    let kept = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(name(99))
        .unwrap();
    while !ended.load(SeqCst) {
        let path = name(random.below(6));
        let open =
            || OpenOptions::new().write(true).create(true).truncate(false).open(&path).unwrap();
        let (at, length) = (random.below(300 * PAYLOAD), 1 + random.below(30_000) as usize);
        match random.below(12) {
            0 => drop(File::create(&path).unwrap()),
            1 => open().set_len(at).unwrap(),
            2 => open().set_len(at * 100).unwrap(),
            3 => fs::rename(open_named(&path), name(random.below(6))).unwrap(),
            4 => fs::remove_file(open_named(&path)).unwrap(),
            5 => kept.set_len(at).unwrap(),
            6 => kept.sync_data().unwrap(),
            7..10 => kept.write_all_at(&vec![thread as u8; length], at).unwrap(),
            _ => open().write_all_at(&vec![thread as u8; length], at).unwrap(),
        }
        done.fetch_add(1, SeqCst);
    }
}

fn open_named(path: &std::path::Path) -> &std::path::Path {
    drop(OpenOptions::new().write(true).create(true).truncate(false).open(path).unwrap());
    path
}

#[test]
fn nothing_is_found_in_files_that_are_written_all_the_time() {
    let fixture = Fixture::new();
    fs::write(fixture.at("quiet"), vec![3; 5 << 20]).unwrap();
    let (ended, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let found = std::thread::scope(|scope| {
        for thread in 0..3 {
            let (fixture, ended, done) = (&fixture, &ended, &done);
            scope.spawn(move || disturb(fixture, thread, ended, done));
        }
        let found: Vec<_> =
            (0..25).map(|_| fixture.instance.run(["verify", "--json", "--threads", "4"])).collect();
        ended.store(true, SeqCst);
        found
    });
    assert!(done.load(SeqCst) > 500, "hardly anything was written: {done:?}");
    for outcome in found {
        assert_eq!(outcome.code, Some(0), "{outcome}");
    }
    assert_eq!(stretches(&verify(&fixture.instance, &[])), []);
    let status = fixture.instance.run(["status", "--json"]).succeeds().json();
    assert_eq!(status["counters"]["integrity_errors"], 0);
    assert_eq!(status["counters"]["sizes_put_right"], 0);
    fixture.instance.stop();
    assert_eq!(stretches(&verify(&fixture.instance, &[])), []);
}

#[test]
fn nothing_is_found_under_a_database_server_at_work_and_its_clients_see_nothing() {
    let instance = Instance::started();
    let (data, files) = (instance.work().join("mysql"), instance.work().join("run"));
    MariaDb::install(&data);
    let server = MariaDb::start(&data, &files);
    server.sql("CREATE DATABASE sbtest");
    let sysbench = |seconds: u32, verb: &str| {
        let mut command = Command::new(program("sysbench"));
        command
            .arg("oltp_read_write")
            .args(["--db-driver=mysql", "--mysql-user=root", "--mysql-db=sbtest", "--threads=2"])
            .args(["--tables=2", "--table-size=2000"])
            .arg(format!("--mysql-socket={}", files.join("s").display()))
            .arg(format!("--time={seconds}"))
            .arg(verb);
        command
    };
    run(&mut sysbench(1, "prepare")).succeeds();
    server.shut_down();
    instance.encrypt(CATEGORY, &data);
    instance.allow(CATEGORY, &program("mariadbd"));
    let server = MariaDb::start(&data, &files);
    let mut load = Running::spawn(&mut sysbench(15, "run"));
    std::thread::sleep(Duration::from_secs(1));
    let (mut rounds, mut read) = (0, 0);
    while load.ended().is_none() {
        let found = verify(&instance, &[CATEGORY]);
        assert_eq!(stretches(&found), []);
        rounds += 1;
        read = found["bytes"].as_u64().unwrap();
    }
    assert!(rounds > 1 && read > 10 << 20, "{rounds} rounds of {read} bytes");
    let worked = load.finish(Duration::from_secs(60)).unwrap().succeeds();
    assert!(!worked.stdout.contains("FATAL") && !worked.stderr.contains("FATAL"), "{worked}");
    assert!(!server.log().contains("[ERROR]"), "{}", server.log());
    // What a crash of the server and the service leaves is no damage, but perhaps a size behind.
    instance.kill();
    drop(server);
    let found = stretches(&verify(&instance, &[]));
    let harmless = |kind: &str| ["size", "end_missing"].contains(&kind);
    assert!(found.iter().all(|found| harmless(&found.kind)), "{found:?}");
}

#[test]
fn nothing_is_found_or_changed_in_files_that_are_in_the_middle_of_a_change_of_keys() {
    let fixture = Fixture::new();
    let instance = &fixture.instance;
    let content = vec![9; 4 << 20];
    fs::write(fixture.at("large"), &content).unwrap();
    let rotate = ["key", "rotate", CATEGORY, "--data", "--rate", "100K"];
    let _rotating = Running::spawn(&mut instance.command("ezncrypt", rotate));
    let done = || {
        let status = instance.run(["status", "--json"]).succeeds().json();
        status["rotation"]["bytes_done"].as_u64()
    };
    until("the change is at work", Duration::from_secs(60), || done() > Some(0));
    assert_eq!(stretches(&verify(instance, &[])), []);
    instance.kill();
    let path = super::damage::stored(instance, CATEGORY, &fixture.at("large"));
    let before = fs::read(&path).unwrap();
    assert_eq!(before[12] & 2, 2, "it is not in the middle of its change");
    assert_eq!(stretches(&verify(instance, &[])), []);
    assert!(fs::read(&path).unwrap() == before, "it was changed");
    instance.start();
    assert!(fs::read(fixture.at("large")).unwrap() == content);
}
