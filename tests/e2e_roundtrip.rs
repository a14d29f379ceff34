//! Encrypting and decrypting in place: everything survives, nothing is touched when refused, and an
//! interruption at any moment loses nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "roundtrip/interrupted.rs"]
mod interrupted;
#[path = "roundtrip/refused.rs"]
mod refused;
#[path = "roundtrip/survives.rs"]
mod survives;

use std::process::Command;
use support::Instance;
use support::machine::program;
use support::process::run;

const CATEGORY: &str = "@files";

fn files_in_storage(instance: &Instance) -> usize {
    let mut find = Command::new(program("find"));
    let found = run(find.arg(instance.storage()).args(["-type", "f"])).succeeds();
    found.stdout.lines().count()
}
