//! Decrypting in place.

use super::checks;
use super::compare::compare;
use super::content::Form;
use super::context::{Context, Step};
use super::copy::copy;
use super::error::{Error, Listed, Result};
use super::record::{Phase, Record};
use super::recover;
use super::scan::Manifest;
use super::side::Side;
use super::site::{Found, Site};
use super::store::Store;
use std::os::fd::OwnedFd;

/// Puts the plaintext of an encrypted location back on its original path, removes the ciphertext and
/// the record. Everything is durable then. Where the symlink was lost, the plaintext comes back
/// all the same.
///
/// # Errors
/// [`Error::InUse`] while processes have files open; [`Error::NotOurLink`] when something else is on
/// the original path; [`Error::Volume`] when ciphertext does not verify. Everything is undone at
/// once; [`Error::NotUndone`] and [`Error::Leftover`] leave work for
/// [`recover`](super::recover()).
pub fn decrypt(record: &Record, context: &mut Context<'_>) -> Result<()> {
    context.tell(Step::Checking);
    if record.phase != Phase::Encrypted {
        return Err(Error::NotEncrypted(record.path.clone()));
    }
    let busy = context.tree.freeze(record)?;
    let result = match Listed::of(busy) {
        Some(busy) => Err(Error::InUse(busy)),
        None => frozen(record, context),
    };
    context.tree.thaw(record);
    result
}

fn frozen(record: &Record, context: &mut Context<'_>) -> Result<()> {
    let site = Site::open(record, context.mount)?;
    checks::unused_in_mount(&site.target)?;
    let store = Store::open(record, context.storage)?;
    if !store.is_placed()? {
        return Err(Error::CiphertextMissing(record.path.clone()));
    }
    let outside = site.outside()?;
    if matches!(outside, Found::Other(_)) {
        return Err(Error::NotOurLink(record.path.clone()));
    }
    let placed = store.placed(Form::Cipher(context.keys.clone()))?;
    let manifest = Manifest::of(&placed)?;
    checks::restorable(&manifest, &placed)?;
    context.tell(Step::Space);
    checks::space(&manifest, &Form::Plain, site.parent(), &record.path)?;

    context.tell(Step::Recording);
    context.journal.advance(record.id, Phase::Decrypting)?;
    let private = swap(&site, &placed, &manifest, outside, context)
        .map_err(|cause| recover::after(cause, recover::undo_decrypting(&site, record, context)))?;
    // From here on the plaintext is in use, so there is only the way forward.
    context.tell(Step::Syncing);
    site.sync(&private)
        .and_then(|()| recover::remove_ciphertext(&site, &store, record, context))
        .map_err(|source| Error::Leftover { path: record.path.clone(), source: source.into() })
}

/// Makes the plaintext, makes sure of it, and puts it on the original path; returns the private
/// directory. An error means that the path is as before.
fn swap(
    site: &Site,
    placed: &Side,
    manifest: &Manifest,
    outside: Found,
    context: &mut Context<'_>,
) -> Result<OwnedFd> {
    context.tell(Step::Preparing);
    let private = site.make_work()?;
    let plain = site.aside(&private)?;
    copy(placed, &plain, manifest, context)?;
    context.tell(Step::Syncing);
    site.sync_filesystem()?;
    context.tell(Step::Comparing);
    compare(placed, &plain, manifest, context)?;
    context.tell(Step::Syncing);
    site.sync_filesystem()?;

    context.tell(Step::Swapping);
    if outside == Found::Nothing {
        site.restore_link(manifest.root().owner)?;
    }
    site.exchange(&private)?;
    if site.inside(&private)? != Found::OurLink {
        // Not our symlink came back but what somebody put on the path at the last moment. It goes
        // back before anything else happens, because what is in the private directory is removed.
        site.exchange(&private)?;
        return Err(Error::Changed(site.path.clone()));
    }
    Ok(private)
}
