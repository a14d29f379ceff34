//! Finding out about a denial and mending it: `--explain`, `--mode`, `--suggest`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "explain/explained.rs"]
mod explained;
#[path = "explain/permissive.rs"]
mod permissive;
#[path = "explain/suggested.rs"]
mod suggested;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::fixture::Fixture;
use support::machine::program;
use support::process::{Outcome, Running, run};

/// A fixture with one file in it.
fn with_file() -> (Fixture, PathBuf) {
    let fixture = Fixture::new();
    let file = fixture.at("file");
    fs::write(&file, "plaintext").unwrap();
    (fixture, file)
}

fn cat(file: &Path) -> Outcome {
    run(plainly_started("cat").arg(file))
}

/// A program with one variable that a bound run must be allowed, and none that loads code.
fn plainly_started(name: &str) -> Command {
    let mut command = Command::new(program(name));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("EDITOR", "vi");
    command
}

/// A program that waits on its standard input.
fn waiting(program: &Path) -> Running {
    Running::spawn(Command::new(program).stdin(Stdio::piped()))
}

/// The lines of the audit log about one event.
fn logged(fixture: &Fixture, event: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(fixture.instance.state().join("log/audit.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter(|line| line["event"] == event).collect()
}
