//! Who asks and how it runs: each attack on the check works where only the program's path is looked
//! at, or where nothing is, and is denied by the service.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "process_check/afterwards.rs"]
mod afterwards;
#[path = "process_check/bound.rs"]
mod bound;
#[path = "process_check/kernel.rs"]
mod kernel;
#[path = "process_check/many.rs"]
mod many;
#[path = "process_check/namespaces.rs"]
mod namespaces;
#[path = "process_check/paths.rs"]
mod paths;
#[path = "process_check/program.rs"]
mod program;
#[path = "process_check/reuse.rs"]
mod reuse;
#[path = "process_check/run.rs"]
mod run;
#[path = "process_check/script.rs"]
mod script;
#[path = "process_check/stage.rs"]
mod stage;
mod support;
