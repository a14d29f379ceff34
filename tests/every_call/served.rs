//! Where a service does the work: the service killed at every call, and whoever asked it.

use crate::bench::{Bench, Work, for_each_call, is_change, tried};
use crate::support::machine::{detach, program};
use crate::support::process::{LIMIT, Outcome, Running, ended_within, run, send, until};
use crate::support::strace::{CHANGES, Call, calls, strace};
use rustix::process::Signal;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Looks at the service's calls, with something injected into them perhaps, while the work is done.
fn watched(bench: &Bench, calls: &str, inject: Option<&str>) -> Outcome {
    let pid = bench.instance.pid();
    let mut watch = Command::new(program("strace"));
    watch.args(["-f", "-y", "-o"]).arg(bench.seen()).args(["-e", &format!("trace={calls}")]);
    inject.map(|inject| watch.args(["-e", &format!("inject={inject}")]));
    let mut watch = Running::spawn(watch.args(["-p", &pid.to_string()]));
    until("strace looks", LIMIT, || watch.so_far().stderr.contains("attached"));
    let tree = bench.tree();
    let outcome = run(&mut bench.instance.command("ezncrypt", bench.work.args(&tree)));
    send(watch.pid(), Signal::INT);
    // It may miss the end of a thread that was just being made when the service was killed.
    watch.finish(Duration::from_secs(10));
    outcome
}

/// The changes of the thread that did the work.
fn changes(bench: &Bench) -> Vec<Call> {
    bench.put_back();
    bench.instance.start();
    watched(bench, CHANGES, None).succeeds();
    let text = fs::read_to_string(bench.seen()).unwrap();
    let thread = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let threads: Vec<String> = text.lines().map(thread).collect();
    let count = |one: &&String| threads.iter().filter(|other| other == one).count();
    let busiest = threads.iter().max_by_key(count).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| thread(line) == *busiest).collect();
    fs::write(bench.seen(), lines.join("\n")).unwrap();
    bench.instance.stop();
    calls(&bench.seen()).into_iter().filter(is_change).collect()
}

fn service_killed_at_each(work: Work) {
    let bench = Bench::new(work);
    for_each_call(&bench, tried(changes(&bench), 2), |call| {
        bench.put_back();
        bench.instance.start();
        let pid = bench.instance.pid();
        let inject = format!("{}:signal=KILL:when={}", call.name, call.nth);
        let told = watched(&bench, &call.name, Some(&inject));
        let what = format!("the service killed at {} {}: {}", call.name, call.nth, call.line);
        assert!(ended_within(pid, Duration::from_secs(30)), "{what}: it lives: {told}");
        assert!(told.code != Some(0) || work == Work::RotateData, "{what}: {told}");
        let cut = bench.disk.beside("cut");
        bench.disk.cut(&cut);
        for (disk, how) in [("image", "killed"), ("cut", "and the power cut")] {
            let what = format!("{what}, {how}: {told}");
            if disk == "cut" {
                bench.disk.unmount();
                bench.disk.attach(&cut);
            }
            detach(&bench.instance.mount());
            bench.assert_whole(&what);
            bench.instance.start();
            let status = bench.instance.run(["status", "--json"]).succeeds().json();
            assert_eq!(status["plaintext_left"], serde_json::json!([]), "{what}");
            // A change of keys that was taken up may be in its first or last moments.
            until("it stops", LIMIT, || bench.instance.run(["stop"]).code == Some(0));
            bench.again(&what);
        }
    });
}

#[test]
fn a_service_that_is_killed_anywhere_while_it_encrypts_loses_nothing() {
    service_killed_at_each(Work::Encrypt);
}

#[test]
fn a_service_that_is_killed_anywhere_while_it_decrypts_loses_nothing() {
    service_killed_at_each(Work::Decrypt);
}

#[test]
fn a_service_that_is_killed_anywhere_while_it_changes_keys_loses_nothing() {
    service_killed_at_each(Work::RotateData);
}

/// The work goes on when nobody waits for its end any more.
fn client_killed_at_each(work: Work) {
    let bench = Bench::new(work);
    let talk = "sendto,recvfrom,read,write";
    let tree = bench.tree();
    let command = || bench.instance.command("ezncrypt", work.args(&tree));
    bench.put_back();
    bench.instance.start();
    let trace = format!("trace={talk}");
    run(&mut strace(&command(), &["-y", "-e", &trace], &bench.seen())).succeeds();
    bench.instance.stop();
    let talk: Vec<Call> = calls(&bench.seen());
    let talk = talk.into_iter().filter(|call| call.line.contains("<socket:")).collect();
    for_each_call(&bench, tried(talk, 2), |call| {
        bench.put_back();
        bench.instance.start();
        let (trace, inject) = (
            format!("trace={}", call.name),
            format!("inject={}:signal=KILL:when={}", call.name, call.nth),
        );
        let options = ["-e", &*trace, "-e", &*inject];
        let ended = run(&mut strace(&command(), &options, &bench.seen()));
        let what = format!("whoever asked was killed at {} {}: {}", call.name, call.nth, call.line);
        assert_eq!(ended.signal, Some(9), "{what} was not reached: {ended}");
        // A stop is refused while work goes on; a change of keys is gone on with.
        until("the work is done", LIMIT, || bench.instance.run(["stop"]).code == Some(0));
        bench.assert_whole(&what);
        bench.again(&what);
    });
}

#[test]
fn whoever_asked_for_an_encryption_may_be_killed_anywhere() {
    client_killed_at_each(Work::Encrypt);
}

#[test]
fn whoever_asked_for_a_decryption_may_be_killed_anywhere() {
    client_killed_at_each(Work::Decrypt);
}

/// A removal at the end that the disk refuses once, while the service goes on.
fn left_to_the_next_command(work: Work, removed: &str) {
    let bench = Bench::new(work);
    let is_removal = |call: &Call| call.name == "unlinkat" && call.line.contains(removed);
    let is_probe =
        |call: &Call| call.line.contains("/.ezncrypt-") && call.line.contains("\"probe-");
    let call = changes(&bench).into_iter().find(|call| is_removal(call) && !is_probe(call));
    bench.put_back();
    bench.instance.start();
    let inject = format!("unlinkat:error=EIO:when={}", call.unwrap().nth);
    watched(&bench, "unlinkat", Some(&inject)).exits(1).says("hint: nothing is lost");
    bench.assert_whole("a removal was refused");
    let left = || {
        let status = bench.instance.run(["status", "--json"]).succeeds().json();
        status["plaintext_left"].as_array().unwrap().len()
    };
    assert_eq!(left(), usize::from(work == Work::Encrypt));
    let tree = bench.tree();
    // What was asked for is done then.
    let again = bench.instance.run(work.args(&tree));
    again.succeeds().says("what was interrupted is finished");
    assert_eq!(left(), 0);
    bench.instance.stop();
    bench.again("a removal was refused");
}

#[test]
fn plaintext_that_a_service_could_not_remove_is_told_and_removed_by_the_next_command() {
    left_to_the_next_command(Work::Encrypt, "/.ezncrypt-");
}

#[test]
fn ciphertext_that_a_service_could_not_remove_is_removed_by_the_next_command() {
    left_to_the_next_command(Work::Decrypt, "/.staging/");
}
