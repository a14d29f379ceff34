//! Starting, stopping, signals and crashes.

use super::support::Instance;
use super::support::machine::is_mounted;
use super::support::process;
use super::support::tree;
use super::{assert_not_running, with_file};
use rustix::process::Signal;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

#[test]
fn start_returns_only_once_it_serves() {
    let instance = Instance::initialised();
    assert_not_running(&instance);
    for _ in 0..5 {
        instance.start();
        assert!(is_mounted(&instance.mount()));
        let status = instance.run(["status", "--json"]).succeeds().json();
        assert_eq!(status["running"], true);
        assert_eq!(status["pid"], instance.pid());
        instance.stop();
        assert_not_running(&instance);
    }
}

#[test]
fn a_service_in_the_foreground_stays_until_it_is_told_to_end() {
    let instance = Instance::initialised();
    let mut service = instance.command("ezncrypt", ["start", "--foreground"]);
    service.stdin(std::process::Stdio::null());
    let mut service = process::Killed(service.spawn().unwrap());
    process::until("the service serves", Duration::from_secs(30), || {
        assert!(service.0.try_wait().unwrap().is_none(), "the service ended");
        instance.run(["status"]).code == Some(0)
    });
    assert_eq!(instance.pid(), service.0.id());
    process::send(service.0.id(), Signal::TERM);
    let ended = process::finish(&mut service.0, Duration::from_secs(30));
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
    assert_not_running(&instance);
}

#[test]
fn a_second_start_is_refused_and_changes_nothing() {
    let (fixture, file) = with_file();
    let pid = fixture.instance.pid();
    fixture.instance.run(["start"]).exits(5);
    assert_eq!(fixture.instance.pid(), pid);
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
}

#[test]
fn a_second_init_is_refused_and_keeps_the_keystore() {
    let instance = Instance::initialised();
    let before = fs::read(instance.state().join("keystore")).unwrap();
    let again = instance.run(["init", "--scrypt-log-n", "14"]);
    assert_ne!(again.code, Some(0), "{again}");
    assert_eq!(fs::read(instance.state().join("keystore")).unwrap(), before);
    let mode = fs::metadata(instance.state().join("keystore")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn stop_refuses_while_files_are_open_and_names_the_process() {
    let (fixture, file) = with_file();
    let open = File::open(&file).unwrap();
    let this = std::process::id().to_string();
    fixture.instance.run(["stop"]).exits(5).says(&this).says("e2e_lifecycle");
    assert_eq!(fs::read(&file).unwrap(), b"plaintext", "a refused stop stopped serving");
    drop(open);
    fixture.instance.stop();
    assert_not_running(&fixture.instance);
}

#[test]
fn stop_with_force_ends_although_files_are_open() {
    let (fixture, file) = with_file();
    let pid = fixture.instance.pid();
    let open = File::open(&file).unwrap();
    fixture.instance.run(["stop", "--force"]).succeeds();
    assert!(process::ended_within(pid, Duration::from_secs(30)));
    assert_not_running(&fixture.instance);
    assert!(fs::read(&file).is_err());
    drop(open);
}

#[test]
fn termination_and_interrupt_unmount() {
    let (fixture, file) = with_file();
    for signal in [Signal::TERM, Signal::INT] {
        let pid = fixture.instance.pid();
        process::send(pid, signal);
        assert!(process::ended_within(pid, Duration::from_secs(30)), "{signal:?} was ignored");
        assert_not_running(&fixture.instance);
        assert!(tree::names(&fixture.instance.mount()).is_empty());
        assert!(fs::read(&file).is_err());
        fixture.instance.start();
        assert_eq!(fs::read(&file).unwrap(), b"plaintext");
    }
}

/// > When the service dies, every call on the mount fails, and nothing shows plaintext or takes a
/// > write.
#[test]
fn a_killed_service_leaves_the_path_failing_and_the_next_start_mends_it() {
    let (fixture, file) = with_file();
    fixture.instance.kill();
    assert!(fs::read(&file).is_err(), "plaintext without a service");
    assert!(fs::write(fixture.at("new"), "plain").is_err(), "a write went somewhere");
    let status = fixture.instance.run(["status", "--json"]).exits(6).json();
    assert_eq!(status["running"], false);
    fixture.instance.start();
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
    assert!(!fixture.at("new").exists());
    fixture.instance.stop();
    assert_not_running(&fixture.instance);
}
