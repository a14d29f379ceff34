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
    let master = &["key", "rotate", "--master"][..];
    let both = [master, &files_of("bob", &wrong), &["--drop", "bob"]].concat();
    instance.run(&both).exits(2).says("--slot-files").says("--drop");
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
    let new = told.lines().next().unwrap();
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

/// A command that removes the keyslot `one`, as somebody else does meanwhile.
fn removing(instance: &Instance) -> String {
    let remove = instance.command("ezncrypt", ["key", "remove", "one"]);
    let (passphrase, salt) = secret_files(instance, "correct horse", "battery staple");
    let words = [remove.get_program()].into_iter().chain(remove.get_args());
    let words: Vec<&str> = words.map(|word| word.to_str().unwrap()).collect();
    format!(
        "{} --passphrase-file {} --salt-file {} >/dev/null",
        words.join(" "),
        passphrase.display(),
        salt.display()
    )
}

fn script(instance: &Instance, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = instance.work().join("script");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn names(instance: &Instance) -> Vec<String> {
    let listed = instance.run(["key", "list", "--json"]).succeeds().json();
    let slots = listed["keyslots"].as_array().unwrap().clone();
    slots.iter().map(|slot| slot["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_named_keyslot_is_dropped_though_another_is_removed_meanwhile() {
    let instance = Instance::started();
    let removal = removing(&instance);
    // The source is asked between the look at the keyslots and the request.
    let source = script(&instance, &format!("{removal}; echo 0123456789abcdef0123"));
    let secret = instance.secret_file("boot", "0123456789abcdef0123");
    let configuration = instance.state().join("ezncrypt.toml");
    fs::write(&configuration, format!("[unattended]\nfile = \"{}\"\n", secret.display())).unwrap();
    instance.run(["key", "add", "unattended", "--name", "boot"]).succeeds();
    for (name, public) in [("one", "pkcs8.pub"), ("alice", "pkcs1.pub"), ("bob", "enc.pub")] {
        instance.run(["key", "add", "rsa", &super::rsa::key(public), "--name", name]).succeeds();
    }
    fs::write(&configuration, format!("[unattended]\ncommand = [\"{source}\"]\n")).unwrap();
    instance.run(["key", "rotate", "--master", "--drop", "alice"]).succeeds();
    assert_eq!(names(&instance), ["", "boot", "bob"]);
}

#[test]
fn a_number_means_the_keyslot_that_had_it_when_the_command_began() {
    for line in [&["key", "remove", "3"][..], &["key", "change", "3", "--scrypt-log-n", "14"]] {
        let instance = Instance::started();
        for (name, passphrase) in [("one", "a"), ("alice", "b"), ("bob", "c")] {
            add_passphrase(&instance, name, passphrase, "s").succeeds();
        }
        let removal = removing(&instance);
        let asked = format!("{removal}; printf 'correct horse\\nbattery staple\\n'");
        let new = secret_files(&instance, "new", "new");
        let files = [
            "--new-passphrase-file",
            new.0.to_str().unwrap(),
            "--new-salt-file",
            new.1.to_str().unwrap(),
        ];
        let is_change = line[1] == "change";
        let line = [line, if is_change { &files[..] } else { &[] }].concat();
        let mut command = bare(&instance, line);
        run(command.args(["--credential-command", &script(&instance, &asked)])).succeeds();
        with_secret(&instance, &["key", "test"], "c", "s").succeeds().prints("(bob)");
        with_secret(&instance, &["key", "test"], "b", "s").exits(3);
        if is_change {
            with_secret(&instance, &["key", "test"], "new", "new").succeeds().prints("(alice)");
        }
    }
}

#[test]
fn a_keyslot_that_was_removed_meanwhile_is_not_mistaken_for_another() {
    let instance = Instance::started();
    for (name, passphrase) in [("one", "a"), ("alice", "b")] {
        add_passphrase(&instance, name, passphrase, "s").succeeds();
    }
    let asked = format!("{}; printf 'correct horse\\nbattery staple\\n'", removing(&instance));
    let mut command = bare(&instance, ["key", "remove", "2"]);
    command.args(["--credential-command", &script(&instance, &asked)]);
    run(&mut command).exits(5).says("meanwhile").says("key list");
    assert_eq!(names(&instance), ["", "alice"]);
}

#[test]
fn a_recovery_code_is_printed_when_it_is_stored_and_not_before() {
    let instance = Instance::initialised();
    let lock = fs::File::open(instance.state().join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let busy = instance.run(["key", "add", "recovery"]).exits(5);
    assert_eq!(busy.stdout, "");
    drop(lock);
    instance.run(["key", "add", "recovery"]).succeeds().says("in force");
}

#[test]
fn a_recovery_code_that_cannot_be_shown_is_not_put_in_force() {
    for started in [false, true] {
        let instance = Instance::initialised();
        if started {
            instance.start();
        }
        let slots = || {
            let known = instance.run(["key", "list", "--json"]).succeeds().json();
            known["keyslots"].as_array().unwrap().len()
        };
        let full = || fs::File::options().write(true).open("/dev/full").unwrap();
        let unread = || std::io::pipe().unwrap().1;
        for (output, exit) in [(std::process::Stdio::from(full()), 8), (unread().into(), 1)] {
            let mut add = instance.command("ezncrypt", ["key", "add", "recovery"]);
            assert_eq!(add.stdout(output).status().unwrap().code(), Some(exit));
            assert_eq!(slots(), 1);
        }
        instance.run(["key", "add", "recovery"]).succeeds().says("in force");
        let code = instance.run(["key", "change", "2"]).succeeds().says("in force").stdout;
        let code = instance.secret_file("code", code.trim());
        let code = ["--recovery-code-file", code.to_str().unwrap()];
        let works = || drop(run(bare(&instance, ["key", "test"]).args(code)).succeeds());
        // Another administrator is there for the rotation, which gives the slot that is not shown a new code.
        for (output, exit) in [(std::process::Stdio::from(full()), 8), (unread().into(), 1)] {
            let mut rotate = instance.command("ezncrypt", ["key", "rotate", "--master"]);
            assert_eq!(rotate.stdout(output).status().unwrap().code(), Some(exit));
            works();
        }
        run(bare(&instance, ["key", "remove", "1"]).args(code)).succeeds();
        for (output, exit) in [(std::process::Stdio::from(full()), 8), (unread().into(), 1)] {
            let mut change = bare(&instance, ["key", "change"]);
            assert_eq!(change.args(code).stdout(output).status().unwrap().code(), Some(exit));
            works();
        }
    }
}
