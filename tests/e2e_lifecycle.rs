//! The life of a service: how it starts, whom it answers, how it ends, and what a crash leaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "lifecycle/damage.rs"]
mod damage;
#[path = "lifecycle/mount_point.rs"]
mod mount_point;
#[path = "lifecycle/one_owner.rs"]
mod one_owner;
#[path = "lifecycle/service.rs"]
mod service;
#[path = "lifecycle/state_directory.rs"]
mod state_directory;
#[path = "lifecycle/supervised.rs"]
mod supervised;
#[path = "lifecycle/transport.rs"]
mod transport;
#[path = "lifecycle/trust.rs"]
mod trust;
#[path = "lifecycle/words.rs"]
mod words;

use std::fs;
use std::path::PathBuf;
use support::Instance;
use support::fixture::Fixture;
use support::machine::is_mounted;

/// A fixture with one file in it.
fn with_file() -> (Fixture, PathBuf) {
    let fixture = Fixture::new();
    let file = fixture.at("file");
    fs::write(&file, "plaintext").unwrap();
    (fixture, file)
}

#[track_caller]
fn assert_not_running(instance: &Instance) {
    let status = instance.run(["status", "--json"]).exits(6);
    assert_eq!(status.json()["running"], false);
    assert!(!is_mounted(&instance.mount()));
}
