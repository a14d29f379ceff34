//! The rule language from the command line down to the keystore: parameters, errors that point at
//! them, what is bound, what is warned of, and what `-u` shows and takes. Runs as root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "rules/binding.rs"]
mod binding;
mod support;
#[path = "rules/upgrade.rs"]
mod upgrade;

use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use support::Instance;
use support::process::{Outcome, run};

/// Adds a rule.
#[track_caller]
fn add(instance: &Instance, rule: &str) -> Outcome {
    instance.access(["-a", rule])
}

/// The rules as programs get them.
#[track_caller]
fn listed(instance: &Instance) -> Vec<Value> {
    instance.access(["-l", "--json"]).succeeds().json().as_array().unwrap().clone()
}

/// Writes a file that anybody may run.
fn executable(path: &Path, text: impl AsRef<[u8]>) -> PathBuf {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    path.to_owned()
}

#[test]
fn every_parameter_is_kept_listed_and_found_again_by_the_rules_text() {
    let instance = Instance::started();
    let script = executable(&instance.work().join("back up.sh"), "#!/bin/sh\n:\n");
    let rule = format!(
        "allow @t * /bin/sh –namespaces=pid --root=/ --libraries --jit --access=write,read \
         --unit=cron --children --script='{}' --env=BACKUP_* –args=“–x  \\* ‘a b’ ...” --group=7 \
         –user=root,4242",
        script.display(),
    );
    add(&instance, &rule).succeeds();
    let rows = listed(&instance);
    let shown = script.to_str().unwrap().replace(' ', "\\ ");
    let parameters = format!(
        "--user=root,4242 --group=7 --args='-x \\* a\\ b ...' --env=BACKUP_* --children \
         --script={shown} --unit=cron.service --access=read,write --jit --libraries --root=/ \
         --namespaces=pid"
    );
    assert_eq!(rows[0]["parameters"], parameters);
    assert_eq!(rows[0]["tainted"], false);
    let table = instance.access(["-l"]).succeeds().stdout;
    assert!(table.contains("/usr/bin/dash --user=root,4242 --group=7"), "{table}");

    add(&instance, &rule).succeeds();
    assert_eq!(listed(&instance).len(), 1, "said twice, it is one rule");
    instance.stop();
    instance.start();
    assert_eq!(listed(&instance)[0]["parameters"], parameters, "also after a restart");
    instance.access(["-d", &rule]).succeeds();
    assert_eq!(listed(&instance).len(), 0);
}

#[test]
fn a_run_as_the_rule_says_is_let_through_and_another_is_not() {
    let instance = Instance::started();
    let (file, copy) = (instance.work().join("file"), instance.work().join("reader"));
    fs::write(&file, "plaintext").unwrap();
    fs::copy("/bin/cat", &copy).unwrap();
    instance.encrypt("@t", &file);
    let shown = file.display();
    let process = copy.display();
    let rule = format!(
        "ALLOW @t * {process} --user=root --group=root --args='{shown}' --access=read --libraries"
    );
    add(&instance, &rule).succeeds();
    let read = |more: &[&str]| {
        let mut command = std::process::Command::new(&copy);
        run(command.env_clear().arg(&file).args(more))
    };
    assert_eq!(read(&[]).succeeds().stdout, "plaintext");
    read(&["-"]).denied();
}

#[test]
fn an_error_is_shown_under_the_parameter_that_is_wrong() {
    let instance = Instance::started();
    for (rule, at, message) in [
        ("ALLOW @t * /bin/cat --usr=bob", "--usr", "is --user meant?"),
        ("ALLOW @t * /bin/cat --user=a,b:c", "b:c", "is not a name"),
        ("ALLOW @t * /bin/cat --args='a [bc'", "[bc", "is not a pattern"),
        ("DENY @t * /bin/cat --jit=yes", "--jit=yes", "takes none"),
        ("ALLOW @t * /bin/cat --user root", "--user", "--user=backup"),
        ("ALLOW @t * /bin/cat --jit –jit", "–jit", "stands twice"),
    ] {
        let said = add(&instance, rule).exits(2).says(message);
        let lines: Vec<_> = said.stderr.lines().collect();
        let line = lines.iter().position(|line| line.contains(rule)).expect("the rule is shown");
        let column = |text: &str, what: &str| {
            let byte = text.rfind(what).unwrap_or_else(|| panic!("no {what:?} in {text:?}"));
            text[..byte].chars().count()
        };
        let carets = "^".repeat(at.chars().count());
        assert!(lines[line + 1].ends_with(&format!(" {carets}")), "{said}");
        assert_eq!(column(lines[line + 1], &carets), column(lines[line], at), "{said}");
    }
    assert_eq!(listed(&instance).len(), 0);
}

#[test]
fn a_wide_rule_is_warned_of_when_it_is_added_and_listed() {
    let instance = Instance::started();
    let work = instance.work();
    let dump = work.join("mysqldump");
    fs::copy("/bin/true", &dump).unwrap();
    let wide = format!("ALLOW @t * {}", dump.display());
    let narrower = format!("narrower: {wide} --user=backup --args='--defaults-file=");
    add(&instance, &wide).succeeds().says("warning: ").says(&narrower);
    add(&instance, "ALLOW @t * /bin/bash").succeeds().says("--script=");
    add(&instance, "ALLOW @t * /bin/cat").succeeds().says("gets a copy");
    let python = executable(&work.join("x.py"), "#!/usr/bin/env python3\n");
    let narrow = format!("{wide} --args='--all-databases'");
    assert!(!add(&instance, &narrow).succeeds().stderr.contains("warning"));
    fs::remove_file(python).unwrap();

    let rows = listed(&instance);
    let counts: Vec<_> = rows.iter().map(|row| row["warnings"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [1, 1, 1, 0]);
    assert!(rows[0]["warnings"][0].as_str().unwrap().contains(&narrower));
    let list =
        instance.access(["-l"]).succeeds().says("warning: rule 1: ").says("warning: rule 3: ");
    assert!(!list.stdout.contains("warning") && !list.stderr.contains("rule 4"), "{list}");
}
