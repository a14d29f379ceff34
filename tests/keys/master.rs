use super::support::Instance;
use super::support::process::run;
use super::{add_passphrase, bare, secret_files, with_secret};
use std::fs;
use std::path::Path;

fn files_of<'a>(
    slot: &'a str,
    files: &'a (std::path::PathBuf, std::path::PathBuf),
) -> [&'a str; 4] {
    ["--slot-files", slot, files.0.to_str().unwrap(), files.1.to_str().unwrap()]
}

fn sequence(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

#[test]
fn the_master_key_is_changed_with_and_without_the_service_and_the_log_verifies_across_it() {
    let instance = Instance::initialised();
    let file = instance.work().join("file");
    fs::write(&file, "plain").unwrap();
    let keystore = instance.state().join("keystore");
    add_passphrase(&instance, "bob", "pear", "spice").succeeds();
    add_passphrase(&instance, "eve", "plum", "sugar").succeeds();
    let (bob, old) = (secret_files(&instance, "pear", "spice"), sequence(&keystore));
    let rotate =
        [&["key", "rotate", "--master", "--drop", "eve"][..], &files_of("bob", &bob)].concat();
    instance.run(&rotate).succeeds().prints("bob").says("key rotate @CATEGORY");
    with_secret(&instance, &["key", "test"], "plum", "sugar").exits(3);
    with_secret(&instance, &["key", "test"], "pear", "spice").succeeds();
    instance.start();
    instance.encrypt("@c", &file);
    let rotate = [&["key", "rotate", "--master"][..], &files_of("2", &bob)].concat();
    instance.run(&rotate).succeeds();
    assert_eq!(fs::read(keystore.with_extension("backup")).unwrap(), sequence(&keystore));
    // The service goes on, and what asks for the secret too.
    instance.run(["audit", "--verify"]).succeeds();
    with_secret(&instance, &["-d", file.to_str().unwrap()], "pear", "spice").succeeds();
    assert_eq!(fs::read(&file).unwrap(), b"plain");
    instance.stop();
    instance.run(["audit", "--verify"]).succeeds();
    instance.run(["start"]).succeeds();
    instance.run(["audit", "--verify"]).succeeds();
    let log = fs::read_to_string(instance.state().join("log/audit.jsonl")).unwrap();
    assert_eq!(log.matches("\"master_rotated\"").count(), 2);
    // An old copy opens for a dropped secret as what it was; beside the new keystore it does not.
    instance.stop();
    fs::write(keystore.with_extension("backup"), &old).unwrap();
    with_secret(&instance, &["key", "test"], "plum", "sugar").exits(3);
    instance.run(["key", "test"]).succeeds();
}

#[test]
fn a_slot_whose_secret_is_missing_or_wrong_stops_the_rotation_before_anything_changes() {
    let instance = Instance::started();
    add_passphrase(&instance, "bob", "pear", "spice").succeeds();
    let keystore = instance.state().join("keystore");
    let before = sequence(&keystore);
    let wrong = secret_files(&instance, "pear", "salt");
    run(instance
        .command("ezncrypt", ["key", "rotate", "--master"])
        .stdin(std::process::Stdio::null()))
    .exits(2)
    .says("keyslot 2")
    .says("--slot-files")
    .says("--drop");
    let rotate = [&["key", "rotate", "--master"][..], &files_of("bob", &wrong)].concat();
    instance.run(&rotate).exits(3).says("keyslot 2");
    let rotate = [&["key", "rotate", "--master"][..], &files_of("eve", &wrong)].concat();
    instance.run(&rotate).exits(1).says("\"eve\"");
    instance.run(["key", "rotate"]).exits(2).says("@CATEGORY");
    let all = ["key", "rotate", "--master", "--drop", "1", "--drop", "2"];
    instance.run(all).exits(1).says("last keyslot");
    with_secret(&instance, &["key", "rotate", "--master"], "no", "no").exits(3);
    assert_eq!(sequence(&keystore), before);
}

#[test]
fn a_recovery_code_is_replaced_and_a_source_is_asked_for_the_unattended_secret() {
    let instance = Instance::initialised();
    let secret = instance.secret_file("boot", "0123456789abcdef0123");
    let configuration = format!("[unattended]\nfile = \"{}\"\n", secret.display());
    fs::write(instance.state().join("ezncrypt.toml"), configuration).unwrap();
    let old = instance.run(["key", "add", "recovery"]).succeeds().stdout;
    instance.run(["key", "add", "unattended"]).succeeds();
    let told = instance.run(["key", "rotate", "--master"]).succeeds().stdout;
    let new = told.lines().last().unwrap();
    assert!(old.lines().last().unwrap() != new);
    for (name, code, exit) in [("old", old.lines().last().unwrap(), 3), ("new", new, 0)] {
        let file = instance.secret_file(name, code);
        let test = ["key", "test", "--recovery-code-file", file.to_str().unwrap()];
        run(&mut bare(&instance, test)).exits(exit);
    }
    run(&mut bare(&instance, ["key", "test", "--unattended"])).succeeds();
    // A source that has another secret than the slot, or none.
    fs::write(&secret, "another secret of 20 bytes").unwrap();
    instance.run(["key", "rotate", "--master"]).exits(3).says("keyslot 3").says("--drop");
    fs::remove_file(&secret).unwrap();
    let refused = instance.run(["key", "rotate", "--master"]);
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(refused.stderr.contains("--drop 3"), "{refused}");
    instance.run(["key", "rotate", "--master", "--drop", "3"]).succeeds();
}
