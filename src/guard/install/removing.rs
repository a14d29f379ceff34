//! Taking a guard back: the server is where it was, as it was.

use super::change::Change;
use super::error::Result;
use super::installing::set_aside;
use super::package;
use super::session::Session;
use super::site::{self, Site};
use super::standing::{self, Standing};
use super::undo::remove as remove_file;
use std::path::{Path, PathBuf};

/// What [`remove()`] did.
#[derive(Debug, PartialEq, Eq)]
pub struct Removed {
    /// The guard that is gone.
    pub guard: PathBuf,
    /// Where the server is again.
    pub server: PathBuf,
}

/// Removes the guard at `path`, or before the server there, and puts the server back.
///
/// # Errors
/// Why not; then everything is as it was, unless [`super::Error::NotUndone`] says otherwise.
pub fn remove(path: &Path, session: &mut Session<'_>) -> Result<Removed> {
    let _turn = session.begin()?;
    session.part("removing the guard");
    let site = site::registered(path, session)?;
    Change::make(session, |change| carry_out(&site, change))?;
    remove_file(&standing::former(&site))?;
    remove_file(&standing::next(&site))?;
    if let Some(directory) = site.directory() {
        // What others put there stays, and so does the directory.
        let _ = std::fs::remove_dir(directory);
    }
    session.part_done();
    Ok(Removed { guard: site.guard, server: site.usual })
}

fn carry_out(site: &Site, change: &mut Change<'_, '_>) -> Result<()> {
    change.refuse_running_encrypted(site)?;
    let plain = plain(site, change)?;
    // A run that was killed may have put it back.
    if plain != site.usual {
        if site.is_moved() {
            change.note_guard(&site.guard)?;
        }
        change.rename(&plain, &site.usual, site.is_moved())?;
    }
    if !site.is_moved() {
        change.remove_guard(&site.guard)?;
    } else if let Some(path) = package::diverted(&site.usual, &site.server)? {
        change.undivert(&path, &site.server)?;
    }
    change.remove_directory(site);
    change.session.step("removing its policy and its rules".into());
    change.session.forget(site.guard.as_os_str())
}

/// Decrypts the server; where a newer one waits, that is the one to go on with.
fn plain(site: &Site, change: &mut Change<'_, '_>) -> Result<PathBuf> {
    match Standing::of(site, change.session)? {
        Standing::Plain(path) => {
            if path == standing::next(site) && site.server.symlink_metadata().is_ok() {
                change.rename(&site.server, &standing::former(site), true)?;
            }
            Ok(path)
        }
        Standing::Sound | Standing::Unknown { .. } => {
            if let Some(row) = site.location(change.session)? {
                change.decrypt(&site.server, &row.category)?;
            }
            Ok(site.server.clone())
        }
        Standing::Waiting(waiting) => {
            let next = set_aside(site, &waiting, change)?;
            change.rename(&site.server, &standing::former(site), true)?;
            Ok(next)
        }
    }
}
