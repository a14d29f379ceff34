//! A run that was killed, at any step, is finished by running it again.

use crate::bench::Bench;
use crate::support::process::{Killed, LIMIT, until};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// Runs `guard VERB` and kills it when it has told `words`.
fn killed(bench: &Bench, verb: &str, args: &[&str], words: &str) {
    let link = bench.sbin().join("mysqld");
    let line = ["guard", verb, link.to_str().unwrap()];
    let mut command =
        bench.instance.command("ezncrypt", line.into_iter().chain(args.iter().copied()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = Killed(command.spawn().unwrap());
    let mut told = BufReader::new(child.0.stderr.take().unwrap()).lines();
    let found = told.any(|line| line.unwrap().contains(words));
    assert!(found, "guard {verb} never told {words:?}");
}

/// Runs `guard VERB` until nothing that the killed run left to the service is in its way.
#[track_caller]
fn again(bench: &Bench, verb: &str, args: &[&str]) {
    until("the command is let in", LIMIT, || {
        let outcome = bench.guard(verb, args);
        assert!(matches!(outcome.code, Some(0 | 5)), "{outcome}");
        outcome.code == Some(0)
    });
}

const INSTALL: &[&str] = &["--category", "@mysql"];

#[test]
fn an_install_that_was_killed_is_finished() {
    let bench = Bench::new();
    for words in ["asking ", "> moving ", "encrypting files", "swapping", "guard at", "registering"]
    {
        killed(&bench, "install", INSTALL, words);
        again(&bench, "install", INSTALL);
        bench.assert_guarded();
        again(&bench, "remove", &[]);
        bench.assert_untouched();
    }
}

#[test]
fn a_removal_that_was_killed_is_finished() {
    let bench = Bench::new();
    for words in ["removing the guard", "decrypting files", "swapping", "> moving ", "its policy"] {
        again(&bench, "install", INSTALL);
        killed(&bench, "remove", &[], words);
        until("the command is let in", LIMIT, || {
            let outcome = bench.guard("remove", &[]);
            // Killed after its last request it was done.
            let done = outcome.stderr.contains("there is no guard at");
            // The service may carry the killed command's last request out in this very moment.
            let overtaken = outcome.stderr.contains("there is no guard \"");
            assert!(done || overtaken || matches!(outcome.code, Some(0 | 5)), "{outcome}");
            done || outcome.code == Some(0)
        });
        bench.assert_untouched();
    }
}

#[test]
fn every_step_that_was_done_is_found_done() {
    let bench = Bench::new();
    let directory = bench.guarded().parent().unwrap().to_owned();
    let make = || fs::create_dir(&directory).unwrap();
    let move_there = || fs::rename(bench.server(), bench.guarded()).unwrap();
    let encrypt = || bench.instance.encrypt("@protected", &bench.guarded());
    let guard = || {
        fs::copy(crate::support::instance::BINARY, bench.server()).unwrap();
    };
    let steps: [&dyn Fn(); 4] = [&make, &move_there, &encrypt, &guard];
    for done in 1..=steps.len() {
        steps[..done].iter().for_each(|step| step());
        bench.install(INSTALL).succeeds();
        bench.assert_guarded();
        bench.guard("remove", &[]).succeeds();
        bench.assert_untouched();
    }
    // As the steps of a removal are, the other way round.
    bench.install(INSTALL).succeeds();
    bench.instance.decrypt(&bench.guarded());
    bench.guard("remove", &[]).succeeds();
    bench.assert_untouched();
    bench.install(INSTALL).succeeds();
    bench.instance.decrypt(&bench.guarded());
    fs::rename(bench.guarded(), bench.server()).unwrap();
    bench.guard("remove", &[]).succeeds();
    bench.assert_untouched();
}
