//! The state directory on a full disk: every command that changes the keystore, with and without a service, with so much
//! left and a little more each time, until it is enough.

use crate::bench::{Bench, CATEGORY, assert_told};
use crate::support::Instance;
use crate::support::instance::BINARY;
use crate::support::machine::new_directory;
use crate::support::process::{self, Outcome};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NOTHING: [&str; 0] = [];
const NEW_KEY: &str = "a new key for a category";

/// Makes a command fail until there is room enough for it; tells how often. Nothing that failed may have changed the
/// keystore, which opens at all times. A change of keyslots makes room itself: it removes the second copy first.
fn until_there_is_room(bench: &Bench, command: &str, run: impl Fn(&Instance) -> Outcome) -> usize {
    let instance = &bench.instance;
    let keystore = || fs::read(instance.state().join("keystore")).unwrap();
    let mut failures = 0;
    for kib in Bench::sizes(3) {
        bench.leave(kib);
        let before = keystore();
        let outcome = run(instance);
        let what = format!("{command} with {kib} KiB left");
        let opens = instance.run(["key", "test"]);
        bench.make_room();
        assert_eq!(opens.code, Some(0), "{what}: {outcome}\nthen {opens}");
        if outcome.code == Some(0) {
            assert_ne!(keystore(), before, "{what} changed nothing: {outcome}");
            break;
        }
        failures += 1;
        assert_told(&outcome, &what);
        // A new key that only one copy of the keystore would have is taken back, which is a change, too; or gone on with.
        let is_taken_back = command == NEW_KEY;
        assert!(is_taken_back || keystore() == before, "{what}: {outcome}");
        instance.run(["key", "test"]).succeeds();
    }
    failures
}

/// A tree elsewhere, with room enough for its plaintext.
struct Elsewhere(PathBuf);

impl Elsewhere {
    fn new() -> Self {
        let directory = new_directory();
        fs::write(directory.join("file"), "text").unwrap();
        Self(directory)
    }

    fn file(&self) -> PathBuf {
        self.0.join("file")
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A key of another instance, to be imported.
fn bundle(word: &str) -> PathBuf {
    let other = Instance::initialised();
    let file = other.work().join("file");
    fs::write(&file, "text").unwrap();
    other.encrypt("@other", &file);
    let path = Path::new(word).with_file_name("bundle");
    let files = ["--bundle-passphrase-file", word, "--bundle-salt-file", word];
    let line = [&["key", "export", "@other", "--to", "passphrase"][..], &files].concat();
    let mut command = other.command("ezncrypt", line);
    command.stdout(fs::File::create(&path).unwrap());
    assert!(command.status().unwrap().success());
    path
}

fn every_command(started: bool) {
    let bench = Bench::new(24);
    let elsewhere = Elsewhere::new();
    let (instance, file) = (&bench.instance, elsewhere.file());
    if started {
        instance.start();
    }
    instance.encrypt(CATEGORY, &file);
    let word = instance.secret_file("word", "word");
    let word = word.to_str().unwrap();
    let rule = format!("ALLOW {CATEGORY} * {BINARY}");
    let slot = ["--scrypt-log-n", "14", "--new-passphrase-file", word, "--new-salt-file", word];
    let add = [&["key", "add", "passphrase", "--name", "bob"][..], &slot].concat();
    let bob = ["--passphrase-file", word, "--salt-file", word];
    let change = [&["key", "change", "bob"][..], &slot].concat();
    let of_bob = ["--slot-files", "bob", word, word];
    let master = [&["key", "rotate", "--master"][..], &of_bob].concat();
    let import = bundle(word);
    let bundle_word = ["--bundle-passphrase-file", word, "--bundle-salt-file", word];
    let import = [&["key", "import", import.to_str().unwrap()][..], &bundle_word].concat();
    let path = file.to_str().unwrap();
    let tried: [(&str, &[&str]); 7] = [
        ("adding a keyslot", &add),
        ("changing a keyslot", &change),
        ("a new master key", &master),
        ("importing a key", &import),
        (NEW_KEY, &["key", "rotate", CATEGORY]),
        ("decrypting what lies elsewhere", &["-d", path]),
        ("removing a keyslot", &["key", "remove", "bob"]),
    ];
    let mut failures =
        until_there_is_room(&bench, "adding a rule", |instance| instance.access(["-a", &rule]));
    failures +=
        until_there_is_room(&bench, "deleting a rule", |instance| instance.access(["-d", "1"]));
    for (command, args) in tried {
        failures += until_there_is_room(&bench, command, |instance| instance.run(args));
    }
    assert!(failures >= 5, "the disk was hardly ever full: {failures} failures");
    let with_bob = [&bob[..], &["key", "test"]].concat();
    instance.run(with_bob).exits(3);
    assert_eq!(fs::read(&file).unwrap(), b"text");
    instance.run(["audit", "--verify"]).succeeds();
}

#[test]
fn without_a_service_every_change_of_the_keystore_is_made_or_leaves_it_as_it_was() {
    every_command(false);
}

#[test]
fn with_a_service_every_change_of_the_keystore_is_made_or_leaves_it_as_it_was() {
    every_command(true);
}

#[test]
fn a_keystore_is_backed_up_onto_a_full_disk_as_soon_as_there_is_room() {
    let bench = Bench::new(24);
    let copy = bench.disk.top().join("copy");
    // It may be made before it turns out that there is no room for a note of it.
    let args = ["key", "backup", "--force", copy.to_str().unwrap()];
    assert!(until_there_is_room(&bench, "a backup", |instance| instance.run(args)) > 0);
    assert!(copy.exists());
}

#[test]
fn an_instance_that_found_no_room_is_made_and_started_once_there_is_some() {
    let bench = Bench::new(24);
    let mut failures = [0; 2];
    for kib in Bench::sizes(3) {
        let state = bench.disk.top().join(format!("state{kib}"));
        let state = state.to_str().unwrap();
        let run = |args: &[&str]| {
            let secrets = bench.instance.command("ezncrypt", NOTHING);
            let mut command = Command::new(BINARY);
            for (name, value) in secrets.get_envs() {
                value.map(|value| command.env(name, value));
            }
            process::run(command.current_dir("/").args(["--state-dir", state]).args(args))
        };
        let init = ["init", "--scrypt-log-n", "14"];
        bench.leave(kib);
        let made = run(&init);
        bench.make_room();
        let what = format!("with {kib} KiB left: {made}");
        if made.code != Some(0) {
            failures[0] += 1;
            assert_told(&made, &what);
            run(&init).succeeds();
        }
        bench.leave(kib);
        let started = run(&["start"]);
        bench.make_room();
        if started.code != Some(0) {
            failures[1] += 1;
            assert_told(&started, &format!("start with {kib} KiB left"));
            run(&["start"]).succeeds();
        }
        run(&["stop"]).succeeds();
        fs::remove_dir_all(Path::new(state)).unwrap();
        if made.code == Some(0) && started.code == Some(0) {
            break;
        }
    }
    assert!(failures.iter().all(|count| *count > 0), "never full: {failures:?}");
}
