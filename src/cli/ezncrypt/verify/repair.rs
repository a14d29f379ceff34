//! `ezncrypt verify --repair`: says what it will do, asks, does it, and says what it did.

use super::args::Options;
use super::{json, look, plan, text, wanted};
use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::progress::Screen;
use crate::cli::{confirm, output};
use crate::service::protocol::{Answer, Failure, FailureKind, Repaired, Request, Verification};
use std::process::ExitCode;

/// Looks, and mends what is confirmed; the exit code is that of damage when any is left.
pub fn run(instance: &Instance, options: &Options) -> Result<ExitCode, Failure> {
    let mut secret = instance.kept_secret();
    let found = look(instance, wanted(options)?, Some(secret.again()?))?;
    if !options.json {
        super::show(instance, options, &found)?;
    }
    let repaired = if found.damaged.is_empty() {
        None
    } else {
        confirm(instance, options, &found)?;
        let (files, zero_torn) = (found.damaged.clone(), options.zero_torn);
        let request = Request::Repair { files, zero_torn, secret: secret.again()? };
        match instance.call(request)? {
            Answer::Repaired(repaired) => Some(*repaired),
            _ => return Err(unexpected_answer()),
        }
    };
    tell(instance, options, &found, repaired.as_ref())?;
    let is_left = repaired.as_ref().is_some_and(|repaired| repaired.left > 0);
    let is_sound = !is_left && !is_more(&found);
    Ok(ExitCode::from(if is_sound { 0 } else { FailureKind::Damaged.exit_code() }))
}

/// Whether there is damage that was not listed.
fn is_more(found: &Verification) -> bool {
    found.files_damaged > found.damaged.len() as u64
        || found.damaged.iter().any(|file| file.more > 0)
}

/// Says what is going to be done, and asks.
fn confirm(instance: &Instance, options: &Options, found: &Verification) -> Result<(), Failure> {
    let mut screen = Screen::stderr();
    screen.say("the repair will");
    let quarantine = instance.paths.quarantine();
    for step in plan::steps(&found.damaged, options.zero_torn, &quarantine) {
        screen.say(&format!("  {step}"));
    }
    let refused = |message: &str| {
        if options.json {
            super::show(instance, options, found)?;
        }
        Err(Failure::new(FailureKind::Damaged, message).hint("--yes repairs without asking"))
    };
    match options.yes.then_some(true).or_else(|| confirm::ask("go on?")) {
        Some(true) => Ok(()),
        Some(false) => refused("nothing was changed"),
        None => refused("nothing was changed: there is no terminal to ask on"),
    }
}

fn tell(
    instance: &Instance,
    options: &Options,
    found: &Verification,
    repaired: Option<&Repaired>,
) -> Result<(), Failure> {
    if options.json {
        let storage = instance.paths.resolved().storage();
        return output::json(&json::Report::new(found, &storage, options.subset).with(repaired));
    }
    if let Some(repaired) = repaired {
        output::text(&text::repaired(repaired))?;
    }
    if is_more(found) {
        Screen::stderr().say("there is more than was listed: run it again");
    }
    Ok(())
}
