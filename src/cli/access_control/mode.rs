//! `ezncrypt-access-control mode`: tells the mode, or sets it.

use super::args::Mode;
use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::output;
use crate::cli::progress::Screen;
use crate::service::client;
use crate::service::protocol::{Answer, Failure, FailureKind, Request, Status};
use indicatif::HumanDuration;
use std::time::Duration;

/// How long permissive mode lasts when nothing else is said, in seconds.
const USUAL: u64 = 3600;

/// Tells the mode or, after asking for the secret, sets it.
pub fn run(instance: &Instance, mode: Option<Mode>, seconds: Option<u64>) -> Result<(), Failure> {
    let Some(mode) = mode else {
        refuse_time(seconds)?;
        let status = status(instance.call(Request::Status)?)?;
        return output::text(&format!("{}\n", told(&status)));
    };
    let seconds = match mode {
        Mode::Permissive => Some(seconds.unwrap_or(USUAL)),
        Mode::Enforcing => {
            refuse_time(seconds)?;
            None
        }
    };
    // Not to ask for a secret in vain.
    client::connect(&instance.paths)?.ok_or_else(|| client::not_running(&instance.paths))?;
    let secret = instance.secret()?;
    let status = status(instance.call(Request::Mode { seconds, secret })?)?;
    let mut screen = Screen::stderr();
    screen.say(&format!("the mode is {}", told(&status)));
    if status.mode_seconds_left.is_some() {
        screen.say("what the rules would deny is let through until then, and logged");
        let suggest = client::access_control(&instance.paths, "--suggest");
        screen.say(&format!("the rules that would allow it: {suggest}"));
    }
    Ok(())
}

fn refuse_time(seconds: Option<u64>) -> Result<(), Failure> {
    match seconds {
        Some(_) => {
            let message = "only permissive mode has a time";
            Err(Failure::new(FailureKind::Usage, message)
                .hint("ezncrypt-access-control --mode permissive --for 1h"))
        }
        None => Ok(()),
    }
}

fn status(answer: Answer) -> Result<Status, Failure> {
    match answer {
        Answer::Status(status) => Ok(*status),
        _ => Err(unexpected_answer()),
    }
}

/// The mode in words.
pub fn told(status: &Status) -> String {
    match status.mode_seconds_left {
        Some(left) => {
            format!("{}, for another {}", status.mode, HumanDuration(Duration::from_secs(left)))
        }
        None => status.mode.clone(),
    }
}
