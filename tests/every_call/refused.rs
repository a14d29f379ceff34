//! Each call refused once, by a disk that fails or is full: a clear error, nothing lost, and the same command works
//! afterwards.

use crate::bench::{Bench, Work, for_each_call, is_long, tried};
use crate::support::strace::injected;

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
