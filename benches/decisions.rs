//! What a decision costs: from memory, and at a process's first use of the files.
//!
//! Alternates, in one run, between asking about a process that is known and looking at one that is
//! not; the program's hash is known in both. Prints medians.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "shared/nothing.rs"]
mod nothing;

use ezncrypt::access::{
    Access, Ask, Bindings, BoundRule, Caller, Mount, Policy, ProcCallers, Programs, Rule, Terms,
};
use nothing::Nothing;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROUNDS: usize = 400;
const RULES: usize = 20;

fn main() {
    let program = Path::new("/bin/cat").canonicalize().unwrap();
    let mount = Mount { path: "/nowhere".into(), device: None };
    let programs = Arc::new(Programs::new(mount, Box::new(Nothing)));
    let rules = |parameters: &str| {
        let resolved = programs.resolve_process(&program).unwrap();
        let bind = |number: usize| BoundRule {
            rule: format!("ALLOW @m /{number} {} {parameters}", program.display())
                .parse::<Rule>()
                .unwrap(),
            process: resolved.path.clone(),
            fingerprint: resolved.fingerprint,
            bindings: Bindings::default(),
            terms: Terms::None,
        };
        (0..RULES).map(bind).collect::<Vec<_>>()
    };
    println!("{:<44} {:>10} {:>10}", format!("microseconds, {RULES} rules"), "cached", "first");
    for parameters in ["", "--args='-u'"] {
        let callers = Arc::new(ProcCallers::new().unwrap());
        let policy = Policy::new(callers, programs.clone(), rules(parameters));
        let (mut cached, mut first) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut command = Command::new(&program);
            let mut child =
                command.env_clear().arg("-u").stdin(Stdio::piped()).spawn().expect("cat");
            let caller = Caller { tid: child.id(), uid: 0, gid: 0 };
            // Once the program waits for its input, so that it is not its start that is looked at.
            let waits = format!("/proc/{}/wchan", child.id());
            while !std::fs::read_to_string(&waits).is_ok_and(|place| place.contains("pipe_read")) {
                std::thread::yield_now();
            }
            let last = format!("/{}", RULES - 1);
            let paths = [Path::new(&last)];
            let ask = Ask { category: "m", paths: &paths, below: false, access: Access::Read };
            first.push(timed(|| policy.grant(caller, &ask).expect("allowed")));
            cached.push(timed(|| policy.grant(caller, &ask).expect("allowed")));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let name = if parameters.is_empty() { "no parameters" } else { parameters };
        println!("{name:<44} {:>10.1} {:>10.1}", median(cached), median(first));
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    std::hint::black_box(work());
    begun.elapsed()
}

/// In microseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}
