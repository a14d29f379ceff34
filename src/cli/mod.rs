//! Words, prompts, tables, progress, exit codes: all that a person meets.
//!
//! One folder per applet, one file per command. The arguments are mended first (`typography`), then
//! the verb is put where clap wants it (`verbs`), then clap reads them. A command builds a request
//! for [`crate::service`] and shows the answer; it never touches the keystore, the storage or the
//! mount itself. Results go to standard output, everything else to standard error; this is the only
//! module that prints.

mod absolute;
mod access_control;
mod category;
mod colour;
mod escape;
mod ezncrypt;
mod failure;
mod instance;
mod output;
mod privilege;
mod progress;
mod prompt;
mod secret;
mod table;
mod typography;
mod usage;
mod verbs;

use crate::service::protocol::{Failure, FailureKind};
use clap::CommandFactory;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// Acts by the file name of the first argument and returns the exit code.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args = typography::mend(args.collect(), &typography::names_here);
    let name = args.first().and_then(|program| Path::new(program).file_name()).unwrap_or_default();
    let outcome = if name == "ezncrypt" {
        ezncrypt::run(args)
    } else if name == "ezncrypt-access-control" {
        access_control::run(args)
    } else {
        Err(unknown_name(name))
    };
    outcome.unwrap_or_else(|failure| failure::report(&failure))
}

/// The argument definitions of every applet: what the manual pages and completions are made from.
pub fn definitions() -> Vec<clap::Command> {
    vec![ezncrypt::args::Cli::command(), access_control::args::Cli::command()]
}

fn unknown_name(name: &OsStr) -> Failure {
    let name = escape::path(Path::new(name));
    Failure::new(FailureKind::Usage, format!("cannot act by the name '{name}'"))
        .hint("call it as ezncrypt or ezncrypt-access-control")
}
