//! stress-ng's filesystem class, each stressor on the mount and on a plain directory of the filesystem
//! below.

use super::judged::{LONGEST, Verdict, assert_empty, assert_sound, ground, long};
use super::support::machine::program;
use super::support::process::{Outcome, run};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Stressors of the class that use no files of the directory, and would only disturb the machine.
const ELSEWHERE: [(&str, &str); 3] = [
    ("bind-mount", "mounts / over itself thousands of times"),
    ("binderfs", "mounts a filesystem of its own"),
    ("procfs", "reads everything in /proc and /sys"),
];

/// Stressors that fail or skip themselves on the mount only, and why.
const MOUNT_LIMITS: [(&str, &str); 1] =
    [("fiemap", "FUSE has no request for where a file's blocks are, so the kernel refuses")];

/// Stressors that are asked for less than they would do by themselves, and why.
const LESS: [(&str, [&str; 2], &str); 1] = [(
    "chdir",
    ["--chdir-dirs", "2048"],
    "two workers would make 16,384 directories: each takes a descriptor of the service, which has as few \
     as 20,000 where it may not raise its limit",
)];

/// What the short form runs.
const SHORT: [&str; 6] = ["chdir", "dentry", "fiemap", "hdd", "rename", "xattr"];

fn stressors() -> Vec<String> {
    // It lists the members of a class that is asked for by name.
    let listed = run(Command::new(program("stress-ng")).args(["--class", "filesystem?"]));
    let said = format!("{}{}", listed.stdout, listed.stderr);
    let members = said.split_once("class 'filesystem' stressors:").map(|(_, members)| members);
    let members: Vec<_> = members.unwrap_or_default().split_whitespace().collect();
    assert!(members.len() > 40, "too few stressors are in the class: {said}");
    let elsewhere = |name: &str| ELSEWHERE.iter().any(|(other, _)| *other == name);
    let wanted = |name: &&&str| !elsewhere(name) && (long() || SHORT.contains(name));
    members.iter().filter(wanted).map(|name| (*name).to_owned()).collect()
}

fn stress(name: &str, directory: &Path) -> Outcome {
    let mut command = Command::new(program("stress-ng"));
    command.args([&format!("--{name}"), "2", "--verify", "--no-rand-seed", "--timeout"]);
    command.arg(if long() { "10s" } else { "1s" });
    for (_, arguments, _) in LESS.iter().filter(|(less, _, _)| *less == name) {
        command.args(arguments);
    }
    run(command.arg("--temp-path").arg(directory).current_dir("/"))
}

fn verdict(outcome: &Outcome) -> Verdict {
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    match outcome.code {
        Some(0) if said.contains("skipping stress") => Verdict::Skipped,
        Some(0) => Verdict::Passed,
        _ => Verdict::Failed,
    }
}

/// Two workers of each stressor for ten seconds; short: of six stressors for one second.
#[test]
fn stress_ng_finds_nothing_that_the_filesystem_below_does_not_have() {
    let fixture = ground(&program("stress-ng"), LONGEST);
    let plain = fixture.instance.work().join("plain");
    fs::create_dir(&plain).unwrap();
    let mut worse = Vec::new();
    for name in stressors() {
        let below = stress(&name, &plain);
        let mounted = stress(&name, fixture.path());
        let limit = MOUNT_LIMITS.iter().find(|(limited, _)| *limited == name);
        match (verdict(&below), verdict(&mounted), limit) {
            (Verdict::Passed, Verdict::Passed, Some((_, why))) => {
                worse.push(format!("{name} passes now: it need not be excused ({why})"));
            }
            (Verdict::Passed, Verdict::Failed | Verdict::Skipped, None) => {
                worse.push(format!("{name}: {mounted}"));
            }
            (below, mounted, _) => eprintln!("{name}: {below:?} below, {mounted:?} on the mount"),
        }
        if super::support::tree::names(&plain).is_empty() {
            assert_empty(fixture.path(), &name);
        }
        assert_sound(&fixture.instance, &name);
    }
    assert!(worse.is_empty(), "{}", worse.join("\n"));
}
