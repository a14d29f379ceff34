use super::support::Instance;
use super::support::process::run;
use super::{add_passphrase, bare, with_secret};
use serde_json::Value;
use std::fs;

fn listed(instance: &Instance) -> Vec<Value> {
    let list = instance.run(["key", "list", "--json"]).succeeds().json();
    list["keyslots"].as_array().unwrap().clone()
}

#[test]
fn ways_in_are_added_listed_tested_and_removed_with_and_without_the_service() {
    let instance = Instance::initialised();
    for started in [false, true] {
        if started {
            instance.start();
        }
        add_passphrase(&instance, "alice", "apple", "grain").succeeds().prints("alice");
        let slots = listed(&instance);
        assert_eq!(slots.len(), 2);
        assert_eq!((&slots[1]["kind"], &slots[1]["name"]), (&"passphrase".into(), &"alice".into()));
        assert_eq!(slots[1]["administrator"], true);
        with_secret(&instance, &["key", "test"], "apple", "grain")
            .succeeds()
            .prints("keyslot 2, passphrase (alice)");
        with_secret(&instance, &["key", "test"], "apple", "salt").exits(3);
        with_secret(&instance, &["key", "remove", "alice"], "apple", "grain").succeeds();
        with_secret(&instance, &["key", "test"], "apple", "grain").exits(3).says("hint:");
        assert_eq!(listed(&instance).len(), 1);
        instance.run(["key", "test"]).succeeds().prints("keyslot 1");
    }
    let log = fs::read_to_string(instance.state().join("log/audit.jsonl")).unwrap();
    for event in ["keyslot_added", "keyslot_removed"] {
        assert_eq!(log.matches(&format!("\"{event}\"")).count(), 2, "{event}");
    }
    assert!(!log.contains("apple"));
}

#[test]
fn every_administrator_s_secret_gives_every_right() {
    let instance = Instance::started();
    add_passphrase(&instance, "bob", "pear", "spice").succeeds();
    let file = instance.work().join("file");
    fs::write(&file, "plain").unwrap();
    instance.encrypt("@c", &file);
    let file = file.to_str().unwrap();
    with_secret(&instance, &["-d", file], "pear", "spice").succeeds();
    with_secret(&instance, &["key", "remove", "1"], "pear", "spice").succeeds();
    instance.run(["-d", file]).exits(3);
    instance.stop();
    instance.run(["start"]).exits(3);
    with_secret(&instance, &["start"], "pear", "spice").succeeds();
}

#[test]
fn the_last_administrator_s_slot_cannot_be_removed() {
    let instance = Instance::started();
    instance.run(["key", "remove", "1"]).exits(1).says("last keyslot").says("key add");
    instance.run(["key", "remove", "7"]).exits(1).says("\"7\"").says("key list");
    instance.run(["key", "remove", "nobody"]).exits(1);
    assert_eq!(listed(&instance).len(), 1);
}

#[test]
fn a_changed_passphrase_replaces_the_old_one_under_the_same_name() {
    let instance = Instance::started();
    add_passphrase(&instance, "carol", "plum", "herb").succeeds();
    let new = instance.secret_file("new", "cherry");
    let new = new.to_str().unwrap();
    let change = ["key", "change", "--scrypt-log-n", "14"];
    let files = ["--new-passphrase-file", new, "--new-salt-file", new];
    let line = [&change[..], &files[..]].concat();
    with_secret(&instance, &line, "plum", "herb").succeeds();
    with_secret(&instance, &["key", "test"], "plum", "herb").exits(3);
    with_secret(&instance, &["key", "test"], "cherry", "cherry").succeeds().prints("(carol)");
    instance.run(["key", "test"]).succeeds();
}

#[test]
fn a_recovery_code_is_shown_once_and_opens_everything_however_it_is_typed() {
    let instance = Instance::started();
    let added = instance.run(["key", "add", "recovery", "--name", "safe"]).succeeds();
    let code = added.stdout.trim().to_owned();
    assert_eq!((code.len(), code.split('-').count()), (47, 8), "{code}");
    assert!(!added.stderr.contains(&code));
    let sloppy = instance.secret_file("code", &code.to_lowercase().replace('-', " "));
    let sloppy = sloppy.to_str().unwrap();
    let test = ["key", "test", "--recovery-code-file", sloppy];
    run(&mut bare(&instance, test)).succeeds().prints("recovery (safe)");
    let remove = ["key", "remove", "1", "--recovery-code-file", sloppy];
    run(&mut bare(&instance, remove)).succeeds();
    let wrong = code.replacen(&code[..1], if &code[..1] == "0" { "1" } else { "0" }, 1);
    let wrong = instance.secret_file("wrong", &wrong);
    let test = ["key", "test", "--recovery-code-file", wrong.to_str().unwrap()];
    run(&mut bare(&instance, test)).exits(3).says("group 1 is mistyped");
    let text = fs::read(instance.state().join("keystore")).unwrap();
    assert!(!String::from_utf8_lossy(&text).contains(&code));
}

#[test]
fn a_command_can_show_the_secret() {
    let instance = Instance::started();
    let script = instance.work().join("secret");
    fs::write(&script, "#!/bin/sh\nprintf 'correct horse\\nbattery staple\\n'\n").unwrap();
    std::process::Command::new("chmod").arg("700").arg(&script).status().unwrap();
    let test =
        |line: &str| run(&mut bare(&instance, ["key", "test", "--credential-command", line]));
    test(script.to_str().unwrap()).succeeds();
    test("secret").exits(2).says("absolute");
    test("/bin/false").exits(9).says("/bin/false failed");
    test("/bin/echo 'one line'").exits(1).says("two lines");
    test("'unclosed").exits(2);
}

#[test]
fn secrets_that_contradict_each_other_are_refused_and_an_option_goes_before_the_environment() {
    let instance = Instance::started();
    let file = instance.secret_file("a", "x");
    let file = file.to_str().unwrap();
    let both = ["key", "test", "--recovery-code-file", file, "--passphrase-file", file];
    run(&mut bare(&instance, both)).exits(2).says("different secrets");
    instance.run(["key", "test", "--recovery-code-file", file]).exits(3).says("8 groups");
}

#[test]
fn without_a_terminal_and_without_files_nothing_is_asked_for_ever() {
    let instance = Instance::started();
    let mut command = bare(&instance, ["key", "remove", "1"]);
    run(std::os::unix::process::CommandExt::process_group(&mut command, 0)).exits(2);
}

#[test]
fn keyslots_are_named_sensibly() {
    let instance = Instance::started();
    add_passphrase(&instance, "7", "a", "b").exits(2);
    add_passphrase(&instance, "a/b", "a", "b").exits(2);
    add_passphrase(&instance, "dave", "a", "b").succeeds();
    add_passphrase(&instance, "dave", "c", "d").exits(1).says("\"dave\"");
    assert_eq!(listed(&instance).len(), 2);
}
