//! Encrypting in place.

use super::checks;
use super::compare::compare;
use super::content::Form;
use super::context::{Context, Step};
use super::copy::copy;
use super::error::{Error, Listed, Result};
use super::record::{Id, Kind, Phase, Record};
use super::recover;
use super::resolve::resolve;
use super::scan::Manifest;
use super::site::{Found, Site};
use super::store::Store;
use crate::crypto::random;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Encrypts the file or directory at `path` and leaves a symlink into the mount there. A symlink is
/// followed and what it names is encrypted.
///
/// Returns the record, which the journal holds as [`Phase::Encrypted`]. Everything is durable then.
///
/// # Errors
/// Whatever the checks find, before anything was touched. Later errors are undone at once;
/// [`Error::NotUndone`] and [`Error::Leftover`] leave work for [`recover`](super::recover()).
pub fn encrypt(path: &Path, category: &str, context: &mut Context<'_>) -> Result<Record> {
    context.tell(Step::Checking);
    checks::category(category)?;
    let resolved = resolve(path, context.mount)?;
    if !resolved.as_os_str().eq(path.as_os_str()) {
        context.tell(Step::Followed { from: path.to_owned(), to: resolved.clone() });
    }
    let mut record = Record {
        id: Id(random()?),
        category: category.to_owned(),
        path: resolved,
        kind: Kind::File,
        phase: Phase::Encrypting,
    };
    let (site, store, manifest) = checks::before_encrypting(&mut record, context)?;
    context.tell(Step::Recording);
    context.journal.begin(&record)?;

    let work = Work { site: &site, store: &store, manifest: &manifest };
    let swapped = work.build(context).and_then(|private| work.swap(&record, &private, context));
    let swapped = swapped.map_err(|cause| {
        recover::after(cause, recover::undo_encrypting(&site, &store, &record, context))
    });
    context.tree.thaw(&record);
    swapped?;
    record.phase = Phase::Encrypted;
    recover::remove_plaintext(&site, context)
        .map_err(|source| Error::Leftover { path: record.path.clone(), source: source.into() })?;
    Ok(record)
}

struct Work<'a> {
    site: &'a Site,
    store: &'a Store,
    manifest: &'a Manifest,
}

impl Work<'_> {
    /// Makes the ciphertext and makes sure of it; returns the private directory with the symlink.
    fn build(&self, context: &mut Context<'_>) -> Result<OwnedFd> {
        context.tell(Step::Preparing);
        self.store.prepare()?;
        let private = self.site.make_work()?;
        self.site.make_link(&private, self.manifest.root().owner)?;

        let original = self.site.original()?;
        let staged = self.store.staged(Form::Cipher(context.keys.clone()))?;
        copy(&original, &staged, self.manifest, context)?;
        context.tell(Step::Syncing);
        self.store.sync_filesystem()?;
        context.tell(Step::Comparing);
        compare(&original, &staged, self.manifest, context)?;
        checks::untouched(&original, self.manifest, false)?;
        context.tell(Step::Syncing);
        self.store.sync_filesystem()?;
        Ok(private)
    }

    /// Puts the ciphertext in its place and the symlink on the original path. Until the journal has
    /// it, nobody may write through the mount: an undo would lose that.
    fn swap(&self, record: &Record, private: &OwnedFd, context: &mut Context<'_>) -> Result<()> {
        if let Some(busy) = Listed::of(context.tree.freeze(record)?) {
            return Err(Error::InUse(busy));
        }
        context.tell(Step::Placing);
        self.store.put_in_place()?;
        context.tree.changed(record);
        context.tell(Step::Swapping);
        self.site.exchange(private)?;
        // Whoever owns the directory may have put another thing there at the last moment.
        if self.site.inside(private)? != Found::Other(self.manifest.root().inode) {
            return Err(Error::Changed(record.path.clone()));
        }
        context.tell(Step::Syncing);
        self.site.sync(private)?;
        checks::untouched(&self.site.aside(private)?, self.manifest, true)?;
        context.tell(Step::Recording);
        context.journal.advance(record.id, Phase::Encrypted)
    }
}
