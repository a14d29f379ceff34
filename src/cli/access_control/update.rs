//! `ezncrypt-access-control update`: takes new fingerprints.

use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::service::protocol::{Failure, Request};
use std::num::NonZeroUsize;

/// Takes the fingerprint of one rule, or of all, after asking for the secret.
pub fn run(instance: &Instance, number: Option<NonZeroUsize>) -> Result<(), Failure> {
    let secret = instance.secret()?;
    let number = number.map(NonZeroUsize::get);
    instance.call(Request::RuleRefresh { number, secret })?;
    Screen::stderr().say(&match number {
        Some(number) => format!("rule {number} has a new fingerprint"),
        None => "every rule has a new fingerprint".to_owned(),
    });
    Ok(())
}
