//! `ezncrypt guard`: guards before servers, one file per command.

pub mod args;
mod change;
mod show;

use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::guard::install::{self, Session};
use crate::service::protocol::Failure;
use args::Command;
use std::process::ExitCode;

/// Carries out one of the commands.
pub fn run(instance: &Instance, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Show { path, json } => return show::run(instance, path.as_deref(), json),
        Command::Install { path, name, category, settings } => {
            change::install(instance, &path, name, category, settings.given())?;
        }
        Command::Remove { path } => change::remove(instance, &path)?,
        Command::Permit { path, allow, require, seconds } => {
            change::permit(instance, &path, (&allow, &require), seconds)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Lets `work` talk with the service; the secret is asked for once, when it is first needed.
fn talk<T>(
    instance: &Instance,
    work: impl FnOnce(&mut Session<'_>) -> install::Result<T>,
) -> Result<T, Failure> {
    let mut screen = Screen::stderr();
    let mut secret = instance.kept_secret();
    let ask = &mut || secret.again();
    let show = &mut |progress| screen.show(progress);
    let mut session = Session::new(&instance.paths, ask, show);
    work(&mut session).map_err(|error| error.failure(&instance.paths))
}
