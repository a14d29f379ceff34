//! `ezncrypt verify`: is every byte at rest what was written?

pub mod args;
mod json;
mod plan;
mod repair;
mod text;

use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::progress::Screen;
use crate::cli::{absolute, output, unattended};
use crate::service;
use crate::service::protocol::{
    Answer, Failure, FailureKind, Request, Secret, Target, Verification, Verify,
};
use args::Options;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Looks, and tells what is damaged, or mends it; the exit code is that of damage when anything is.
pub fn run(instance: &Instance, options: &Options) -> Result<ExitCode, Failure> {
    if options.repair {
        return repair::run(instance, options);
    }
    let found = look(instance, wanted(options)?, None)?;
    show(instance, options, &found)?;
    let is_sound = found.files_damaged == 0;
    Ok(ExitCode::from(if is_sound { 0 } else { FailureKind::Damaged.exit_code() }))
}

fn wanted(options: &Options) -> Result<Verify, Failure> {
    Ok(Verify {
        targets: options.targets.iter().map(target).collect::<Result<_, _>>()?,
        threads: options.threads,
        rate: options.rate,
        subset: options.subset,
        holes: options.holes,
    })
}

fn target(typed: &OsString) -> Result<Target, Failure> {
    match typed.to_str().and_then(|typed| typed.strip_prefix('@')) {
        Some(name) => Ok(Target::Category(name.to_owned())),
        None => Ok(Target::Path(absolute::path(Path::new(typed))?.into())),
    }
}

fn look(
    instance: &Instance,
    what: Verify,
    secret: Option<Secret>,
) -> Result<Verification, Failure> {
    let mut screen = Screen::stderr();
    let show = &mut |progress| screen.show(progress);
    let request = Request::Verify { what, secret };
    let ask = &mut || service_secret(instance);
    match service::call(&instance.paths, request, ask, show)? {
        Answer::Verified(found) => Ok(*found),
        _ => Err(unexpected_answer()),
    }
}

/// What opens the keystore where no service runs: the service's own secret is enough.
fn service_secret(instance: &Instance) -> Result<Secret, Failure> {
    instance.require_keystore()?;
    if !instance.secrets.is_given()
        && let Some(source) = unattended::configured(&instance.paths)?
    {
        return unattended::fetch(&source, &mut |_| {});
    }
    instance.secret()
}

fn show(instance: &Instance, options: &Options, found: &Verification) -> Result<(), Failure> {
    let storage = instance.paths.resolved().storage();
    if options.json {
        output::json(&json::Report::new(found, &storage, options.subset))
    } else {
        output::text(&text::report(found, &storage))
    }
}

/// Where the ciphertext of an original path is.
fn stored(storage: &Path, category: &str, path: &OsString) -> PathBuf {
    let below = Path::new(path).strip_prefix("/").unwrap_or(Path::new(path));
    let top = storage.join(category.trim_start_matches('@'));
    if below.as_os_str().is_empty() { top } else { top.join(below) }
}
