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
            if !is_swapped_back(&site, &store)? {
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

/// As [`recover()`], while the location is served: for what a run that failed left behind it. A location at rest
/// only loses what is left of the plaintext that was swapped away.
///
/// # Errors
/// As [`recover()`].
pub fn settle(record: &Record, context: &mut Context<'_>) -> Result<Recovered> {
    if record.phase != Phase::Encrypted {
        return recover(record, context);
    }
    let Ok(site) = Site::open(record, context.mount) else { return Ok(Recovered::Nothing) };
    let Some(private) = site.work()? else { return Ok(Recovered::Nothing) };
    if site.inside(&private)? == Found::OurLink
        || !Store::open(record, context.storage)?.is_placed()?
    {
        return Ok(Recovered::Nothing);
    }
    remove_plaintext(&site, context)?;
    Ok(Recovered::Finished)
}

/// Whether decrypting had put the plaintext on its path. Once that is durable the ciphertext is taken from its place,
/// and then the symlink, which the exchange brought, from the private directory.
fn is_swapped_back(site: &Site, store: &Store) -> Result<bool> {
    let inside = site.work()?.map(|private| site.inside(&private)).transpose()?;
    match inside {
        Some(Found::OurLink) => Ok(true),
        None | Some(Found::Nothing) => Ok(!store.is_placed()?),
        Some(Found::Other(_)) if store.is_placed()? => Ok(false),
        // A copy that may be the only one.
        Some(Found::Other(_)) => Err(Error::CiphertextMissing(site.path.clone())),
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
