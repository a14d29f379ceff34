//! `ezncrypt decrypt`: puts the plaintext back.

use crate::cli::absolute;
use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::service::protocol::{Failure, Request};
use std::path::PathBuf;

/// Decrypts the locations at `paths`, after asking for the secret.
pub fn run(instance: &Instance, paths: &[PathBuf]) -> Result<(), Failure> {
    let paths = absolute::paths(paths)?;
    let secret = instance.secret()?;
    instance.call(Request::Decrypt { paths, secret })?;
    Screen::stderr().say("your files are decrypted; their plaintext is at the original paths");
    Ok(())
}
