//! What the names in a rule mean is found out when it is added, and what cannot be bound is refused.

use super::support::Instance;
use super::{add, executable, listed};
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

fn append(path: &Path) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(b"\n").unwrap();
}

#[test]
fn users_and_groups_that_are_not_there_are_named() {
    let instance = Instance::started();
    for (parameter, message) in [
        ("--user=root,no-such-user", "there is no user \"no-such-user\""),
        ("--group=no-such-group", "there is no group \"no-such-group\""),
        ("--user=4294967295", "too large"),
        ("--root=/no/such/directory", "\"/no/such/directory\" is no directory"),
        ("--root=/etc/passwd", "is no directory"),
        ("--script=/no/such/script", "\"/no/such/script\" does not exist"),
        ("--libraries=/no/such.so", "\"/no/such.so\" does not exist"),
    ] {
        let rule = format!("ALLOW @t * /bin/sh {parameter}");
        add(&instance, &rule).exits(2).says(message).says("ezncrypt");
    }
    assert_eq!(listed(&instance).len(), 0);
    // Also where no service runs.
    instance.stop();
    add(&instance, "ALLOW @t * /bin/sh --user=no-such-user").exits(2).says("there is no user");
    add(&instance, "ALLOW @t * /bin/sh --user=root,4242 --group=root").succeeds();
}

#[test]
fn a_script_must_be_run_by_the_process_and_be_roots_alone() {
    let instance = Instance::started();
    let work = instance.work();
    let script = work.join("s");
    let rule = |process: &str| format!("ALLOW @t * {process} --script={}", script.display());
    for (text, process, message) in [
        ("#!/usr/bin/env sh\n", "/bin/sh", "the search path of whoever runs it"),
        ("#!/usr/bin/env sh\n", "/bin/sh", "#!/usr/bin/dash"),
        ("#!/bin/sh\n", "/bin/true", "is run by \"/bin/sh\" and not by \"/bin/true\""),
        ("#!/bin/sh\n", "/bin/true", "ALLOW @t * /bin/sh --script="),
        ("no line\n", "/bin/true", "does not begin with #!"),
    ] {
        executable(&script, text);
        add(&instance, &rule(process)).exits(2).says(message);
    }
    executable(&script, "#!/bin/sh\n");
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(&script, 0o775);
    add(&instance, &rule("/bin/sh")).exits(2).says("can be written by others than root");
    mode(&script, 0o755);
    chown(&script, Some(65534), None).unwrap();
    add(&instance, &rule("/bin/sh")).exits(2).says("is not owned by root").says("encrypt it");
    chown(&script, Some(0), None).unwrap();
    mode(&work, 0o777);
    add(&instance, &rule("/bin/sh")).exits(2).says("can be written by others than root");
    mode(&work, 0o755);
    add(&instance, &rule("/usr/bin/sh")).succeeds();

    let note =
        format!("note: its #! line calls it /bin/sh: run it as /bin/dash {}", script.display());
    add(&instance, &rule("/bin/dash")).succeeds().says(note);

    // An interpreter can be given a script that names another one, or none.
    executable(&script, "#!/bin/sh -e\n");
    add(&instance, &rule("/bin/bash"))
        .succeeds()
        .says("note: its #! line names /bin/sh: run it as");
    executable(&script, "echo\n");
    add(&instance, &format!("{} --jit", rule("/bin/bash"))).succeeds().says("has no #! line");
}

#[test]
fn an_encrypted_script_may_be_anybodys() {
    let instance = Instance::started();
    let script = executable(&instance.work().join("s"), "#!/bin/bash\n");
    chown(&script, Some(65534), None).unwrap();
    let rule = format!("ALLOW @t * /bin/bash --script={}", script.display());
    add(&instance, &rule).exits(2).says("is not owned by root");
    instance.encrypt("@t", &script);
    add(&instance, &rule).succeeds();
    assert_eq!(listed(&instance)[0]["tainted"], false);
    // And as PROCESS it is known for what it is there too.
    let process = format!("ALLOW @t * {}", script.display());
    add(&instance, &process).exits(2).says("is a script").says("ALLOW @t * /bin/bash --script=");
}

#[test]
fn a_script_as_process_is_refused_with_the_rule_that_is_meant() {
    let instance = Instance::started();
    let script = executable(&instance.work().join("s"), "#!/usr/bin/env bash\n");
    let rule = format!("ALLOW @t * {} --user=root", script.display());
    let meant = format!("ALLOW @t * /usr/bin/bash --user=root --script={}", script.display());
    add(&instance, &rule).exits(2).says("is a script").says(meant).says("#!/usr/bin/bash");
}

#[test]
fn a_script_and_a_library_that_changed_taint_the_rule() {
    let instance = Instance::started();
    let work = instance.work();
    let script = executable(&work.join("s"), "#!/bin/bash\n");
    let library = executable(&work.join("plugin.so.1"), "library");
    symlink("plugin.so.1", work.join("plugin.so")).unwrap();
    add(&instance, &format!("ALLOW @t * /bin/bash --script={}", script.display())).succeeds();
    let named = work.join("plugin.so");
    add(&instance, &format!("ALLOW @t * /bin/cat --libraries={}", named.display())).succeeds();
    add(&instance, "ALLOW @t * /bin/cat").succeeds();
    let tainted = || -> Vec<_> {
        listed(&instance).iter().map(|row| row["tainted"].as_bool().unwrap()).collect()
    };
    assert_eq!(tainted(), [false, false, false]);
    append(&script);
    append(&library);
    assert_eq!(tainted(), [true, true, false]);
    let table = instance.access(["-l"]).succeeds().stdout;
    let marks: Vec<_> = table.lines().skip(1).map(|line| line.contains('!')).collect();
    assert_eq!(marks, [true, true, false], "{table}");

    let shown = instance.access(["-u"]).succeeds().says("2 rules have new fingerprints");
    assert!(shown.stdout.contains(&format!("script {}", script.display())), "{shown}");
    assert!(shown.stdout.contains(&format!("library {}", library.display())), "{shown}");
    assert_eq!(tainted(), [false, false, false]);
    let renewed: Vec<_> = renewals(&instance).iter().map(|line| changed(&line["files"])).collect();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    assert_eq!(renewed, [[("script".into(), path(&script))], [("library".into(), path(&library))]]);
    fs::set_permissions(&library, Permissions::from_mode(0o777)).unwrap();
    append(&library);
    instance.access(["-u"]).exits(2).says("can be written by others than root");
}

/// The lines of the log about new fingerprints.
fn renewals(instance: &Instance) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(instance.state().join("log/audit.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &serde_json::Value| line["event"] == "rule_renewed").collect()
}

/// The files of such a line, each of which changed.
fn changed(files: &serde_json::Value) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let row = |file: &serde_json::Value| {
        assert_ne!(text(&file["old"]), text(&file["new"]));
        (text(&file["role"]), text(&file["path"]))
    };
    files.as_array().unwrap().iter().map(row).collect()
}

#[test]
fn libraries_are_for_programs_that_are_not_encrypted() {
    let instance = Instance::started();
    let copy = instance.work().join("cat");
    fs::copy("/bin/cat", &copy).unwrap();
    instance.encrypt("@t", &copy);
    let rule = format!("ALLOW @t * {} --libraries", copy.display());
    add(&instance, &rule).exits(2).says("is encrypted").says("leave --libraries out");
    let own = instance.work().join("own");
    fs::copy("/bin/cat", &own).unwrap();
    chown(&own, Some(65534), None).unwrap();
    let rule = format!("ALLOW @t * {} --libraries", own.display());
    add(&instance, &rule).exits(2).says("is not owned by root");
    let text = executable(&instance.work().join("text"), "no program");
    let rule = format!("ALLOW @t * {} --libraries", text.display());
    add(&instance, &rule).exits(2).says("it is no ELF program");
}
