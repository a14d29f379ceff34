//! The audit log of a real service: what is in it, and that nothing done to it goes untold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "audit/mishaps.rs"]
mod mishaps;
#[path = "audit/reading.rs"]
mod reading;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::Instance;
use support::fixture::Fixture;
use support::machine::program;
use support::process::{Outcome, run};

fn log_of(instance: &Instance) -> PathBuf {
    instance.state().join("log/audit.jsonl")
}

fn lines(instance: &Instance) -> Vec<Value> {
    let text = fs::read_to_string(log_of(instance)).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn logged(instance: &Instance, event: &str) -> Vec<Value> {
    lines(instance).into_iter().filter(|line| line["event"] == event).collect()
}

/// Has somebody denied: `cat` has no rule.
#[track_caller]
fn deny(file: &Path) {
    run(Command::new(program("cat")).arg(file)).denied();
}

fn with_file() -> (Fixture, PathBuf) {
    let fixture = Fixture::new();
    let file = fixture.at("file");
    fs::write(&file, "plaintext").unwrap();
    (fixture, file)
}

#[track_caller]
fn verify(instance: &Instance) -> Outcome {
    instance.run(["audit", "--verify"])
}

#[track_caller]
fn sound(instance: &Instance) -> Outcome {
    let outcome = verify(instance).succeeds();
    assert!(!outcome.stdout.contains("ALARM"), "{outcome}");
    outcome
}

#[track_caller]
fn alarm(instance: &Instance, text: &str) {
    let outcome = verify(instance).exits(7);
    assert!(outcome.stdout.contains("ALARM") && outcome.stdout.contains(text), "{text}: {outcome}");
}

/// What somebody does to the lines of a log, and what is told of it.
type Attack = (&'static str, fn(&mut Vec<String>));

const ATTACKS: [Attack; 6] = [
    ("was changed, or the line before it was", |lines| {
        lines[2] = lines[2].replacen("\"event\":\"", "\"event\":\"x", 1);
    }),
    ("lines 3 to 3 are missing", |lines| drop(lines.remove(2))),
    ("cut at its front: lines 1 to 1 are missing", |lines| drop(lines.remove(0))),
    ("cut at its end", |lines| drop(lines.pop())),
    ("does not follow", |lines| lines.swap(1, 2)),
    ("is not a line of this log", |lines| lines.insert(1, "nothing of ours".into())),
];

/// Does it, asks, and puts everything back.
fn attack_and_undo(instance: &Instance) {
    let path = log_of(instance);
    let whole = fs::read_to_string(&path).unwrap();
    for (told, attack) in ATTACKS {
        let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
        attack(&mut lines);
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        alarm(instance, told);
        fs::write(&path, &whole).unwrap();
    }
    sound(instance);
}

#[test]
fn the_chain_goes_on_over_a_restart_and_is_sealed() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    deny(&file);
    sound(instance);
    instance.stop();
    let first = lines(instance);
    let events: Vec<&str> = first.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events[..2], ["initialised", "seal"]);
    for event in ["start", "category_added", "encrypted", "rule_added", "denied"] {
        assert!(events.contains(&event), "{event}: {events:?}");
    }
    assert_eq!(events[events.len() - 2..], ["stop", "seal"]);
    assert_eq!(first[first.len() - 2]["reason"], "ezncrypt stop");
    for event in ["rule_added", "stop_asked"] {
        let line = first.iter().find(|line| line["event"] == event).unwrap();
        let exe = line["who"]["exe"].as_str().unwrap();
        assert!(exe.ends_with("/ezncrypt") && line["who"]["user"] == 0, "{line}");
    }
    let added = first.iter().find(|line| line["event"] == "rule_added").unwrap();
    assert!(added["who"]["args"].to_string().contains("ALLOW @test"), "{added}");
    assert!(sound(instance).stdout.contains("0 line(s) not sealed yet"));
    instance.start();
    deny(&file);
    for (index, line) in lines(instance).iter().enumerate() {
        assert_eq!(line["seq"], index as u64 + 1);
    }
    sound(instance);
    support::process::send(instance.pid(), rustix::process::Signal::TERM);
    support::process::until("it ends", std::time::Duration::from_secs(30), || {
        instance.run(["status"]).code == Some(6)
    });
    support::process::until("it is sealed", std::time::Duration::from_secs(10), || {
        lines(instance).last().unwrap()["event"] == "seal"
    });
    assert_eq!(logged(instance, "stop")[1]["reason"], "SIGTERM");
}

#[test]
fn whatever_is_done_to_the_log_is_told_by_a_running_service_and_without_one() {
    let (fixture, file) = with_file();
    deny(&file);
    attack_and_undo(&fixture.instance);
    fixture.instance.stop();
    attack_and_undo(&fixture.instance);
}

#[test]
fn a_log_that_was_cut_while_no_service_ran_is_told_by_the_next_one() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    deny(&file);
    instance.stop();
    let path = log_of(instance);
    let whole = fs::read_to_string(&path).unwrap();
    let count = whole.lines().count() as u64;
    let kept: String = whole.lines().take(4).map(|line| line.to_owned() + "\n").collect();
    fs::write(&path, kept).unwrap();
    instance.start();
    let cut = &logged(instance, "log_cut")[0];
    assert_eq!((&cut["known_through"], &cut["found_through"]), (&count.into(), &4.into()));
    assert_eq!(cut["seq"], count + 1);
    alarm(instance, "had been cut or changed");
    alarm(instance, &format!("lines 5 to {count} are missing"));
}

#[test]
fn a_log_that_was_removed_is_told_with_and_without_a_service() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    deny(&file);
    fs::remove_file(log_of(instance)).unwrap();
    alarm(instance, "cut at its end");
    deny(&file);
    assert_eq!(lines(instance)[0]["event"], "log_replaced");
    alarm(instance, "cut at its front");
    instance.stop();
    fs::remove_file(log_of(instance)).unwrap();
    alarm(instance, "cut at its end");
}

#[test]
fn commands_without_a_service_write_to_the_same_chain() {
    let instance = Instance::initialised();
    let file = instance.work().join("file");
    fs::write(&file, "text").unwrap();
    instance.encrypt("@c", &file);
    instance.allow("@c", &program("cat"));
    let wrong = instance.secret_file("wrong", "guess\n");
    let rule = format!("ALLOW @c * {}", program("head").display());
    let mut add = instance.command("ezncrypt-access-control", ["-a", &rule]);
    run(add.env("EZNCRYPT_SALT_FILE", &wrong)).exits(3);
    let events: Vec<String> =
        lines(&instance).iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect();
    let expected =
        ["initialised", "seal", "category_added", "encrypted", "seal", "rule_added", "seal"];
    assert_eq!(events, expected);
    assert!(sound(&instance).stdout.contains("lines 1 to 7 in 1 file(s), 3 seal(s)"));
    instance.run(["list"]).succeeds();
    assert_eq!(lines(&instance).len(), 7, "looking is no event");
    instance.start();
    run(instance
        .command("ezncrypt-access-control", ["-a", &rule])
        .env("EZNCRYPT_SALT_FILE", &wrong))
    .exits(3);
    assert_eq!(logged(&instance, "secret_refused").len(), 1);
    sound(&instance);
}
