//! The access rules: parses, checks who may, and hands over to one file per command.

mod add;
pub mod args;
mod delete;
mod explain;
mod list;
pub mod mode;
mod package;
mod suggest;
mod update;

use super::instance::Instance;
use super::privilege::require_root;
use super::{escape, typography, usage, verbs};
use crate::service::protocol::{Failure, FailureKind};
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Carries out one command line.
///
/// # Errors
/// The command's own [`Failure`].
pub fn run(args: Vec<OsString>) -> Result<ExitCode, Failure> {
    let args = verbs::to_front(args, &Cli::command())?;
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage::end(&error),
    };
    require_root(&format!("ezncrypt-access-control {}", cli.command.name()))?;
    let instance = Instance::new(cli.instance)?;
    match cli.command {
        Command::Add { rule } => add::run(&instance, text(&rule)?)?,
        Command::Delete { which } => delete::run(&instance, text(&which)?)?,
        Command::List { json } => list::run(&instance, json)?,
        Command::Update { number, json } => update::run(&instance, number, json)?,
        Command::Explain(asked) => explain::run(&instance, asked)?,
        Command::Mode { mode, seconds } => mode::run(&instance, mode, seconds)?,
        Command::Suggest { since, json } => suggest::run(&instance, since, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A rule given in one argument or in several, as one text.
fn text(words: &[OsString]) -> Result<String, Failure> {
    let joined = match words {
        [whole] => whole.clone(),
        words => typography::joined_rule(words, &typography::names_here),
    };
    joined.into_string().map_err(|joined| {
        let shown = escape::path(Path::new(&joined));
        Failure::new(FailureKind::Usage, format!("the rule '{shown}' is not UTF-8"))
    })
}
