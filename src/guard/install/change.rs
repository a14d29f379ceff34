//! The steps that change something: each is told, noted for undoing, and done only where it is not
//! done yet.

use super::PROTECTED;
use super::error::{Error, Result};
use super::package::{self, Owned};
use super::path::make_directory;
use super::probe;
use super::program;
use super::session::Session;
use super::site::Site;
use super::undo::{Done, Undo, remove, rename, rename_to_free};
use crate::sys::open_files::{Holder, holders};
use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// Work on one site, with what was done so far.
pub struct Change<'s, 'a> {
    /// The talk with the service.
    pub session: &'s mut Session<'a>,
    undo: Undo,
}

impl<'s, 'a> Change<'s, 'a> {
    /// Does `work`; when it fails, undoes what it did.
    ///
    /// # Errors
    /// What `work` says; [`Error::NotUndone`].
    pub fn make<T>(
        session: &'s mut Session<'a>,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let mut change = Self { session, undo: Undo::default() };
        match work(&mut change) {
            Ok(done) => Ok(done),
            Err(cause) => Err(change.undo.run(cause, change.session)),
        }
    }

    /// Refuses while the plain server at `path` runs.
    pub fn refuse_running(&self, path: &Path) -> Result<()> {
        refuse(path, probe::users(path)?)
    }

    /// Refuses while the encrypted server runs.
    pub fn refuse_running_encrypted(&self, site: &Site) -> Result<()> {
        let program = site.in_mount();
        let found = holders(&program, &HashSet::new()).map_err(|source| Error::Io {
            doing: "look for users of",
            path: program,
            source,
        })?;
        refuse(&site.server, found)
    }

    /// Moves a plain server from `from` to where it will be encrypted.
    pub fn move_plain(&mut self, site: &Site, from: &Path) -> Result<()> {
        if from == site.server {
            return Ok(());
        }
        self.make_directory(site)?;
        self.rename(from, &site.server, false)
    }

    /// Makes the package manager put the server's next version where the encrypted one is. A server
    /// that is still at its usual path is moved there.
    pub fn divert(&mut self, site: &Site, owned: &Owned, plain: Option<&Path>) -> Result<()> {
        match package::diversion(&owned.path)? {
            Some(to) if to == site.server => return Ok(()),
            Some(to) => {
                return Err(Error::DivertedElsewhere { path: owned.path.clone(), to });
            }
            None => {}
        }
        self.make_directory(site)?;
        self.session.step(format!(
            "telling dpkg that {} goes to {}",
            owned.path.display(),
            site.server.display()
        ));
        let moves = plain == Some(site.usual.as_path()) && owned.path == site.usual;
        package::add_diversion(&owned.path, &site.server, moves)?;
        self.undo.note(Done::Diverted { path: owned.path.clone() });
        if moves {
            let (from, to) = (site.usual.clone(), site.server.clone());
            self.undo.note(Done::Moved { from, to });
        }
        Ok(())
    }

    /// Ends that.
    pub fn undivert(&mut self, owned: &Path, to: &Path) -> Result<()> {
        self.session.step(format!("telling dpkg that {} stays there", owned.display()));
        package::remove_diversion(owned)?;
        self.undo.note(Done::Undiverted { path: owned.to_owned(), to: to.to_owned() });
        Ok(())
    }

    /// Encrypts the plain server.
    pub fn encrypt(&mut self, path: &Path) -> Result<()> {
        let result = self.session.encrypt(PROTECTED, path);
        // The answer may be lost though it was done.
        if result.is_ok() || self.is_location(path) == Some(true) {
            self.undo.note(Done::Encrypted(path.to_owned()));
        }
        result
    }

    /// Decrypts the server at `path`, a location in `category`.
    pub fn decrypt(&mut self, path: &Path, category: &str) -> Result<()> {
        let result = self.session.decrypt(path);
        if result.is_ok() || self.is_location(path) == Some(false) {
            let category = category.trim_start_matches('@').to_owned();
            self.undo.note(Done::Decrypted { path: path.to_owned(), category });
        }
        result
    }

    /// Whether something is encrypted at `path`; none when that cannot be told.
    fn is_location(&mut self, path: &Path) -> Option<bool> {
        let rows = self.session.locations().ok()?;
        Some(rows.iter().any(|row| Path::new(&row.path) == path))
    }

    /// Gives a file another name; in place of what has that name only when it `replaces`.
    pub fn rename(&mut self, from: &Path, to: &Path, replaces: bool) -> Result<()> {
        self.session.step(format!("moving {} to {}", from.display(), to.display()));
        if replaces {
            rename(from, to)?
        } else {
            rename_to_free(from, to)?
        }
        self.undo.note(Done::Moved { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    /// Puts the guard in place unless it is there; tells whether it was not.
    pub fn put_guard(&mut self, path: &Path) -> Result<bool> {
        if program::is_current(path)? {
            return Ok(false);
        }
        self.session.step(format!("putting the guard at {}", path.display()));
        let former = program::put(path)?;
        self.undo.note(Done::Guard { path: path.to_owned(), former });
        Ok(true)
    }

    /// Notes the guard's file as it is, because the next step replaces it.
    pub fn note_guard(&mut self, path: &Path) -> Result<()> {
        if let Some(former) = program::former(path)? {
            self.undo.note(Done::Guard { path: path.to_owned(), former: Some(former) });
        }
        Ok(())
    }

    /// Removes the guard's file.
    pub fn remove_guard(&mut self, path: &Path) -> Result<()> {
        self.session.step(format!("removing {}", path.display()));
        self.note_guard(path)?;
        remove(path)
    }

    /// Removes the directory of guarded servers, if nothing is left in it.
    pub fn remove_directory(&mut self, site: &Site) {
        if let Some(directory) = site.directory()
            && fs::remove_dir(directory).is_ok()
        {
            self.undo.note(Done::NoDirectory(directory.to_owned()));
        }
    }

    fn make_directory(&mut self, site: &Site) -> Result<()> {
        if let Some(directory) = site.directory()
            && make_directory(directory)?
        {
            self.undo.note(Done::Directory(directory.to_owned()));
        }
        Ok(())
    }
}

fn refuse(path: &Path, holders: Vec<Holder>) -> Result<()> {
    if holders.is_empty() {
        return Ok(());
    }
    Err(Error::Running { server: path.to_owned(), holders })
}
