//! A newer server, put there by whatever upgrades it without asking us.

use crate::bench::{Bench, copy_server};
use crate::support::process::run;
use std::fs;
use std::path::Path;
use std::process::Command;

const INSTALL: &[&str] = &["--category", "@mysql"];
const NEWER: &str = "no newer server waits";

/// The bytes of the server that is encrypted, which are told by what a removal brings back.
#[track_caller]
fn assert_removed(bench: &Bench, appended: &[u8]) {
    bench.guard("remove", &[]).succeeds();
    let bytes = fs::read(bench.server()).unwrap();
    assert!(bytes.ends_with(appended));
    assert!(!bench.guarded().parent().unwrap().exists());
    bench.assert_rules(&[]);
}

fn sha256(path: &Path) -> String {
    let told = run(Command::new("sha256sum").arg(path)).succeeds().stdout;
    told.split(' ').next().unwrap().to_owned()
}

#[test]
fn a_server_that_replaced_the_symlink_is_taken_in_and_told() {
    let bench = Bench::new();
    bench.install(INSTALL).succeeds();
    let old = sha256(&crate::support::machine::program("mariadbd"));
    copy_server(&bench.guarded(), b"second");
    let new = sha256(&bench.guarded());
    assert_eq!(bench.failing(), [NEWER]);
    let told = bench.install(&[]).succeeds().says("version before: ").says(&old);
    told.says(&new);
    bench.assert_guarded();
    assert_removed(&bench, b"second");
}

#[test]
fn a_server_that_replaced_the_guard_is_taken_in_and_the_guard_is_there_again() {
    let bench = Bench::new();
    bench.install(INSTALL).succeeds();
    copy_server(&bench.server(), b"second");
    assert!(bench.failing().contains(&NEWER.to_owned()));
    bench.install(&[]).succeeds();
    bench.assert_guarded();
    assert_removed(&bench, b"second");
}

#[test]
fn a_server_beside_its_named_guard_is_taken_in() {
    let bench = Bench::new();
    bench.install(&["--category", "@mysql", "--name", "mysqld-guard"]).succeeds();
    copy_server(&bench.server(), b"second");
    assert_eq!(bench.failing(), [NEWER]);
    bench.install(&[]).succeeds().says("SHA-256 before");
    bench.assert_encrypted(&bench.server());
    bench.show(0);
    assert_removed(&bench, b"second");
}

#[test]
fn what_waits_is_what_a_removal_leaves() {
    let bench = Bench::new();
    bench.install(INSTALL).succeeds();
    copy_server(&bench.guarded(), b"second");
    assert_removed(&bench, b"second");
}

#[test]
fn a_file_that_is_no_server_is_not_taken_in_and_stays_where_it_is() {
    let bench = Bench::new();
    bench.install(INSTALL).succeeds();
    let before = bench.shape();
    fs::remove_file(bench.guarded()).unwrap();
    fs::copy("/bin/true", bench.guarded()).unwrap();
    let waiting = bench.shape();
    bench.install(&[]).exits(2).says("does not tell its options");
    waiting.assert_same(&bench.shape(), "after what was refused");
    // Removing the symlink alone loses nothing.
    fs::remove_file(bench.guarded()).unwrap();
    bench.guard("remove", &[]).succeeds();
    drop(before);
    bench.assert_untouched();
}

#[test]
fn a_change_that_fails_halfway_is_undone() {
    let bench = Bench::new();
    bench.install(INSTALL).succeeds();
    copy_server(&bench.guarded(), b"second");
    let other = bench.instance.work().join("other-name");
    fs::hard_link(bench.guarded(), &other).unwrap();
    let before = bench.shape();
    bench.install(&[]).exits(1).says("hard links that lead out").says("undoing what was done");
    before.assert_same(&bench.shape(), "after what was undone");
    assert_eq!(bench.failing(), [NEWER]);
    fs::remove_file(&other).unwrap();
    bench.install(&[]).succeeds();
    bench.assert_guarded();
    assert_removed(&bench, b"second");
}

#[test]
fn a_change_that_was_killed_is_finished_from_every_step() {
    let bench = Bench::new();
    let (next, former) = (bench.beside("ezncrypt-new"), bench.beside("ezncrypt-old"));
    let aside = || fs::rename(bench.guarded(), &next).unwrap();
    let decrypt = || bench.instance.decrypt(&bench.guarded());
    let old_aside = || fs::rename(bench.guarded(), &former).unwrap();
    let new_there = || fs::rename(&next, bench.guarded()).unwrap();
    let encrypt = || bench.instance.encrypt("@protected", &bench.guarded());
    let steps: [&dyn Fn(); 5] = [&aside, &decrypt, &old_aside, &new_there, &encrypt];
    for done in 1..=steps.len() {
        bench.install(INSTALL).succeeds();
        copy_server(&bench.guarded(), b"second");
        steps[..done].iter().for_each(|step| step());
        bench.install(&[]).succeeds();
        bench.assert_guarded();
        assert_removed(&bench, b"second");
        copy_server(&bench.server(), b"");
    }
}

#[test]
fn the_newest_of_two_upgrades_is_taken_in() {
    let bench = Bench::new();
    bench.install(INSTALL).succeeds();
    // Killed with the second aside, and then a third came.
    copy_server(&bench.beside("ezncrypt-new"), b"second");
    copy_server(&bench.guarded(), b"third");
    bench.install(&[]).succeeds();
    bench.assert_guarded();
    assert_removed(&bench, b"third");
}
