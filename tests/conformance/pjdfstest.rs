//! pjdfstest for POSIX semantics, on the mount and on a plain directory of the filesystem below.

use super::judged::{Verdict, assert_sound};
use super::support::Instance;
use super::support::fixture::{CATEGORY, Fixture};
use super::support::machine::tool;
use super::support::process::run_within;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(360);

/// Tests (a name, or the beginning of several) that cannot pass through FUSE whatever a file system
/// does, and why.
const FUSE_LIMITS: [(&str, &str); 1] = [(
    "link::link_count_max",
    "glibc knows the largest link count of ext4 by its magic number and of FUSE not at all, so the \
     test skips itself",
)];

/// Users and groups that every Debian has; remounting is off, as it would reach the machine's disk.
const PJDFSTEST: &str = r#"
[features]
posix_fallocate = {}
rename_ctime = {}
utime_now = {}
utimensat = {}
[settings]
naptime = 0.02
allow_remount = false
[dummy_auth]
entries = [["nobody", "nogroup"], ["daemon", "daemon"]]
"#;

/// Runs pjdfstest in `directory`; gives each test's verdict and all that was said.
fn pjdfstest(instance: &Instance, directory: &Path) -> (BTreeMap<String, Verdict>, String) {
    let settings = instance.work().join("pjdfstest.toml");
    fs::write(&settings, PJDFSTEST).unwrap();
    let mut command = Command::new(tool("pjdfstest"));
    command.env("NO_COLOR", "1").arg("-c").arg(settings);
    command.args(["-s", "/dev/shm", "-p"]).arg(directory);
    let done = run_within(&mut command, LIMIT);
    let verdicts: BTreeMap<_, _> = done.stdout.lines().filter_map(verdict).collect();
    let summary = done.stdout.lines().rfind(|line| line.starts_with("Summary")).unwrap_or("");
    let total = summary.split(", ").last().and_then(|last| last.split(' ').next());
    assert_eq!(total, Some(verdicts.len().to_string().as_str()), "not all were understood: {done}");
    (verdicts, done.stdout)
}

fn verdict(line: &str) -> Option<(String, Verdict)> {
    let (name, verdict) = line.split_once(char::is_whitespace)?;
    let verdict = match verdict.trim() {
        "ok" => Verdict::Passed,
        "skipped" => Verdict::Skipped,
        "FAILED" => Verdict::Failed,
        _ => return None,
    };
    Some((name.to_owned(), verdict))
}

/// Opening a running program with `O_TRUNC` empties it before the kernel refuses, since FUSE truncates by
/// the open itself. A program that is still starting dies of that, and then nothing is refused: which of
/// the two comes first depends on the machine's load.
const RACE: &str = "open::etxtbsy";

#[test]
fn pjdfstest_finds_nothing_that_the_filesystem_below_does_not_have() {
    let fixture = Fixture::new();
    fixture.instance.allow(CATEGORY, &tool("pjdfstest"));
    let plain = fixture.instance.work().join("plain");
    fs::create_dir(&plain).unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o755)).unwrap();
    let (below, _) = pjdfstest(&fixture.instance, &plain);
    // By its short name: the path of a socket has room for 107 bytes only.
    let (mut mounted, mut said) = pjdfstest(&fixture.instance, fixture.path());
    for _ in 0..3 {
        if mounted.get(RACE) == Some(&Verdict::Passed) {
            break;
        }
        (mounted, said) = pjdfstest(&fixture.instance, fixture.path());
    }

    let passed = |verdicts: &BTreeMap<String, Verdict>| {
        verdicts.values().filter(|verdict| **verdict == Verdict::Passed).count()
    };
    assert!(passed(&below) > 350, "the plain directory passes too little to compare with");
    let excused = |name: &str| FUSE_LIMITS.iter().any(|(start, _)| name.starts_with(start));
    let worse: Vec<_> = below
        .iter()
        .filter(|(name, verdict)| mounted.get(*name) != Some(verdict))
        .filter(|(name, verdict)| **verdict == Verdict::Passed && !excused(name))
        .map(|(name, _)| format!("{name}: {:?}", mounted.get(name)))
        .collect();
    assert!(worse.is_empty(), "worse than below:\n{}\n\n{said}", worse.join("\n"));
    for (start, reason) in FUSE_LIMITS {
        let fails = mounted
            .iter()
            .any(|(name, verdict)| name.starts_with(start) && *verdict != Verdict::Passed);
        assert!(fails, "{start} passes now: it need not be excused ({reason})");
    }
    assert_sound(&fixture.instance, "pjdfstest");
    eprintln!("pjdfstest: {} passed below, {} on the mount", passed(&below), passed(&mounted));
}
