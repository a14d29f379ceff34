//! Words, prompts, tables, progress, exit codes: all that a person meets.
//!
//! One folder per applet, one file per command. The arguments are mended first (`typography`), then
//! the verb is put where clap wants it (`verbs`), then clap reads them. Called by any other name than
//! its own two it is a guard. A command builds a request
//! for [`crate::service`] and shows the answer; it never touches the keystore, the storage or the
//! mount itself. Results go to standard output, everything else to standard error; this is the only
//! module that prints.

mod absolute;
mod access_control;
mod category;
mod colour;
mod confirm;
mod duration;
mod escape;
mod ezncrypt;
mod failure;
mod guard;
mod instance;
mod json_path;
mod output;
mod privilege;
mod progress;
mod prompt;
mod secret;
mod shell_words;
mod size;
mod table;
mod time;
mod typography;
mod unattended;
mod usage;
mod verbs;

use clap::CommandFactory;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Acts by the file name of the first argument and returns the exit code.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let mended = |args| typography::mend(args, &typography::names_here);
    let name = args.first().and_then(|program| Path::new(program).file_name()).unwrap_or_default();
    let outcome = if name == "ezncrypt" {
        ezncrypt::run(mended(args))
    } else if name == "ezncrypt-access-control" {
        access_control::run(mended(args))
    } else {
        // Any other name may be that of a server; its arguments are the server's business.
        guard::run(args)
    };
    outcome.unwrap_or_else(|failure| failure::report(&failure))
}

/// The argument definitions of every applet: what the manual pages and completions are made from.
pub fn definitions() -> Vec<clap::Command> {
    vec![ezncrypt::args::Cli::command(), access_control::args::Cli::command()]
}
