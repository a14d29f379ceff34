//! What opens the keystore: keyslots of every kind with the keys that `openssl` and `ssh-keygen` make, and
//! every wrong secret. Runs as root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "keys/master.rs"]
mod master;
#[path = "keys/oaep.rs"]
mod oaep;
#[path = "keys/rsa.rs"]
mod rsa;
#[path = "keys/slots.rs"]
mod slots;
mod support;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use support::Instance;
use support::process::{Outcome, run};

/// A command of the instance without any secret at hand.
fn bare<S: AsRef<OsStr>>(instance: &Instance, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = instance.command("ezncrypt", args);
    command.env_remove("EZNCRYPT_PASSPHRASE_FILE").env_remove("EZNCRYPT_SALT_FILE");
    command.stdin(std::process::Stdio::null());
    command
}

/// Runs `ezncrypt ARGS --passphrase-file A --salt-file B` with a passphrase and salt of its own.
#[track_caller]
fn with_secret(instance: &Instance, args: &[&str], passphrase: &str, salt: &str) -> Outcome {
    let (passphrase, salt) = secret_files(instance, passphrase, salt);
    let files = ["--passphrase-file", passphrase.to_str().unwrap()];
    let files = [files, ["--salt-file", salt.to_str().unwrap()]].concat();
    run(&mut bare(instance, args.iter().copied().chain(files)))
}

fn secret_files(instance: &Instance, passphrase: &str, salt: &str) -> (PathBuf, PathBuf) {
    // Command lines are in the audit log: the names of the files must not tell what is in them.
    let name = |word: &str, text: &str| {
        let sum =
            text.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        format!("{word}-{sum:x}")
    };
    (
        instance.secret_file(&name("passphrase", passphrase), passphrase),
        instance.secret_file(&name("salt", salt), salt),
    )
}

/// `key add passphrase` of a cheap slot.
#[track_caller]
fn add_passphrase(instance: &Instance, name: &str, passphrase: &str, salt: &str) -> Outcome {
    let (passphrase, salt) = secret_files(instance, passphrase, salt);
    instance.run([
        "key",
        "add",
        "passphrase",
        "--name",
        name,
        "--scrypt-log-n",
        "14",
        "--new-passphrase-file",
        passphrase.to_str().unwrap(),
        "--new-salt-file",
        salt.to_str().unwrap(),
    ])
}
