//! Killed at every call, and the power cut at the same moment: there is a complete copy of everything, what is left
//! behind is told, and the same command run again finishes or undoes.

use crate::bench::{Bench, Work, for_each_call, tried};

fn killed_at_each(work: Work) {
    let bench = Bench::new(work);
    for_each_call(&bench, tried(bench.changes(), 4), |call| {
        bench.put_back();
        let ended = bench.injected(&call, "signal=KILL");
        assert_eq!(ended.signal, Some(9), "{call:?} was not reached: {ended}");
        let cut = bench.disk.beside("cut");
        bench.disk.cut(&cut);
        let what = format!("killed at {} {}: {}", call.name, call.nth, call.line);
        bench.assert_whole(&what);
        bench.again(&what);
        bench.disk.unmount();
        let what = format!("the power cut at {} {}: {}", call.name, call.nth, call.line);
        bench.disk.attach(&cut);
        bench.assert_whole(&what);
        bench.again(&what);
        bench.disk.unmount();
    });
}

#[test]
fn encrypting_that_is_killed_anywhere_loses_nothing_and_is_finished_or_undone() {
    killed_at_each(Work::Encrypt);
}

#[test]
fn decrypting_that_is_killed_anywhere_loses_nothing_and_is_finished_or_undone() {
    killed_at_each(Work::Decrypt);
}

#[test]
fn a_change_of_keys_that_is_killed_anywhere_loses_nothing_and_is_finished() {
    killed_at_each(Work::Rotate);
}

#[test]
fn encrypting_anew_that_is_killed_anywhere_loses_nothing_and_is_finished() {
    killed_at_each(Work::RotateData);
}
