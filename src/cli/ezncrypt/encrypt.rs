//! `ezncrypt encrypt`: encrypts files or directories in place.

use crate::cli::absolute;
use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::service::protocol::{Failure, Request};
use std::path::PathBuf;

/// Encrypts `paths` into `category`.
pub fn run(instance: &Instance, category: String, paths: &[PathBuf]) -> Result<(), Failure> {
    let paths = absolute::paths(paths)?;
    let secret = instance.secret_at_hand()?;
    instance.call(Request::Encrypt { category, paths, secret })?;
    Screen::stderr().say("congratulations. you have encrypted your files!");
    Ok(())
}
