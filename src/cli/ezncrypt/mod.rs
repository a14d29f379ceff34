//! The main command: parses, checks who may, and hands over to one file per command.

pub mod args;
mod audit;
mod decrypt;
mod decrypt_file;
mod demo;
mod encrypt;
mod guard;
mod init;
mod key;
mod list;
mod start;
mod status;
mod stop;
mod verify;

use super::instance::Instance;
use super::privilege::require_root;
use super::{usage, verbs};
use crate::service::protocol::Failure;
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
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
    if let Some(name) = cli.command.of_root() {
        require_root(&format!("ezncrypt {name}"))?;
    }
    let instance = Instance::new(cli.instance)?;
    match cli.command {
        Command::Status { json } => return status::run(&instance.paths, json),
        Command::Init { scrypt_log_n, rsa_public_key } => {
            init::run(&instance, scrypt_log_n, rsa_public_key.as_deref())?;
        }
        Command::Start { foreground, ask, supervise, transport } => {
            let transport = transport.map(Into::into);
            start::run(&instance, start::Start { foreground, ask, supervise, transport })?;
        }
        Command::Stop { force } => stop::run(&instance.paths, force)?,
        Command::Encrypt { category, paths } => encrypt::run(&instance, category, &paths)?,
        Command::Decrypt { paths } => decrypt::run(&instance, &paths)?,
        Command::List { json } => list::run(&instance, json)?,
        Command::Audit(options) => return audit::run(&instance, &options),
        Command::Verify(options) => return verify::run(&instance, &options),
        Command::DecryptFile { file, output, force } => {
            decrypt_file::run(&instance, &file, &output, force)?;
        }
        Command::Key { command } => key::run(&instance, command)?,
        Command::Guard { command } => return guard::run(&instance, command),
        Command::Demo => demo::run()?,
    }
    Ok(ExitCode::SUCCESS)
}
