//! The disk runs full while files are encrypted, decrypted or under a change of keys: with so much left, and a little
//! more each time, until it is enough.

use crate::bench::{Bench, CATEGORY, assert_told, make_tree};
use crate::support::ciphertext::headers;
use crate::support::process::{LIMIT, Outcome, Running, send, until};
use crate::support::strace::strace;
use crate::support::tree::Snapshot;
use rustix::process::Signal;
use std::fs;

/// Runs a command that is held at its first change, after it looked for space, until so many KiB are left.
fn held(bench: &Bench, args: &[&str], kib: u64) -> Outcome {
    let seen = bench.disk.beside("seen");
    let _ = fs::remove_file(&seen);
    let hold = ["-e", "trace=fchmod", "-e", "inject=fchmod:signal=STOP:when=1"];
    let command = bench.instance.command("ezncrypt", args);
    let mut running = Running::spawn(&mut strace(&command, &hold, &seen));
    let told = || fs::read_to_string(&seen).unwrap_or_default();
    let mut ended = None;
    until("it is held", LIMIT, || {
        ended = running.ended();
        ended.is_some() || told().contains("stopped by SIGSTOP")
    });
    assert!(ended.is_none(), "it was not held: {}", ended.unwrap());
    bench.leave(kib);
    let pid = told().split_whitespace().next().unwrap().parse().unwrap();
    send(pid, Signal::CONT);
    running.finish(LIMIT).expect("it hangs")
}

#[test]
fn a_disk_that_runs_full_while_files_are_encrypted_costs_nothing() {
    let bench = Bench::new(40);
    let (instance, tree) = (&bench.instance, bench.instance.work().join("tree"));
    make_tree(&tree);
    let before = Snapshot::of(&tree);
    let args = ["-e", CATEGORY, tree.to_str().unwrap()];
    let mut failures = 0;
    for kib in Bench::sizes(31) {
        let outcome = held(&bench, &args, kib);
        let what = format!("{kib} KiB were left: {outcome}");
        if outcome.code == Some(0) {
            break;
        }
        failures += 1;
        assert_told(&outcome, &what);
        before.assert_same(&Snapshot::of(&tree), &what);
        bench.make_room();
        instance.run(["list", "--json"]).succeeds().prints("[]");
        instance.assert_no_leftovers(&instance.work());
        assert_eq!(headers(&instance.storage()), [], "{what}");
    }
    assert!(failures > 3, "the disk was hardly ever full");
    bench.make_room();
    instance.decrypt(&tree);
    before.assert_same(&Snapshot::of(&tree), "decrypted");
}

#[test]
fn a_disk_that_runs_full_while_files_are_decrypted_costs_nothing() {
    let bench = Bench::new(40);
    let (instance, tree) = (&bench.instance, bench.instance.work().join("tree"));
    make_tree(&tree);
    let before = Snapshot::of(&tree);
    instance.encrypt(CATEGORY, &tree);
    let args = ["-d", tree.to_str().unwrap()];
    let mut failures = 0;
    for kib in Bench::sizes(31) {
        let outcome = held(&bench, &args, kib);
        let what = format!("{kib} KiB were left: {outcome}");
        if outcome.code == Some(0) {
            break;
        }
        failures += 1;
        assert_told(&outcome, &what);
        assert!(fs::symlink_metadata(&tree).unwrap().is_symlink(), "{what}");
        bench.make_room();
        instance.run(["list", "--json"]).succeeds().prints("\"encrypted\"");
        instance.assert_no_leftovers(&instance.work());
        instance.run(["verify"]).succeeds();
    }
    assert!(failures > 3, "the disk was hardly ever full");
    bench.make_room();
    before.assert_same(&Snapshot::of(&tree), "decrypted");
    instance.run(["list", "--json"]).succeeds().prints("[]");
    assert_eq!(headers(&instance.storage()), []);
}

#[test]
fn a_disk_that_is_full_while_keys_are_changed_costs_nothing() {
    for more in [&[][..], &["--data"]] {
        let bench = Bench::new(40);
        let (instance, tree) = (&bench.instance, bench.instance.work().join("tree"));
        make_tree(&tree);
        let before = Snapshot::of(&tree);
        instance.encrypt(CATEGORY, &tree);
        let args = [&["key", "rotate", CATEGORY], more].concat();
        let mut failures = 0;
        for kib in Bench::sizes(1) {
            bench.leave(kib);
            let outcome = instance.run(&args);
            let what = format!("{kib} KiB were left: {outcome}");
            bench.make_room();
            if outcome.code == Some(0) {
                break;
            }
            failures += 1;
            assert_told(&outcome, &what);
            instance.run(["verify"]).succeeds();
        }
        assert!(failures > 0, "the disk was never full");
        instance.run(&args).succeeds();
        instance.decrypt(&tree);
        before.assert_same(&Snapshot::of(&tree), "decrypted");
    }
}
