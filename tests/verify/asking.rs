//! What may be asked for, by whom, and parts that are everything together.

use super::damage::stored;
use super::found::{checked, stretches, verify};
use super::support::fixture::{CATEGORY, Fixture};
use super::support::process::{Outcome, Running, run, send, until};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn the_parts_of_a_rotation_are_every_file_once() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.at("sub")).unwrap();
    let mut all = BTreeSet::new();
    for number in 0..60 {
        let name = format!("{}{number}", if number % 3 == 0 { "sub/" } else { "" });
        fs::write(fixture.at(&name), "content").unwrap();
        all.insert(fixture.at(&name));
    }
    // One file of three names.
    fs::hard_link(fixture.at("1"), fixture.at("sub/link")).unwrap();
    fs::hard_link(fixture.at("1"), fixture.at("another")).unwrap();
    fixture.instance.stop();
    for path in &all {
        let disk = OpenOptions::new().write(true).open(stored(&fixture.instance, CATEGORY, path));
        disk.unwrap().write_all_at(&[0xff; 100], 5000).unwrap();
    }
    fixture.instance.start();
    for of in [1, 2, 5] {
        let (mut seen, mut files) = (Vec::new(), 0);
        for part in 1..=of {
            let subset = format!("{part}/{of}");
            let found = verify(&fixture.instance, &["--subset", &subset]);
            assert_eq!(found["subset"], subset);
            let here = found["files"].as_u64().unwrap();
            assert!(of == 1 || here < 60, "all files are in part {subset}");
            files += here;
            seen.extend(stretches(&found).into_iter().map(|found| found.path));
            let again = verify(&fixture.instance, &["--subset", &subset]);
            assert_eq!(found["damaged"], again["damaged"], "another part of the files");
        }
        assert_eq!(files, 60, "the parts of {of}");
        let names: BTreeSet<PathBuf> = seen.iter().cloned().collect();
        assert_eq!((seen.len(), names.len()), (60, 60), "once each, of {of}");
        let links = [fixture.at("1"), fixture.at("sub/link"), fixture.at("another")];
        assert_eq!(names.iter().filter(|name| links.contains(name)).count(), 1);
    }
}

#[test]
fn a_file_a_directory_a_location_a_category_and_several_of_them_can_be_named() {
    let fixture = Fixture::new();
    let instance = &fixture.instance;
    fs::create_dir_all(fixture.at("sub/deep")).unwrap();
    for name in ["a", "sub/b", "sub/deep/c"] {
        fs::write(fixture.at(name), name).unwrap();
    }
    let other = instance.work().join("other");
    fs::write(&other, "other").unwrap();
    instance.encrypt("@other", &other);
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let (a, sub) = (text(fixture.at("a")), text(fixture.at("sub")));
    let top = text(fixture.path().to_owned());
    let deep = text(stored(instance, CATEGORY, &fixture.at("sub/deep")));
    let (other, work) = (text(other), text(instance.work()));
    let cases: [(&[&str], u64); 11] = [
        (&[], 4),
        (&["@test"], 3),
        (&["@other"], 1),
        (&["@test", "@other"], 4),
        (&[&a], 1),
        (&[&sub], 2),
        (&[&top], 3),
        (&[&deep], 1),
        (&[&other], 1),
        (&[&work], 4),
        (&[&a, &sub, "@test", &other], 4),
    ];
    for running in [true, false] {
        for (targets, files) in cases {
            assert_eq!(
                verify(instance, targets)["files"],
                files,
                "{targets:?}, service: {running}"
            );
        }
        instance.run(["verify", "@none"]).exits(1).says("no category @none");
        instance.run(["verify", "@a/b"]).exits(2);
        instance.run(["verify", "/etc/passwd"]).exits(1).says("/etc/passwd is not encrypted");
        let missing = text(fixture.at("none"));
        instance.run(["verify", &missing]).exits(1).says("there is no").says("none");
        if running {
            instance.stop();
        }
    }
    for wrong in
        [&["--subset", "3/2"][..], &["--subset", "x"], &["--threads", "0"], &["--rate", "fast"]]
    {
        instance.run([&["verify"], wrong].concat()).exits(2);
    }
}

#[test]
fn a_service_asks_for_no_secret_and_without_one_its_own_is_enough() {
    let fixture = Fixture::new();
    let instance = &fixture.instance;
    fs::write(fixture.at("a"), "a").unwrap();
    let without_secret = || {
        let mut command = instance.command("ezncrypt", ["verify", "--json"]);
        command.env_remove("EZNCRYPT_PASSPHRASE_FILE").env_remove("EZNCRYPT_SALT_FILE");
        run(&mut command)
    };
    assert_eq!(checked(&without_secret())["files"], 1);
    instance.stop();
    without_secret().exits(2);
    let wrong = instance.secret_file("wrong", "guess\n");
    let mut refused = instance.command("ezncrypt", ["verify"]);
    run(refused.env("EZNCRYPT_PASSPHRASE_FILE", &wrong)).exits(3);
    let file = instance.state().join("unattended");
    fs::write(
        instance.state().join("ezncrypt.toml"),
        format!("[unattended]\nfile = {:?}\n", file.to_str().unwrap()),
    )
    .unwrap();
    instance.run(["key", "add", "unattended", "--generate"]).succeeds();
    assert_eq!(checked(&without_secret())["files"], 1);
    let mut list = instance.command("ezncrypt", ["list"]);
    list.env_remove("EZNCRYPT_PASSPHRASE_FILE").env_remove("EZNCRYPT_SALT_FILE");
    run(&mut list).exits(2);
    let nothing = elsewhere(instance.work().join("nothing"));
    nothing.exits(6).says("no keystore");
}

/// Verifying where there is no instance.
fn elsewhere(state: PathBuf) -> Outcome {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ezncrypt"));
    run(command.arg("verify").arg("--state-dir").arg(state))
}

#[test]
fn the_end_of_the_service_ends_it_too() {
    let fixture = Fixture::new();
    fs::write(fixture.at("large"), vec![1; 4 << 20]).unwrap();
    let mut running =
        Running::spawn(&mut fixture.instance.command("ezncrypt", ["verify", "--rate", "50K"]));
    until("it reads", LIMIT, || running.so_far().stderr.contains("reading"));
    fixture.instance.stop();
    running.finish(LIMIT).unwrap().exits(1).says("not everything was looked at");
}

/// How many threads of the service verify.
fn readers(pid: u32) -> usize {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let name = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("comm"));
    threads.filter_map(|thread| name(thread).ok()).filter(|name| name.starts_with("verify")).count()
}

#[test]
fn when_nobody_waits_for_the_answer_any_more_the_service_stops_reading() {
    let fixture = Fixture::new();
    fs::write(fixture.at("large"), vec![1; 4 << 20]).unwrap();
    let pid = fixture.instance.pid();
    let mut command = fixture.instance.command("ezncrypt", ["verify", "--rate", "50K"]);
    let mut running = Running::spawn(&mut command);
    until("it reads", LIMIT, || readers(pid) > 0);
    send(running.pid(), Signal::INT);
    running.finish(LIMIT).unwrap();
    until("it stops reading", LIMIT, || readers(pid) == 0);
}
