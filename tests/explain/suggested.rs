//! `--suggest`: from a run in permissive mode to the rules that it needs.

use super::support::fixture::CATEGORY;
use super::support::machine::program;
use super::support::process::run;
use super::{cat, with_file};
use std::process::Command;

#[test]
fn a_suggestion_pasted_into_a_shell_allows_what_was_seen() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    instance.access(["--mode", "permissive"]).succeeds();
    cat(&file).succeeds();
    instance.access(["--mode", "enforcing"]).succeeds();
    cat(&file).denied();

    let suggested = instance.access(["--suggest"]).succeeds().stdout;
    let lines: Vec<&str> = suggested.lines().collect();
    assert_eq!(lines.len(), 1, "{suggested}");
    assert!(lines[0].starts_with("ezncrypt-access-control --state-dir "), "{suggested}");
    for part in [
        CATEGORY,
        "--user=root",
        "--args='",
        "--env=EDITOR",
        "--access=read",
        file.to_str().unwrap(),
    ] {
        assert!(lines[0].contains(part), "no {part} in {suggested}");
    }
    let json = instance.access(["suggest", "--json", "--since", "1h"]).succeeds().json();
    assert!(lines[0].contains(json["rules"][0]["rule"].as_str().unwrap()), "{json}");

    let none = instance.access(["--suggest", "--since", "2999-01-01T00:00:00Z"]).succeeds();
    assert_eq!(none.stdout, "");
    paste(&fixture, &suggested);
    assert_eq!(cat(&file).succeeds().stdout, "plaintext");
    let after = instance.access(["--suggest"]).succeeds();
    assert_eq!(after.stdout, "", "what is allowed by now is suggested again");
}

#[test]
fn other_arguments_than_were_seen_stay_denied_and_make_a_rule_of_their_own() {
    let (fixture, file) = with_file();
    cat(&file).denied();
    paste(&fixture, &fixture.instance.access(["--suggest"]).succeeds().stdout);
    cat(&file).succeeds();
    run(super::plainly_started("cat").arg("-u").arg(&file)).denied();
    let suggested = fixture.instance.access(["--suggest"]).succeeds().stdout;
    assert_eq!(suggested.lines().count(), 1, "{suggested}");
    assert!(suggested.contains("--args='-u "), "{suggested}");
}

/// Runs what was suggested as a person would, through a shell.
fn paste(fixture: &super::Fixture, suggested: &str) {
    let instance = &fixture.instance;
    let shell = instance.command("ezncrypt-access-control", [""; 0]);
    let bin = std::path::Path::new(shell.get_program()).parent().unwrap().to_owned();
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(suggested).current_dir("/").env("PATH", bin);
    for (name, value) in shell.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    run(&mut command).succeeds();
}

#[test]
fn a_tainted_program_is_told_in_a_comment() {
    let (fixture, file) = with_file();
    let copy = fixture.instance.work().join("mycat");
    run(Command::new(program("cp")).arg(program("cat")).arg(&copy)).succeeds();
    fixture.instance.allow(CATEGORY, &copy);
    let append = format!("printf x >> '{}'", copy.display());
    run(Command::new(program("sh")).args(["-c", &append])).succeeds();
    run(Command::new(&copy).arg(&file)).denied();
    let suggested = fixture.instance.access(["--suggest"]).succeeds().stdout;
    assert!(suggested.lines().all(|line| line.starts_with('#')), "{suggested}");
    assert!(suggested.contains(" -u 2\n"), "{suggested}");
    fixture.instance.access(["-u", "2"]).succeeds();
    assert_eq!(fixture.instance.access(["--suggest"]).succeeds().stdout, "");
}

/// Whoever pastes it would let in what the variable loads.
#[test]
fn a_variable_that_loads_code_is_not_suggested() {
    let (fixture, file) = with_file();
    run(super::plainly_started("cat").env("LD_LIBRARY_PATH", "/nonexistent").arg(&file)).denied();
    let suggested = fixture.instance.access(["--suggest"]).succeeds().stdout;
    assert!(suggested.contains("--env=EDITOR") && !suggested.contains("LD_"), "{suggested}");
    paste(&fixture, &suggested);
    run(super::plainly_started("cat").env("LD_LIBRARY_PATH", "/nonexistent").arg(&file)).denied();
    cat(&file).succeeds();
}
