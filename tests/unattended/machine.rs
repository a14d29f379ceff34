//! An instance that nobody starts by hand.

use crate::support::Instance;
use crate::support::process::{Outcome, run};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The secret that the sources here tell.
pub const SECRET: &str = "a secret of the machine";

/// A command of the instance without its administrator's secret, in a session without a terminal.
pub fn unattended(instance: &Instance, arguments: &[&str]) -> Command {
    let inner = instance.command("ezncrypt", arguments);
    let mut command = Command::new("/usr/bin/setsid");
    command.arg("--wait").arg(inner.get_program()).args(inner.get_args()).current_dir("/");
    command.env_remove("EZNCRYPT_STATE_DIR").env_remove("CREDENTIALS_DIRECTORY");
    command.env_remove("EZNCRYPT_PASSPHRASE_FILE").env_remove("EZNCRYPT_SALT_FILE");
    command
}

/// Starts the service with nobody there.
#[track_caller]
pub fn start(instance: &Instance) -> Outcome {
    run(&mut unattended(instance, &["start"]))
}

/// Writes the section `[unattended]`.
pub fn configure(instance: &Instance, section: &str) -> PathBuf {
    let path = instance.state().join("ezncrypt.toml");
    fs::write(&path, format!("[unattended]\n{section}\n")).unwrap();
    path
}

/// An instance with an unattended keyslot for `secret`, and its service not running.
#[track_caller]
pub fn with_slot(secret: &str) -> Instance {
    let instance = Instance::initialised();
    let file = instance.secret_file("unattended", secret);
    configure(&instance, &format!("file = '{}'", file.display()));
    instance.run(["key", "add", "unattended", "--scrypt-log-n", "14"]).succeeds();
    instance
}

/// Starts, sees that it serves, and stops.
#[track_caller]
pub fn comes_up(instance: &Instance) {
    start(instance).succeeds();
    let status = instance.run(["status", "--json"]).succeeds().json();
    assert_eq!(status["running"], true, "{status}");
    let log = fs::read_to_string(instance.state().join("log/audit.jsonl")).unwrap();
    let start = log.lines().rev().find(|line| line.contains("\"start\"")).unwrap();
    assert!(start.contains("unattended"), "{start}");
    assert!(!log.contains(SECRET));
    instance.stop();
}
