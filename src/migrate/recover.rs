//! Finishing or undoing what was interrupted.
//!
//! The journal says which copy is authoritative; the private directory says whether the swap
//! happened. Every function here can itself be interrupted and called again: it looks, does what is
//! missing, and touches the journal last.

use super::context::{Context, Step};
use super::error::{Error, Result};
use super::record::{Phase, Record};
use super::site::{Found, Site};
use super::store::Store;
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// What [`recover()`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// There was nothing to do: the location is encrypted.
    Nothing,
    /// What was interrupted was finished: encrypted, or decrypted and forgotten.
    Finished,
    /// What was interrupted was undone: as before encrypting (and forgotten), or encrypted as
    /// before decrypting.
    Undone,
}

/// Finishes or undoes what the record says was going on. To be called for each record before the
/// location is served: nothing may have been written to it since the interruption. Records of
/// locations at rest are checked for leftovers only.
///
/// # Errors
/// [`Error::Displaced`] and [`Error::CiphertextMissing`] when somebody interfered: nothing is removed
/// then. Other errors leave the rest for the next call.
pub fn recover(record: &Record, context: &mut Context<'_>) -> Result<Recovered> {
    let store = Store::open(record, context.storage)?;
    let site = match Site::open(record, context.mount) {
        Err(Error::Io { source, .. }) if record.phase == Phase::Encrypted && is_gone(&source) => {
            return Ok(Recovered::Nothing);
        }
        other => other?,
    };
    match record.phase {
        Phase::Encrypting => undo_encrypting(&site, &store, record, context),
        Phase::Encrypted => finish_encrypting(&site, &store, record, context),
        Phase::Decrypting => {
            let swapped = match site.work()? {
                Some(private) => site.inside(&private)? == Found::OurLink,
                None => !store.is_placed()?,
            };
            if !swapped {
                return undo_decrypting(&site, record, context);
            }
            if let Some(private) = site.work()? {
                // The swap may not have reached the disk yet.
                site.sync(&private)?;
            }
            remove_ciphertext(&site, &store, record, context)?;
            Ok(Recovered::Finished)
        }
    }
}

fn is_gone(error: &std::io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP))
}

/// The error to return for `cause`, given how undoing went.
pub(super) fn after(cause: Error, undone: Result<Recovered>) -> Error {
    match undone {
        Ok(_) => cause,
        Err(undo) => Error::NotUndone { cause: cause.into(), undo: undo.into() },
    }
}

/// Puts the original back if it was swapped away, removes the ciphertext and forgets the record.
pub(super) fn undo_encrypting(
    site: &Site,
    store: &Store,
    record: &Record,
    context: &mut Context<'_>,
) -> Result<Recovered> {
    context.tell(Step::Undoing { path: record.path.clone() });
    let private = site.work()?;
    match &private {
        Some(private) => restore_original(site, private)?,
        // The private directory with the plaintext was taken away after the swap; the ciphertext
        // is complete and stays.
        None if site.outside()? == Found::OurLink && store.is_placed()? => {
            context.journal.advance(record.id, Phase::Encrypted)?;
            return Ok(Recovered::Finished);
        }
        None => {}
    }
    context.tell(Step::Placing);
    store.discard(&mut |path| (context.progress)(Step::Removing { path }))?;
    context.tree.changed(record);
    if let Some(private) = &private {
        context.tell(Step::Removing { path: site.work_path() });
        site.remove_link(private)?;
        site.remove_work(private)?;
    }
    context.tell(Step::Recording);
    context.journal.forget(record.id)?;
    Ok(Recovered::Undone)
}

/// Undoes the swap if it happened: what is in the private directory is then not our symlink.
fn restore_original(site: &Site, private: &OwnedFd) -> Result<()> {
    if let Found::Other(_) = site.inside(private)? {
        match site.outside()? {
            Found::OurLink => site.exchange(private)?,
            Found::Nothing => site.put_back(private)?,
            Found::Other(_) => {
                let (path, kept) = (site.path.clone(), site.work_path());
                return Err(Error::Displaced { path, kept });
            }
        }
    }
    site.sync(private)
}

fn finish_encrypting(
    site: &Site,
    store: &Store,
    record: &Record,
    context: &mut Context<'_>,
) -> Result<Recovered> {
    let Some(private) = site.work()? else {
        return if store.is_placed()? {
            Ok(Recovered::Nothing)
        } else {
            Err(Error::CiphertextMissing(record.path.clone()))
        };
    };
    // The symlink is in the private directory again only when writing the journal failed and the
    // swap was being undone.
    if site.inside(&private)? == Found::OurLink {
        return undo_encrypting(site, store, record, context);
    }
    if !store.is_placed()? {
        return Err(Error::CiphertextMissing(record.path.clone()));
    }
    remove_plaintext(site, context)?;
    Ok(Recovered::Finished)
}

/// Removes the plaintext that was swapped away, and the private directory.
pub(super) fn remove_plaintext(site: &Site, context: &mut Context<'_>) -> Result<()> {
    let Some(private) = site.work()? else { return Ok(()) };
    site.remove_aside(&private, &mut |path: PathBuf| context.tell(Step::Removing { path }))?;
    site.remove_work(&private)
}

/// Before the swap: removes what was made of the plaintext and says that the location is encrypted as before.
pub(super) fn undo_decrypting(
    site: &Site,
    record: &Record,
    context: &mut Context<'_>,
) -> Result<Recovered> {
    context.tell(Step::Undoing { path: record.path.clone() });
    if let Some(private) = site.work()? {
        site.remove_aside(&private, &mut |path: PathBuf| context.tell(Step::Removing { path }))?;
        site.remove_work(&private)?;
    }
    context.tell(Step::Recording);
    context.journal.advance(record.id, Phase::Encrypted)?;
    Ok(Recovered::Undone)
}

/// Removes the ciphertext of a location whose plaintext is back and durable, and forgets it.
pub(super) fn remove_ciphertext(
    site: &Site,
    store: &Store,
    record: &Record,
    context: &mut Context<'_>,
) -> Result<()> {
    context.tell(Step::Placing);
    store.discard(&mut |path| (context.progress)(Step::Removing { path }))?;
    context.tree.changed(record);
    if let Some(private) = site.work()? {
        context.tell(Step::Removing { path: site.work_path() });
        site.remove_link(&private)?;
        site.remove_work(&private)?;
    }
    context.tell(Step::Recording);
    context.journal.forget(record.id)
}
