//! A service that is started again when it dies.

use super::support::Instance;
use super::support::machine::is_mounted;
use super::support::process::{self, Running, ended_within, until};
use super::{assert_not_running, with_file};
use rustix::process::Signal;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(60);

#[track_caller]
fn supervisor(instance: &Instance) -> u32 {
    let text = fs::read_to_string(instance.state().join("run/supervisor")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

/// Waits until another service than `before` serves.
#[track_caller]
fn serves_again(instance: &Instance, before: u32) -> u32 {
    let mut pid = before;
    until("another service serves", SOON, || {
        let status = instance.run(["status", "--json"]);
        if status.code == Some(0) {
            pid = status.json()["pid"].as_u64().unwrap() as u32;
        }
        pid != before
    });
    pid
}

#[test]
fn a_killed_service_comes_again_and_serves_what_it_had_and_the_log_says_why() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    instance.stop();
    instance.run(["start", "--supervise"]).succeeds();
    let mut service = instance.pid();
    for round in 0..3 {
        let open = fixture.open("file");
        fs::write(fixture.at("synced"), format!("round {round}")).unwrap();
        File::open(fixture.at("synced")).unwrap().sync_all().unwrap();
        process::send(service, Signal::KILL);
        service = serves_again(instance, service);
        // What the kernel has of it may still be read.
        assert!(open.set_len(0).is_err(), "a handle of the dead service still changes the file");
        assert_eq!(fs::read(&file).unwrap(), b"plaintext");
        assert_eq!(fs::read_to_string(fixture.at("synced")).unwrap(), format!("round {round}"));
    }
    let log = fs::read_to_string(instance.state().join("log/audit.jsonl")).unwrap();
    assert_eq!(log.matches("\"after\":\"killed by SIGKILL\"").count(), 3, "{log}");
    let keeper = supervisor(instance);
    instance.stop();
    assert!(ended_within(keeper, SOON));
    assert_not_running(instance);
}

#[test]
fn its_end_is_asked_for_by_stop_or_by_a_signal_to_either_process() {
    let instance = Instance::initialised();
    for ask in [
        |i: &Instance| process::send(supervisor(i), Signal::TERM),
        |i: &Instance| {
            process::send(i.pid(), Signal::TERM);
        },
    ] {
        instance.run(["start", "--supervise"]).succeeds();
        let (keeper, service) = (supervisor(&instance), instance.pid());
        ask(&instance);
        assert!(ended_within(service, SOON) && ended_within(keeper, SOON));
        assert_not_running(&instance);
    }
    let mut foreground =
        Running::spawn(&mut instance.command("ezncrypt", ["start", "--supervise", "--foreground"]));
    serves_again(&instance, 0);
    instance.stop();
    foreground.finish(SOON).unwrap().succeeds();
}

#[test]
fn while_it_waits_for_better_times_start_is_refused_with_the_reason_and_stop_ends_it() {
    let instance = Instance::initialised();
    instance.run(["start", "--supervise"]).succeeds();
    let keeper = supervisor(&instance);
    let run = instance.state().join("run/status.sock");
    // A directory where a socket must be: no other service can start.
    fs::remove_file(&run).unwrap();
    fs::create_dir(&run).unwrap();
    instance.kill();
    let told = || fs::read_to_string(instance.state().join("run/supervisor")).unwrap();
    let deadline = Instant::now() + SOON;
    while !told().contains("sockets") {
        assert!(Instant::now() < deadline, "no start failed: {:?}", told());
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = keeper.to_string();
    instance.run(["start"]).exits(5).says(&pid).says("sockets").says("stop");
    assert!(!ended_within(keeper, Duration::ZERO));
    instance.run(["stop"]).succeeds();
    assert!(ended_within(keeper, SOON));
    fs::remove_dir(&run).unwrap();
    instance.start();
}

#[test]
fn a_first_start_that_fails_is_told_and_leaves_nothing_behind() {
    let instance = Instance::initialised();
    let wrong = instance.secret_file("wrong", "wrong\n");
    let mut start = instance.command("ezncrypt", ["start", "--supervise"]);
    process::run(start.env("EZNCRYPT_PASSPHRASE_FILE", wrong)).exits(3);
    assert!(!is_mounted(&instance.mount()));
    instance.start();
    instance.stop();
    let mode = fs::metadata(instance.state().join("run/supervisor")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_second_start_is_refused_under_a_supervisor_as_well() {
    let instance = Instance::initialised();
    instance.run(["start", "--supervise"]).succeeds();
    let pid = instance.pid();
    instance.run(["start", "--supervise"]).exits(5);
    instance.run(["start"]).exits(5);
    assert_eq!(instance.pid(), pid);
}
