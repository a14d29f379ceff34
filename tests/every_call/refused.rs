//! Each call refused once, by a disk that fails or is full: a clear error, nothing lost, and the same command works
//! afterwards. A sync that fails is an error of the command, but where the command does not need it.

use crate::bench::{Bench, Work, for_each_call, is_long, tried};
use crate::support::strace::{Call, injected};
use std::os::unix::fs::symlink;

/// Whether the command is done all the same when this call, one of all its changes, is a sync that fails.
fn may_go_unsynced(all: &[Call], call: &Call) -> bool {
    let log = "/log/audit.jsonl>";
    let at = all.iter().position(|other| other.line == call.line && other.nth == call.nth);
    let (before, after) = all.split_at(at.unwrap());
    // A directory is synced for the name that something was given last.
    let named = || before.iter().rev().find(|other| other.name.starts_with("rename")).unwrap();
    let about = if call.line.contains("/state>") { &named().line } else { &call.line };
    // What is not on the disk does not become the newest line that the keystore knows.
    call.line.contains(log)
        // The first copy is on the disk, and the next save makes the second anew.
        || about.contains("keystore.backup")
        // The save at the end, when nothing more is logged: it is of the log's newest line alone, and without it the
        // keystore knows an older one.
        || about.contains("/.keystore.") && !after.iter().any(|later| later.line.contains(log))
}

fn refused_at_each(work: Work) {
    let bench = Bench::new(work);
    let errors = [("EIO", "Input/output error", 1), ("ENOSPC", "No space left on device", 8)];
    let both = errors.len();
    let all = bench.changes();
    for_each_call(&bench, tried(all.clone(), 4), |call| {
        let is_sync = ["fsync", "fdatasync", "syncfs"].contains(&&*call.name);
        let must_fail = is_sync && !may_go_unsynced(&all, &call);
        // One of them will do, and which is the call's luck, but in the long form.
        let (first, step) = if is_long() { (0, 1) } else { (call.nth % both, both) };
        for (error, words, code) in errors.iter().skip(first).step_by(step) {
            bench.put_back();
            let ended = bench.injected(&call, &format!("error={error}"));
            assert!(injected(&bench.seen()), "{call:?} was not reached: {ended}");
            let what = format!("{error} at {} {}: {}: {ended}", call.name, call.nth, call.line);
            if ended.code == Some(0) {
                assert!(!must_fail, "swallowed: {what}");
            } else {
                assert!(ended.code == Some(*code) && ended.stderr.contains(words), "{what}");
                assert!(ended.stderr.contains("hint: ") || *code != 8, "{what}");
            }
            bench.assert_whole(&what);
            bench.again(&what);
        }
    });
}

#[test]
fn encrypting_that_the_disk_refuses_anywhere_loses_nothing_and_works_afterwards() {
    refused_at_each(Work::Encrypt);
}

#[test]
fn decrypting_that_the_disk_refuses_anywhere_loses_nothing_and_works_afterwards() {
    refused_at_each(Work::Decrypt);
}

#[test]
fn a_change_of_keys_that_the_disk_refuses_anywhere_loses_nothing_and_works_afterwards() {
    refused_at_each(Work::Rotate);
}

#[test]
fn encrypting_anew_that_the_disk_refuses_anywhere_loses_nothing_and_works_afterwards() {
    refused_at_each(Work::RotateData);
}

/// A removal at the end that the disk refuses once, without a service: the same command, by whatever way it names the
/// tree, finds the work done by what it finishes first.
fn left_to_the_next_command(work: Work, removed: &str) {
    let bench = Bench::new(work);
    let is_removal = |call: &Call| call.name == "unlinkat" && call.line.contains(removed);
    let is_probe =
        |call: &Call| call.line.contains("/.ezncrypt-") && call.line.contains("\"probe-");
    let call = bench.changes().into_iter().find(|call| is_removal(call) && !is_probe(call));
    bench.put_back();
    bench.injected(&call.unwrap(), "error=EIO").exits(1).says("hint: nothing is lost");
    bench.assert_whole("a removal was refused");
    let link = bench.instance.work().join("link");
    symlink("tree", &link).unwrap();
    let named = if work == Work::Encrypt { link } else { bench.tree() };
    bench.instance.run(work.args(&named)).succeeds().says("what was interrupted is finished");
    bench.again("a removal was refused");
}

#[test]
fn plaintext_that_could_not_be_removed_is_removed_by_the_same_command_which_is_done_then() {
    left_to_the_next_command(Work::Encrypt, "/.ezncrypt-");
}

#[test]
fn ciphertext_that_could_not_be_removed_is_removed_by_the_same_command_which_is_done_then() {
    left_to_the_next_command(Work::Decrypt, "/.staging/");
}
