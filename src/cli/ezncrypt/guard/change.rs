//! `ezncrypt guard install`, `remove` and `permit`: what changes how a server may be started.

use super::talk;
use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::cli::{absolute, escape};
use crate::guard::install::{self, Installed, Settings, Upgrade, Wish};
use crate::service::client;
use crate::service::protocol::Failure;
use std::path::{Path, PathBuf};

/// Puts a guard in place, and tells what was done.
pub fn install(
    instance: &Instance,
    path: &Path,
    name: Option<PathBuf>,
    category: Option<String>,
    settings: Option<Settings>,
) -> Result<(), Failure> {
    let path = absolute::path(path)?;
    // A bare name is beside the server; anything else is a path as any other.
    let name = match name {
        Some(name) if name.components().count() > 1 => Some(absolute::path(&name)?),
        name => name,
    };
    let wish = Wish { path, name, category, settings };
    let installed = talk(instance, |session| install::install(&wish, session))?;
    let mut screen = Screen::stderr();
    told(&installed, instance).iter().for_each(|line| screen.say(line));
    Ok(())
}

/// Takes a guard back.
pub fn remove(instance: &Instance, path: &Path) -> Result<(), Failure> {
    let path = absolute::path(path)?;
    let removed = talk(instance, |session| install::remove(&path, session))?;
    let (guard, server) = (escape::path(&removed.guard), escape::path(&removed.server));
    let mut screen = Screen::stderr();
    screen.say(&format!("the guard at {guard} is removed"));
    screen.say(&format!("the server is at {server} again, as it was: anyone may start it"));
    Ok(())
}

/// Permits one freer run.
pub fn permit(
    instance: &Instance,
    path: &Path,
    (allowed, required): (&[String], &[String]),
    seconds: u64,
) -> Result<(), Failure> {
    let path = absolute::path(path)?;
    let allow = allowed.iter().map(|subject| format!("allow {subject}"));
    let require = required.iter().map(|value| format!("require {value}"));
    let settings = allow.chain(require).collect();
    let guard = talk(instance, |session| install::permit(&path, settings, seconds, session))?;
    let (guard, until) = (escape::path(&guard), super::show::lasting(seconds));
    Screen::stderr().say(&format!("the next run of {guard} is allowed that, for {until}"));
    Ok(())
}

/// What was done, in lines.
fn told(installed: &Installed, instance: &Instance) -> Vec<String> {
    let spec = &installed.spec;
    let guard = escape::path(Path::new(&spec.path));
    let names: Vec<_> = spec.names.iter().map(|name| escape::path(Path::new(name))).collect();
    let state = match (installed.guard_renewed, installed.was_registered) {
        (true, true) => "was renewed at",
        (true, false) => "is at",
        (false, _) => "stays at",
    };
    let mut lines = vec![format!("the guard {state} {guard}, called as {}", names.join(", "))];
    let server = escape::path(Path::new(&spec.server));
    let version = &installed.version;
    match &installed.upgrade {
        Some(upgrade) => {
            lines.push(format!("the server, version {version}, is encrypted at {server}"));
            lines.extend(renewed(upgrade, version));
        }
        None => lines.push(format!("the server stays encrypted at {server}")),
    }
    if let Some(package) = &installed.package {
        lines.push(format!("new versions of {package} will lie there, beside the guard"));
    }
    lines.push(format!("only the guard may execute it, and only it may open @{}", spec.category));
    let policy = match spec.settings.as_slice() {
        [] => "the defaults".to_owned(),
        settings => settings.join(", "),
    };
    let show = client::command(&instance.paths, &format!("guard show {guard}"));
    lines.push(format!("its policy: {policy} ({show})"));
    if spec.reload_privileges {
        lines.push("the server is told to load its privileges once it answers".to_owned());
    }
    lines
}

fn renewed(upgrade: &Upgrade, version: &str) -> Vec<String> {
    let Upgrade { old_version, old_sha256, sha256 } = upgrade;
    let mut lines = Vec::new();
    if let Some(old_version) = old_version {
        lines.push(format!("version before: {old_version}, now: {version}"));
    }
    match old_sha256 {
        Some(old) if old != sha256 => {
            lines.push(format!("SHA-256 before: {old}"));
            lines.push(format!("SHA-256 now:    {sha256}"));
        }
        _ => lines.push(format!("its SHA-256: {sha256}")),
    }
    lines
}
