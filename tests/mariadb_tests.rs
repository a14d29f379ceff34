//! MariaDB's own tests, their servers' data, logs and temporary files on the mount, and at the same time
//! on a plain directory of the filesystem below.
//!
//! They are 290 MiB of packages and take hours, so this program runs only when it is named, as `tests/run
//! --long` does: `test = false` in Cargo.toml.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "conformance/judged.rs"]
mod judged;
mod support;

use judged::{Verdict, assert_sound};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::account::Account;
use support::fixture::{CATEGORY, Fixture};
use support::machine::program;
use support::process::{Outcome, kill_all_naming, run_within};

const TESTS: &str = "/usr/share/mysql/mysql-test";
const SUITES: &str = "main,innodb";

/// Tests that fail on the mount only, and why: lines of a name and a reason.
const MOUNT_LIMITS: &str = include_str!("mariadb_tests.txt");

/// How long both sides may take, one core for each.
const LIMIT: Duration = Duration::from_secs(12 * 3600);

/// What came of each try of a test, in their order: one that passed is not tried again, so the last counts.
type Verdicts = BTreeMap<String, Vec<Verdict>>;

/// Kills the servers and what else still names the directory.
struct Ended(PathBuf);

impl Drop for Ended {
    fn drop(&mut self) {
        kill_all_naming(&self.0);
    }
}

/// Names of tests, and of suites.
type Chosen = (Vec<String>, Vec<String>);

/// What is run: `EZNCRYPT_MARIADB_TESTS` may name suites, and tests as `main.select`, with commas.
fn chosen() -> Chosen {
    let words = std::env::var("EZNCRYPT_MARIADB_TESTS").unwrap_or_else(|_| SUITES.to_owned());
    words.split(',').map(str::to_owned).partition(|word| word.contains('.'))
}

/// Runs the tests with everything in `var`, as a user of their own: some refuse to run as root.
fn mysql_test_run(account: &Account, var: &Path, (tests, suites): &Chosen) -> Outcome {
    let mut command = account.command(program("perl"));
    // What ports are taken is told by files in a directory that all runs share.
    command.current_dir(TESTS).env("MTR_BUILD_THREAD", "auto");
    command.args(["mysql-test-run.pl", "--force", "--max-test-fail=0", "--parallel=1"]);
    // On a busy machine some fail that are measured by the clock; those pass when tried again.
    command.args(["--retry=3", "--retry-failure=3", "--testcase-timeout=30"]);
    command.args(["--suite-timeout=1440", "--max-save-core=0", "--max-save-datadir=0"]);
    command.arg(format!("--vardir={}", var.display()));
    if !suites.is_empty() {
        command.arg(format!("--suite={}", suites.join(",")));
    }
    run_within(command.args(tests), LIMIT)
}

fn verdicts(outcome: &Outcome) -> Verdicts {
    assert!(outcome.stdout.contains("\nCompleted: "), "not all tests were run: {outcome}");
    read(&outcome.stdout)
}

fn read(said: &str) -> Verdicts {
    let mut verdicts = Verdicts::new();
    for (name, verdict) in said.lines().filter_map(verdict) {
        verdicts.entry(name).or_default().push(verdict);
    }
    verdicts
}

/// Tries again on the mount what was skipped there alone: some tests find only while they run that InnoDB has just made a
/// checkpoint, and skip themselves.
fn try_skipped_again(account: &Account, var: &Path, below: &Verdicts, mounted: &mut Verdicts) {
    for _ in 0..3 {
        let is_skipped = |name: &&String| is(mounted, name, Verdict::Skipped);
        let skipped =
            mounted.keys().filter(is_skipped).filter(|name| is(below, name, Verdict::Passed));
        let tests: BTreeSet<_> = skipped.filter_map(|name| name.split(' ').next()).collect();
        if tests.is_empty() {
            return;
        }
        let tests = tests.into_iter().map(str::to_owned).collect();
        let again = mysql_test_run(account, var, &(tests, Vec::new()));
        for (name, mut tries) in verdicts(&again) {
            mounted.entry(name).or_default().append(&mut tries);
        }
    }
}

/// Reads `innodb.innodb 'combination'     w1 [ pass ]    10`; a test that is skipped has no worker.
fn verdict(line: &str) -> Option<(String, Verdict)> {
    let (name, verdict) = line.split_once(" [ ")?;
    let name = match name.rsplit_once(" w") {
        Some((name, worker)) if worker.parse::<u32>().is_ok() => name,
        _ => name,
    };
    let verdict = match verdict.split_once(" ]")?.0 {
        "pass" | "retry-pass" => Verdict::Passed,
        "fail" | "retry-fail" => Verdict::Failed,
        "skipped" | "disabled" => Verdict::Skipped,
        _ => return None,
    };
    name.split(' ').next()?.contains('.').then(|| (name.trim().to_owned(), verdict))
}

fn is(verdicts: &Verdicts, name: &str, wanted: Verdict) -> bool {
    verdicts.get(name).and_then(|tries| tries.last()) == Some(&wanted)
}

fn failures(verdicts: &Verdicts, name: &str) -> usize {
    let tries = verdicts.get(name).into_iter().flatten();
    tries.filter(|verdict| **verdict == Verdict::Failed).count()
}

/// What passed only when it was tried again: no failure, as such tests are measured by the clock on both sides.
fn retried(verdicts: &Verdicts) -> Vec<&str> {
    let names = verdicts.keys().map(String::as_str);
    names
        .filter(|name| is(verdicts, name, Verdict::Passed) && failures(verdicts, name) > 0)
        .collect()
}

/// What of that may be no matter of the clock: it failed more than once on the mount, and never below.
fn suspicious<'v>(below: &Verdicts, mounted: &'v Verdicts) -> Vec<&'v str> {
    let is_suspicious = |name: &&str| failures(mounted, name) > 1 && failures(below, name) == 0;
    retried(mounted).into_iter().filter(is_suspicious).collect()
}

fn limits() -> Vec<(&'static str, &'static str)> {
    let lines = MOUNT_LIMITS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(": ").expect("NAME: REASON")).collect()
}

/// What passed below and not on the mount, and what is excused and need not be.
fn worse(below: &Verdicts, mounted: &Verdicts) -> Vec<String> {
    let about = |limit: &str, name: &str| name == limit || name.split(' ').next() == Some(limit);
    let excused = |name: &str| limits().iter().any(|(limit, _)| about(limit, name));
    let passed = |verdicts: &Verdicts, name: &str| is(verdicts, name, Verdict::Passed);
    let mut worse: Vec<_> = below
        .keys()
        .filter(|name| passed(below, name) && !passed(mounted, name) && !excused(name))
        .map(|name| format!("{name}: {:?}", mounted.get(name).and_then(|tries| tries.last())))
        .collect();
    for (limit, reason) in limits() {
        let mut concerned = mounted.keys().filter(|name| about(limit, name)).peekable();
        if concerned.peek().is_some() && concerned.all(|name| passed(mounted, name)) {
            worse.push(format!("{limit} passes now: it need not be excused ({reason})"));
        }
    }
    worse
}

#[test]
fn what_passed_only_when_it_was_tried_again_is_told_apart() {
    let below = "main.once w1 [ fail ]\nmain.once w1 [ retry-pass ] 10\n\
        main.both w1 [ fail ]\nmain.both w1 [ retry-pass ] 10\n\
        main.odd 'innodb' w1 [ pass ] 10\nmain.skipped [ skipped ] no\n";
    let mounted = "main.once w1 [ pass ] 10\n\
        main.both w1 [ fail ]\nmain.both w1 [ retry-fail ]\nmain.both w1 [ retry-pass ] 10\n\
        main.odd 'innodb' w1 [ fail ]\nmain.odd 'innodb' w1 [ retry-fail ]\n\
        main.odd 'innodb' w1 [ retry-pass ] 10\n\
        main.bad w1 [ fail ]\nmain.bad w1 [ retry-fail ]\nmain.bad w1 [ retry-fail ]\n";
    let (below, mounted) = (read(below), read(mounted));
    assert_eq!(retried(&below), ["main.both", "main.once"]);
    assert_eq!(retried(&mounted), ["main.both", "main.odd 'innodb'"]);
    assert_eq!(suspicious(&below, &mounted), ["main.odd 'innodb'"]);
    assert!(is(&mounted, "main.bad", Verdict::Failed));
}

#[test]
fn mariadbs_own_tests_pass_that_pass_on_the_filesystem_below() {
    let mut fixture = Fixture::new();
    fixture.instance.may_live_for(LIMIT);
    let work = fixture.instance.work();
    let account = Account::new(&work.join("home"), &[]);
    let _ended = Ended(work.clone());
    account.own(&fs::canonicalize(fixture.path()).unwrap());
    // Through a symlink as well, so that no test can tell the two apart by that.
    let (plain, behind) = (work.join("plain"), work.join("behind"));
    fs::create_dir(&behind).unwrap();
    account.own(&behind);
    symlink(&behind, &plain).unwrap();
    // Servers, clients, shells: whatever the tests start.
    let rule = format!("ALLOW {CATEGORY} * {} --children", program("perl").display());
    fixture.instance.access(["-a", &rule]).succeeds();

    let (chosen, var) = (chosen(), fixture.at("var"));
    let (below, mounted) = std::thread::scope(|scope| {
        let below = scope.spawn(|| mysql_test_run(&account, &plain.join("var"), &chosen));
        let mounted = mysql_test_run(&account, &var, &chosen);
        (below.join().unwrap(), mounted)
    });
    let (below_verdicts, mut mounted_verdicts) = (verdicts(&below), verdicts(&mounted));
    try_skipped_again(&account, &var, &below_verdicts, &mut mounted_verdicts);
    assert_sound(&fixture.instance, "MariaDB's tests");
    let count = |verdicts: &Verdicts, wanted: Verdict| {
        verdicts.keys().filter(|name| is(verdicts, name, wanted)).count()
    };
    for (side, verdicts) in [("below", &below_verdicts), ("on the mount", &mounted_verdicts)] {
        let [passed, failed, skipped] = [Verdict::Passed, Verdict::Failed, Verdict::Skipped]
            .map(|verdict| count(verdicts, verdict));
        let retried = retried(verdicts);
        eprintln!(
            "MariaDB's tests {side}: {passed} passed ({} of them when tried again: {}), {failed} failed, \
             {skipped} skipped",
            retried.len(),
            retried.join(", "),
        );
    }
    for name in suspicious(&below_verdicts, &mounted_verdicts) {
        let times = failures(&mounted_verdicts, name);
        eprintln!("SUSPICIOUS: {name} passed on the mount after {times} failures, with none below");
    }
    assert!(count(&below_verdicts, Verdict::Passed) > 0, "nothing passed: {below}");
    let worse = worse(&below_verdicts, &mounted_verdicts);
    assert!(worse.is_empty(), "worse than below:\n{}\n\n{mounted}", worse.join("\n"));
}
