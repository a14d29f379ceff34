//! Permissive mode: what it lets through, what it says, and that it ends.

use super::support::process::run;
use super::{cat, logged, with_file};
use std::time::{Duration, Instant};

#[test]
fn permissive_mode_lets_through_and_logs_what_the_rules_would_deny() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    cat(&file).denied();
    assert_eq!(instance.access(["--mode"]).succeeds().stdout, "enforcing\n");
    instance.access(["--mode", "permissive", "--for", "10m"]).succeeds().says("permissive");
    assert_eq!(cat(&file).succeeds().stdout, "plaintext");
    let status = instance.run(["status", "--json"]).succeeds().json();
    assert_eq!(status["mode"], "permissive");
    let left = status["mode_seconds_left"].as_u64().unwrap();
    assert!((500..=600).contains(&left), "{left}");
    assert!(instance.run(["status"]).succeeds().stdout.contains("permissive, for another"));
    assert!(instance.access(["--mode"]).succeeds().stdout.starts_with("permissive"));

    let (denied, let_through) = (logged(&fixture, "denied"), logged(&fixture, "would_deny"));
    assert!(!denied.is_empty() && !let_through.is_empty());
    for key in ["who", "access", "category", "path", "reason", "mend"] {
        assert!(!denied[0][key].is_null() && !let_through[0][key].is_null(), "no {key}");
    }
    assert_eq!(let_through[0]["path"], file.to_str().unwrap());

    instance.access(["--mode", "enforcing"]).succeeds();
    cat(&file).denied();
    let modes: Vec<_> = logged(&fixture, "mode").iter().map(|line| line["mode"].clone()).collect();
    assert_eq!(modes, ["permissive", "enforcing"]);
}

#[test]
fn permissive_mode_ends_by_itself_and_says_so() {
    let (fixture, file) = with_file();
    fixture.instance.access(["--mode", "permissive", "--for", "2s"]).succeeds();
    cat(&file).succeeds();
    let deadline = Instant::now() + Duration::from_secs(60);
    while logged(&fixture, "mode").len() < 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    let modes = logged(&fixture, "mode");
    assert_eq!((&modes[1]["mode"], modes.len()), (&"enforcing".into(), 2));
    cat(&file).denied();
    let status = fixture.instance.run(["status", "--json"]).succeeds().json();
    assert_eq!((&status["mode"], &status["mode_seconds_left"]), (&"enforcing".into(), &().into()));
}

#[test]
fn a_new_service_enforces_whatever_the_old_one_did() {
    let (fixture, file) = with_file();
    fixture.instance.access(["--mode", "permissive"]).succeeds();
    fixture.instance.stop();
    let modes = logged(&fixture, "mode");
    assert_eq!((&modes[1]["mode"], modes.len()), (&"enforcing".into(), 2));
    fixture.instance.access(["--mode", "permissive"]).exits(6).says("no service runs");
    fixture.instance.start();
    cat(&file).denied();
    // Nor does one that died.
    fixture.instance.access(["--mode", "permissive"]).succeeds();
    fixture.instance.kill();
    fixture.instance.start();
    cat(&file).denied();
}

#[test]
fn the_mode_needs_the_secret_and_a_time_within_a_day() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    let wrong = instance.secret_file("wrong", "wrong\n");
    let mut command = instance.command("ezncrypt-access-control", ["--mode", "permissive"]);
    run(command.env("EZNCRYPT_PASSPHRASE_FILE", wrong)).exits(3);
    for time in ["0s", "25h", "1", ""] {
        instance.access(["--mode", "permissive", "--for", time]).exits(2);
    }
    instance.access(["--mode", "enforcing", "--for", "1h"]).exits(2);
    instance.access(["--mode", "--for", "1h"]).exits(2);
    instance.access(["--mode", "other"]).exits(2);
    cat(&file).denied();
}
