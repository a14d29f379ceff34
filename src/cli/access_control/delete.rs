//! `ezncrypt-access-control delete`: deletes a rule.

use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::service::protocol::{Failure, Request};

/// Deletes the rule with this number or text, after asking for the secret.
pub fn run(instance: &Instance, which: String) -> Result<(), Failure> {
    let secret = instance.secret()?;
    instance.call(Request::RuleDelete { which, secret })?;
    Screen::stderr().say("1 rule was deleted");
    Ok(())
}
