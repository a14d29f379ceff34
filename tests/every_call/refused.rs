//! Each call refused once, by a disk that fails or is full: a clear error, nothing lost, and the same command works
//! afterwards.

use crate::bench::{Bench, Work, for_each_call, is_long, tried};
use crate::support::strace::{Call, injected};
use std::os::unix::fs::symlink;

fn refused_at_each(work: Work) {
    let bench = Bench::new(work);
    let errors = [("EIO", "Input/output error", 1), ("ENOSPC", "No space left on device", 8)];
    let both = errors.len();
    for_each_call(&bench, tried(bench.changes(), 4), |call| {
        // One of them will do, and which is the call's luck, but in the long form.
        let (first, step) = if is_long() { (0, 1) } else { (call.nth % both, both) };
        for (error, words, code) in errors.iter().skip(first).step_by(step) {
            bench.put_back();
            let ended = bench.injected(&call, &format!("error={error}"));
            assert!(injected(&bench.seen()), "{call:?} was not reached: {ended}");
            let what = format!("{error} at {} {}: {}: {ended}", call.name, call.nth, call.line);
            if ended.code != Some(0) {
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
