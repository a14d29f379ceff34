//! `ezncrypt key rotate`: a new key for a category.

use super::args::RotateOptions;
use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::service::protocol::{Answer, Failure, Request};

/// Gives a category a new key, or goes on with that.
pub fn run(instance: &Instance, options: RotateOptions) -> Result<(), Failure> {
    let RotateOptions { category, data, rate, .. } = options;
    let category = category.unwrap_or_default();
    let secret = instance.secret()?;
    let name = category.clone();
    let answer = instance.call(Request::KeyRotate { category, data, rate, secret })?;
    if matches!(answer, Answer::UnderWay) {
        Screen::stderr().say(&format!(
            "@{name} is getting its new key already; that goes on at the rate that you said"
        ));
        return Ok(());
    }
    Screen::stderr().say(&format!(
        "@{name} has a new key, and the old one is gone. Backups of the ciphertext made before need an \
         export of the old key (key export) that was made before."
    ));
    Ok(())
}
