//! The service killed and the power cut in the middle of work, on real filesystems with a real database
//! server: what was answered, or synced, is there afterwards. Runs as root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

#[path = "crash/bank.rs"]
mod bank;
#[path = "crash/cut.rs"]
mod cut;
#[path = "crash/document.rs"]
mod document;
#[path = "crash/history.rs"]
mod history;
#[path = "crash/kill.rs"]
mod kill;
#[path = "crash/load.rs"]
mod load;
#[path = "crash/moved.rs"]
mod moved;
#[path = "crash/stage.rs"]
mod stage;
#[path = "crash/writeback.rs"]
mod writeback;
#[path = "crash/writer.rs"]
mod writer;
