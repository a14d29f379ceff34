//! What all judges have in common: long or short, and what must hold after each.

// Each test program uses its own part of this module.
#![allow(dead_code)]

use super::support::Instance;
use super::support::disk::Disk;
use super::support::fixture::{CATEGORY, Fixture};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long the long form of one judge may take; no single run of it takes so long.
pub const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// What a judge says of one of its tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was wrong.
    Passed,
    /// It did not run: something that it needs is not there.
    Skipped,
    /// Something was wrong.
    Failed,
}

/// Whether the long form is asked for: `tests/run --long`.
pub fn long() -> bool {
    std::env::var_os("EZNCRYPT_LONG").is_some_and(|value| value == "1")
}

/// An encrypted directory that the judge may use, for as long as its tests take.
pub fn ground(judge: &Path, limit: Duration) -> Fixture {
    ready(Fixture::new(), judge, limit)
}

/// The same on a disk that is in memory, where a sync costs nothing.
pub fn ground_on(disk: &Disk, judge: &Path, limit: Duration) -> Fixture {
    let root = disk.top().join("root");
    fs::create_dir(&root).unwrap();
    ready(Fixture::new_in(root), judge, limit)
}

fn ready(mut fixture: Fixture, judge: &Path, limit: Duration) -> Fixture {
    fixture.instance.may_live_for(limit);
    fixture.instance.allow(CATEGORY, judge);
    fixture
}

/// Fails the test unless the service lives, has met neither damage nor a fault of its own, and
/// nothing at rest is damaged.
#[track_caller]
pub fn assert_sound(instance: &Instance, after: &str) {
    let status = instance.run(["status", "--json"]).succeeds().json();
    for counter in ["integrity_errors", "failed_syncs", "panics"] {
        assert_eq!(status["counters"][counter], 0, "after {after}: {status:#}");
    }
    let found = instance.run(["verify", "--json"]);
    assert_eq!(found.code, Some(0), "after {after}: {found}");
    assert!(found.json()["sound"] == true, "after {after}: {found}");
}

/// Fails the test unless the judge left nothing behind: what it made it could remove.
#[track_caller]
pub fn assert_empty(directory: &Path, after: &str) {
    let left = super::support::tree::names(directory);
    assert!(left.is_empty(), "{after} left {left:?} in {}", directory.display());
}
