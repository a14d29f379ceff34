//! A category gets a new key while its files are in use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, SystemTime};
use support::Instance;
use support::ciphertext::{REKEYING, assert_all_under, headers};
use support::fixture::{CATEGORY, Fixture};
use support::machine::program;
use support::process::{Outcome, Running, until};

const LIMIT: Duration = Duration::from_secs(60);

/// The epochs of the category that there are keys of, and whether its key is being changed.
fn epochs(instance: &Instance) -> (Vec<u64>, bool) {
    let listed = instance.run(["key", "list", "--json"]).succeeds().json();
    let found = listed["categories"][0]["epochs"].as_array().unwrap().clone();
    let status = instance.run(["status", "--json"]);
    let changing = status.code == Some(0) && !status.json()["rotation"].is_null();
    (found.iter().map(|epoch| epoch.as_u64().unwrap()).collect(), changing)
}

/// The ciphertext of a file in the fixture's directory.
fn ciphertext(fixture: &Fixture, name: &str) -> PathBuf {
    let original = fixture.at(name);
    fixture.instance.storage().join("test").join(original.strip_prefix("/").unwrap())
}

fn rotate(fixture: &Fixture, more: &[&str]) -> Outcome {
    let args = [&["key", "rotate", CATEGORY], more].concat();
    fixture.instance.run(args)
}

fn spawn(fixture: &Fixture, more: &[&str]) -> Running {
    let args = [&["key", "rotate", CATEGORY], more].concat();
    Running::spawn(&mut fixture.instance.command("ezncrypt", args))
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 7) as u8).collect()
}

/// Some files of many sizes, a directory, a sparse and an empty one, all with old times.
fn with_files() -> (Fixture, Vec<(&'static str, Vec<u8>)>) {
    let fixture = Fixture::new();
    fs::create_dir(fixture.at("sub")).unwrap();
    let files = vec![
        ("empty", pattern(0)),
        ("one", pattern(1)),
        ("sub/sector", pattern(4048)),
        ("sub/large", pattern(3_000_001)),
    ];
    for (name, bytes) in &files {
        fs::write(fixture.at(name), bytes).unwrap();
    }
    File::create(fixture.at("sparse")).unwrap().set_len(200 << 20).unwrap();
    (fixture, files)
}

#[track_caller]
fn assert_contents(fixture: &Fixture, files: &[(&'static str, Vec<u8>)]) {
    for (name, bytes) in files {
        assert!(fs::read(fixture.at(name)).unwrap() == *bytes, "{name}");
    }
    assert_eq!(fs::metadata(fixture.at("sparse")).unwrap().len(), 200 << 20);
}

#[test]
fn every_file_gets_the_new_key_keeps_its_time_and_the_old_key_is_gone() {
    let (fixture, files) = with_files();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 5);
    for (name, _) in &files {
        fixture.open(name).set_modified(long_ago).unwrap();
    }
    let blocks = |name: &str| fs::metadata(fixture.at(name)).unwrap().blocks();
    let sparse = blocks("sparse");
    let open = fixture.open("sub/large");
    for (epoch, more) in [(2, &[][..]), (3, &["--data"]), (4, &["--data", "--rate", "unlimited"])] {
        rotate(&fixture, more).succeeds().says("has a new key");
        assert_all_under(&fixture.instance.storage(), epoch);
        assert_eq!(epochs(&fixture.instance), (vec![u64::from(epoch)], false));
        let mut out = vec![0; 10_000];
        open.read_exact_at(&mut out, 1_000_000).unwrap();
        assert!(out == files[3].1[1_000_000..1_010_000]);
        assert_contents(&fixture, &files);
        for (name, _) in &files {
            let modified = fs::metadata(fixture.at(name)).unwrap().modified().unwrap();
            assert_eq!(modified, long_ago, "{name}");
        }
    }
    assert_eq!(blocks("sparse"), sparse, "holes stay holes");
    drop(open);
    fixture.instance.stop();
    fixture.instance.start();
    assert_contents(&fixture, &files);
    let log = fixture.instance.run(["audit"]).succeeds().stdout;
    for event in ["key_rotation_started", "key_rotation_finished"] {
        assert!(log.contains(event), "{event} is missing");
    }
    fixture.instance.run(["audit", "--verify"]).succeeds();
}

#[test]
fn data_gets_new_keys_only_when_that_is_asked_for() {
    let (fixture, _) = with_files();
    let sector = |from: &str| fs::read(ciphertext(&fixture, from)).unwrap()[4096..8192].to_vec();
    let before = sector("sub/large");
    rotate(&fixture, &[]).succeeds();
    assert!(sector("sub/large") == before);
    rotate(&fixture, &["--data"]).succeeds();
    assert!(sector("sub/large") != before);
}

#[test]
fn without_a_service_it_is_done_all_the_same() {
    let (fixture, files) = with_files();
    fixture.instance.stop();
    rotate(&fixture, &[]).succeeds();
    rotate(&fixture, &["--data"]).succeeds();
    assert_all_under(&fixture.instance.storage(), 3);
    fixture.instance.start();
    assert_contents(&fixture, &files);
}

#[test]
fn files_that_are_written_cut_and_made_meanwhile_are_right_at_the_end() {
    let fixture = Fixture::new();
    let length = 24 << 20;
    let file = fixture.create("busy");
    file.write_all_at(&pattern(length), 0).unwrap();
    let mut running = spawn(&fixture, &["--data", "--rate", "12M"]);
    let mut model = pattern(length);
    let mut round = 0u64;
    let outcome = loop {
        round += 1;
        let at = (round * 7_919_113 % (length as u64 - 10_000)) as usize;
        let bytes = vec![round as u8; 1 + (round * 977 % 9_000) as usize];
        file.write_all_at(&bytes, at as u64).unwrap();
        model[at..at + bytes.len()].copy_from_slice(&bytes);
        if round.is_multiple_of(10) {
            let cut = model.len() - 5_000;
            file.set_len(cut as u64).unwrap();
            model.truncate(cut);
            file.set_len(length as u64).unwrap();
            model.resize(length, 0);
            let name = format!("new{}", round % 50);
            fs::write(fixture.at(&name), pattern(round as usize)).unwrap();
        }
        let mut out = vec![0; bytes.len()];
        file.read_exact_at(&mut out, at as u64).unwrap();
        assert!(out == model[at..at + bytes.len()], "round {round}");
        if let Some(outcome) = running.ended() {
            break outcome;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    outcome.succeeds();
    assert!(round > 50, "nothing was written meanwhile: {round}");
    let mut out = vec![0; length];
    file.read_exact_at(&mut out, 0).unwrap();
    assert!(out == model);
    drop(file);
    assert!(fs::read(fixture.at("busy")).unwrap() == model);
    assert_all_under(&fixture.instance.storage(), 2);
}

#[test]
fn no_file_is_missed_though_all_of_them_are_renamed_all_the_time() {
    let fixture = Fixture::new();
    for directory in ["a", "b", "c"] {
        fs::create_dir(fixture.at(directory)).unwrap();
    }
    for number in 0..60 {
        fs::write(fixture.at(&format!("a/{number}")), pattern(number * 100 + 1)).unwrap();
    }
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (fixture, ended) = (&fixture, &ended);
            scope.spawn(move || {
                for round in 0usize.. {
                    if ended.load(SeqCst) {
                        return;
                    }
                    let number = (round * 2 + thread) % 60;
                    let at = |round: usize| {
                        let directory = ["a", "b", "c"][(round / 30) % 3];
                        fixture.at(&format!("{directory}/{number}"))
                    };
                    fs::rename(at(round), at(round + 30)).unwrap();
                }
            });
        }
        for (epoch, more) in [(2, &[][..]), (3, &[]), (4, &["--data"]), (5, &["--data"])] {
            let outcome = rotate(&fixture, more);
            let found = headers(&fixture.instance.storage());
            if outcome.code != Some(0) || found.iter().any(|header| header.epoch != epoch) {
                ended.store(true, SeqCst);
            }
            outcome.succeeds();
        }
        ended.store(true, SeqCst);
    });
    assert_all_under(&fixture.instance.storage(), 5);
    assert_eq!(headers(&fixture.instance.storage()).len(), 60);
}

#[test]
fn a_damaged_file_is_named_and_keeps_the_old_key_until_it_is_mended() {
    let (fixture, files) = with_files();
    let path = ciphertext(&fixture, "one");
    let sound = fs::read(&path).unwrap();
    fs::write(&path, [&[0xff; 4096][..], &sound[4096..]].concat()).unwrap();
    for _ in 0..2 {
        rotate(&fixture, &[])
            .exits(7)
            .says("/one")
            .says("1 file of @test")
            .says("key rotate @test");
        assert_eq!(epochs(&fixture.instance), (vec![1, 2], true));
    }
    let large = ciphertext(&fixture, "sub/large");
    assert_all_under(large.parent().unwrap(), 2);
    fs::write(&path, sound).unwrap();
    rotate(&fixture, &[]).succeeds();
    assert_eq!(epochs(&fixture.instance), (vec![2], false));

    let byte = fs::read(&large).unwrap()[50 * 4096];
    let disk = File::options().write(true).open(&large).unwrap();
    disk.write_all_at(&[!byte], 50 * 4096).unwrap();
    rotate(&fixture, &["--data"])
        .exits(7)
        .says("/sub/large (1 damaged sectors, the first of them 49)");
    assert_eq!(epochs(&fixture.instance), (vec![2, 3], true));
    disk.write_all_at(&[byte], 50 * 4096).unwrap();
    rotate(&fixture, &["--data"]).succeeds();
    assert_eq!(epochs(&fixture.instance), (vec![3], false));
    assert_all_under(&fixture.instance.storage(), 3);
    assert_contents(&fixture, &files);
}

#[test]
fn while_it_goes_on_others_are_told_and_a_stop_ends_it_and_the_next_start_takes_it_up() {
    let fixture = Fixture::new();
    fs::write(fixture.at("large"), pattern(4 << 20)).unwrap();
    let mut running = spawn(&fixture, &["--data", "--rate", "100K"]);
    let status = || fixture.instance.run(["status", "--json"]).succeeds().json();
    until("the rotation is at work", LIMIT, || {
        status()["rotation"]["bytes_done"].as_u64() > Some(0)
    });
    let row = status()["rotation"].clone();
    assert_eq!(
        (&row["category"], &row["data"], &row["running"]),
        (&"@test".into(), &true.into(), &true.into())
    );
    assert!(fixture.instance.run(["status"]).succeeds().stdout.contains("key change"));
    rotate(&fixture, &[]).exits(5).says("is being changed").says("status");
    rotate(&fixture, &["--rate", "90K"]).succeeds().says("at the rate that you said");
    let other = fixture.instance.work().join("other");
    fs::write(&other, "x").unwrap();
    fixture.instance.run(["-e", "@other", other.to_str().unwrap()]).exits(5).says("status");
    fixture.instance.stop();
    running.finish(LIMIT).unwrap().exits(1).says("goes on by itself");
    assert!(
        headers(&fixture.instance.storage()).iter().all(|h| (h.epoch, h.flags) == (2, REKEYING))
    );

    fixture.instance.start();
    until("it is taken up", LIMIT, || status()["rotation"]["running"] == true);
    assert!(fs::read(fixture.at("large")).unwrap() == pattern(4 << 20));
    fixture.instance.kill();
    // Without a service it is finished here, at another rate.
    rotate(&fixture, &["--rate", "unlimited"]).succeeds().says("going on with");
    assert_all_under(&fixture.instance.storage(), 2);
    fixture.instance.start();
    assert_eq!(epochs(&fixture.instance), (vec![2], false));
    assert!(fs::read(fixture.at("large")).unwrap() == pattern(4 << 20));
}

#[test]
fn a_rate_far_too_low_is_changed_while_it_is_at_work() {
    let fixture = Fixture::new();
    fs::write(fixture.at("large"), pattern(8 << 20)).unwrap();
    // Twelve days for the first step.
    let mut running = spawn(&fixture, &["--data", "--rate", "1"]);
    let status = || fixture.instance.run(["status", "--json"]).succeeds().json();
    until("the rotation is at work", LIMIT, || status()["rotation"]["running"] == true);
    rotate(&fixture, &["--rate", "unlimited"]).succeeds();
    running.finish(LIMIT).unwrap().succeeds();
    assert_all_under(&fixture.instance.storage(), 2);
}

/// Has the syncs of one file fail in the service, from that one on, until the result is dropped.
fn syncs_fail(fixture: &Fixture, file: &Path, first: u32) -> Running {
    let mut strace = Command::new(program("strace"));
    strace.args(["-f", "-qq", "-e", "trace=fsync,fdatasync"]);
    let inject = format!("inject=fsync,fdatasync:error=EIO:when={first}+");
    strace.args(["-e", &inject, "-P"]).arg(file);
    strace.args(["-p", &fixture.instance.pid().to_string()]);
    let strace = Running::spawn(&mut strace);
    let traced = || {
        let status =
            fs::read_to_string(format!("/proc/{}/status", fixture.instance.pid())).unwrap();
        status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
    };
    until("the service is traced", LIMIT, traced);
    strace
}

#[test]
fn what_a_failed_sync_leaves_in_doubt_is_written_again_before_the_old_key_goes() {
    // With data, the first sync is of what others wrote before the header.
    for (more, first) in [(&[][..], 1), (&["--data"], 2)] {
        let (fixture, files) = with_files();
        let path = ciphertext(&fixture, "sub/large");
        let failing = syncs_fail(&fixture, &path, first);
        rotate(&fixture, more).exits(1).says("sub/large").says("the old key is kept");
        drop(failing);
        assert_eq!(epochs(&fixture.instance), (vec![1, 2], true));
        let of = |path: &Path| headers(path.parent().unwrap()).into_iter().find(|h| h.path == path);
        let doubtful = of(&path).unwrap();
        assert_eq!(doubtful.epoch, 2, "the header is not in the page cache: a blind test");
        let sound = of(&ciphertext(&fixture, "sub/sector")).unwrap();

        rotate(&fixture, &[]).succeeds();
        assert!(of(&path).unwrap().generation > doubtful.generation, "not written again");
        let again = of(&ciphertext(&fixture, "sub/sector")).unwrap();
        assert!(again.generation > sound.generation, "not written again");
        assert_eq!(epochs(&fixture.instance), (vec![2], false));
        assert_all_under(&fixture.instance.storage(), 2);
        assert_contents(&fixture, &files);
    }
}

#[test]
fn it_needs_the_secret_a_category_that_there_is_and_a_rate() {
    let (fixture, _) = with_files();
    let wrong = fixture.instance.secret_file("wrong", "guess\n");
    let mut refused = fixture.instance.command("ezncrypt", ["key", "rotate", CATEGORY]);
    support::process::run(refused.env("EZNCRYPT_PASSPHRASE_FILE", wrong)).exits(3);
    fixture.instance.run(["key", "rotate", "@none"]).exits(1).says("no category @none");
    fixture.instance.run(["key", "rotate", "test"]).exits(2);
    rotate(&fixture, &["--rate", "fast"]).exits(2).says("20M");
    assert_eq!(epochs(&fixture.instance), (vec![1], false));
}
