//! Crashes, a full disk, rotation.

use super::support::Instance;
use super::support::machine::{detach, program};
use super::support::process::{Running, run, until};
use super::{deny, lines, log_of, logged, sound, with_file};
use ezncrypt::keystore::{Sealed, Secret};
use ezncrypt::service::audit::{Log, ROTATE_AT, SEAL_AFTER, Sealer, Settings};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

#[test]
fn after_a_crash_the_chain_goes_on_and_what_was_torn_is_told() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    deny(&file);
    instance.kill();
    let path = log_of(instance);
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.clone() + "{\"seq\":99,\"time\":\"20").unwrap();
    instance.start();
    deny(&file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&whole), "what was there was changed");
    let start = &logged(instance, "start")[1];
    let before = whole.lines().count() as u64;
    assert_eq!((&start["seq"], &start["torn_before"]), (&(before + 1).into(), &true.into()));
    assert!(start["unsealed_before"].as_u64().unwrap() > 0, "{start}");
    let told = sound(instance);
    assert!(told.stdout.contains("1 line(s) torn by a crash"), "{told}");
    instance.stop();
    let told = sound(instance);
    assert!(told.stdout.contains("torn by a crash"), "{told}");
}

/// A small filesystem over the directory of the log.
struct SmallLog(PathBuf);

impl SmallLog {
    fn over(instance: &Instance) -> Self {
        let at = instance.state().join("log");
        let mut mount = Command::new(program("mount"));
        run(mount.args(["-t", "tmpfs", "-o", "size=128k", "log"]).arg(&at)).succeeds();
        Self(at)
    }
}

impl Drop for SmallLog {
    fn drop(&mut self) {
        detach(&self.0);
    }
}

#[test]
fn with_a_full_disk_the_service_goes_on_denying_and_the_loss_is_told_later() {
    let instance = Instance::initialised();
    let _small = SmallLog::over(&instance);
    instance.start();
    let file = instance.work().join("file");
    fs::write(&file, "text").unwrap();
    instance.encrypt("@test", &file);
    let filler = instance.state().join("log/filler");
    let _ = fs::write(&filler, vec![1; 1 << 20]);
    (0..40).for_each(|_| deny(&file));
    let mut full = fs::read_to_string(log_of(&instance)).unwrap();
    let before = logged(&instance, "denied").len();
    assert!(before < 40, "the disk was never full");
    assert!(full.ends_with("\"}\n"), "a part of a line stayed");
    // Rules can be changed although that is not logged, and what is allowed stays allowed.
    instance.allow_this_test("@test");
    assert_eq!(fs::read(&file).unwrap(), b"text");
    deny(&file);
    full = fs::read_to_string(log_of(&instance)).unwrap();
    fs::remove_file(&filler).unwrap();
    deny(&file);
    let text = fs::read_to_string(log_of(&instance)).unwrap();
    assert!(text.starts_with(&full));
    let told = &lines(&instance)[full.lines().count()];
    let lost = told["lines_lost_before"].as_u64().unwrap();
    assert!(lost >= 40 - before as u64, "{lost} of {before}");
    let verified = sound(&instance);
    assert!(verified.stdout.contains("could not be written"), "{verified}");
    instance.stop();
    sound(&instance);
}

/// Fills the log of an instance without a service until the next few lines have it rotated.
fn fill(instance: &Instance) {
    let sealed = Sealed::load(&instance.state().join("keystore")).unwrap();
    let keystore = sealed.unlock(&Secret::passphrase(b"correct horse", b"battery staple")).unwrap();
    let path = log_of(instance);
    let log = Log::open(Settings {
        path: path.clone(),
        syslog: "/nowhere".into(),
        sealer: Sealer::new(keystore.audit_key().unwrap(), keystore.id()),
        kept: None,
        rotate_at: 2 * ROTATE_AT,
        seal_after: SEAL_AFTER,
    });
    let long = "x".repeat(7_000);
    while fs::metadata(&path).map_or(0, |metadata| metadata.len()) < ROTATE_AT - 20_000 {
        log.write("filling", json!({ "with": long }));
    }
    let short = "x".repeat(200);
    while fs::metadata(&path).unwrap().len() < ROTATE_AT - 2_000 {
        log.write("filling", json!({ "with": short }));
    }
    log.finish();
}

#[test]
fn a_log_that_is_rotated_is_one_chain_and_is_followed() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    instance.stop();
    fill(instance);
    instance.start();
    let args = ["audit", "--follow", "--json", "--since", "1s"];
    let mut follow = Running::spawn(&mut instance.command("ezncrypt", args));
    let former = instance.state().join("log/audit.jsonl.1");
    until("it is rotated", Duration::from_secs(60), || {
        deny(&file);
        former.exists()
    });
    deny(&file);
    let first = &lines(instance)[0];
    assert_eq!((&first["event"], &first["dropped_through"]), (&"rotated".into(), &0.into()));
    let newest = lines(instance).pop().unwrap().to_string();
    let sequence = &newest[newest.find("\"seq\"").unwrap()..];
    until("the newest line is shown", Duration::from_secs(20), || {
        follow.so_far().stdout.contains(sequence.split(',').next().unwrap())
    });
    let shown = follow.so_far().stdout;
    let numbers: Vec<u64> = shown
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap()
        })
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    assert!(shown.contains("\"event\":\"rotated\""));
    assert!(sound(instance).stdout.contains("in 2 file(s)"));
    instance.stop();
    sound(instance);
    fs::remove_file(&former).unwrap();
    super::alarm(instance, "cut at its front");
}
