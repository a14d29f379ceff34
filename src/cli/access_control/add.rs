//! `ezncrypt-access-control add`: adds a rule.

use super::package;
use crate::access::Rule;
use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::service::protocol::{Failure, FailureKind, Request};

/// Adds `rule`, after asking for the secret. One that does not parse is shown with carets under the
/// word, and nobody is asked.
pub fn run(instance: &Instance, rule: String) -> Result<(), Failure> {
    let process = match rule.parse::<Rule>() {
        Ok(rule) => rule.process,
        Err(error) => {
            let mut screen = Screen::stderr();
            error.render(&rule).lines().for_each(|line| screen.say(line));
            return Err(Failure::new(FailureKind::Usage, error.to_string())
                .hint("a rule is like \"ALLOW @mysql * /usr/sbin/mariadbd\""));
        }
    };
    let secret = instance.secret()?;
    let package = package::label(&process);
    instance.call(Request::RuleAdd { rule, package, secret })?;
    Screen::stderr().say("the rule is in force");
    Ok(())
}
