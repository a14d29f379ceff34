//! A category gets new keys under a MariaDB server that is at work, and under a service that is killed
//! again and again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use support::Instance;
use support::ciphertext::{REKEYING, assert_all_under, headers};
use support::machine::program;
use support::mariadb::MariaDb;
use support::process::{Running, run, until};
use support::random::Random;

const CATEGORY: &str = "@mysql";
const TABLES: usize = 2;
const ROWS: usize = 2000;
const LIMIT: Duration = Duration::from_secs(120);

fn sysbench(run: &Path, seconds: u32, verb: &str) -> Command {
    let mut command = Command::new(program("sysbench"));
    command
        .arg("oltp_read_write")
        .args(["--db-driver=mysql", "--mysql-user=root", "--mysql-db=sbtest", "--threads=2"])
        .arg(format!("--mysql-socket={}", run.join("s").display()))
        .arg(format!("--tables={TABLES}"))
        .arg(format!("--table-size={ROWS}"))
        .arg(format!("--time={seconds}"))
        .arg(verb);
    command
}

/// An encrypted data directory with tables for sysbench, and where its server has its files.
fn encrypted_tables(instance: &Instance) -> (PathBuf, PathBuf) {
    let (data, files) = (instance.work().join("mysql"), instance.work().join("run"));
    MariaDb::install(&data);
    let server = MariaDb::start(&data, &files);
    server.sql("CREATE DATABASE sbtest; CREATE TABLE sbtest.kept (id INT PRIMARY KEY)");
    run(&mut sysbench(&files, 1, "prepare")).succeeds();
    server.shut_down();
    instance.encrypt(CATEGORY, &data);
    instance.allow(CATEGORY, &program("mariadbd"));
    (data, files)
}

#[track_caller]
fn assert_tables_are_sound(server: &MariaDb) {
    for number in 1..=TABLES {
        let table = format!("sbtest.sbtest{number}");
        let verdict = server.sql(&format!("CHECK TABLE {table} EXTENDED"));
        assert_eq!(verdict.trim(), format!("{table}\tcheck\tstatus\tOK"));
        let rows = server.sql(&format!("SELECT COUNT(*) FROM {table}"));
        assert_eq!(rows.trim(), ROWS.to_string(), "{table}");
    }
}

#[test]
fn keys_and_data_are_changed_under_load_and_no_client_sees_an_error() {
    let instance = Instance::started();
    let (data, files) = encrypted_tables(&instance);
    let server = MariaDb::start(&data, &files);
    let mut load = Running::spawn(&mut sysbench(&files, 12, "run"));
    std::thread::sleep(Duration::from_secs(1));
    instance.run(["key", "rotate", CATEGORY]).succeeds();
    assert!(load.ended().is_none(), "the load ended too early");
    assert_all_under(&instance.storage(), 2);
    instance.run(["key", "rotate", CATEGORY, "--data", "--rate", "40M"]).succeeds();
    assert_all_under(&instance.storage(), 3);
    let worked = load.finish(LIMIT).unwrap().succeeds();
    assert!(worked.stdout.contains("transactions:"), "{worked}");
    assert!(!worked.stdout.contains("FATAL") && !worked.stderr.contains("FATAL"), "{worked}");
    assert!(worked.stdout.contains("reconnects:                          0 "), "{worked}");
    assert_tables_are_sound(&server);
    let log = server.log();
    assert!(!log.contains("[ERROR]"), "{log}");
    server.shut_down();

    instance.stop();
    instance.start();
    let server = MariaDb::start(&data, &files);
    assert_tables_are_sound(&server);
    server.shut_down();
    let status = instance.run(["status", "--json"]).succeeds().json();
    assert_eq!(status["counters"]["integrity_errors"], 0);
}

/// From a seed that the failure shows.
fn seeded() -> Random {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = now.as_nanos() as u64 | 1;
    eprintln!("seed {seed}");
    Random(seed)
}

/// Whether a change of keys is not finished.
fn is_pending(instance: &Instance) -> bool {
    !instance.run(["status", "--json"]).succeeds().json()["rotation"].is_null()
}

#[test]
fn a_service_killed_at_twenty_points_of_a_rotation_under_load_goes_on_each_time_and_no_row_is_lost()
{
    let instance = Instance::initialised();
    instance.start();
    let (data, files) = encrypted_tables(&instance);
    let mut random = seeded();
    let (mut kept, mut midway, mut begun) = (0, 0, 0);
    for round in 0..20 {
        if round > 0 {
            instance.start();
        }
        let server = MariaDb::start(&data, &files);
        server.sql(&format!("USE sbtest; INSERT INTO kept SELECT {kept} + seq FROM seq_1_to_100"));
        kept += 100;
        let _load = Running::spawn(&mut sysbench(&files, 60, "run"));
        // A header pass takes no time: it is killed wherever it is.
        let mut asked = (!is_pending(&instance)).then(|| {
            begun += 1;
            let more: &[&str] = if begun % 4 == 1 { &[] } else { &["--data", "--rate", "16M"] };
            let args = [&["key", "rotate", CATEGORY], more].concat();
            Running::spawn(&mut instance.command("ezncrypt", args))
        });
        std::thread::sleep(Duration::from_millis(random.below(1200)));
        instance.kill();
        drop(server);
        if let Some(asked) = &mut asked {
            asked.finish(LIMIT).unwrap();
        }
        midway += usize::from(headers(&instance.storage()).iter().any(|h| h.flags & REKEYING != 0));
    }
    assert!(midway >= 3, "only {midway} of 20 kills met a file in the middle of its change");

    instance.start();
    let server = MariaDb::start(&data, &files);
    assert_tables_are_sound(&server);
    until("the last change is finished", LIMIT, || !is_pending(&instance));
    assert_tables_are_sound(&server);
    let rows = server.sql("SELECT COUNT(*), COUNT(DISTINCT id) FROM sbtest.kept");
    assert_eq!(rows.trim(), format!("{kept}\t{kept}"));
    server.shut_down();
    let listed = instance.run(["key", "list", "--json"]).succeeds().json();
    let current = listed["categories"][0]["current"].as_u64().unwrap() as u32;
    assert_eq!(listed["categories"][0]["epochs"], serde_json::json!([current]));
    assert_all_under(&instance.storage(), current);
    eprintln!(
        "{begun} changes were asked for, the key is number {current}, {midway} kills met a file"
    );
    // Any but the one that was met in the middle may have been killed before it began; that one takes most rounds.
    assert!((2..=1 + begun).contains(&current), "{current} after {begun} changes");
}
