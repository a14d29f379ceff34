//! Where one server, its guard and its names are.

use super::error::{At, Error, Result};
use super::path::{in_mount, original};
use super::session::Session;
use super::{PROTECTED, Wish};
use crate::service::protocol::{GuardRow, LocationRow, RuleRow};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// The directory of guarded servers, beside where they were.
pub const GUARDED: &str = "ezncrypt-guarded";

/// One server and its guard.
#[derive(Debug)]
pub struct Site {
    /// Where the server is started by others, and where its package puts it.
    pub usual: PathBuf,
    /// Where the encrypted server is: beside [`Site::usual`] when the guard takes that path.
    pub server: PathBuf,
    /// The guard's own file.
    pub guard: PathBuf,
    /// What is registered already.
    pub row: Option<GuardRow>,
    mount: PathBuf,
}

impl Site {
    /// The place for a guard as `wish` has it; the one it has when it is registered.
    ///
    /// # Errors
    /// [`Error::BelowMount`], [`Error::GuardElsewhere`], [`Error::GuardIsServer`].
    pub fn find(wish: &Wish, session: &mut Session<'_>) -> Result<Self> {
        let path = resolve(&wish.path, session)?;
        let guards = session.guards()?;
        let named = |usual: &Path| named(wish.name.as_deref(), usual, session.mount());
        if let Some(row) = guards.iter().find(|row| row.registered && has(row, &path)).cloned() {
            let site = Self::registered(row, session.mount());
            let guard = named(&site.usual)?.unwrap_or_else(|| site.guard.clone());
            if guard != site.guard {
                let (server, guard) = (site.usual, site.guard);
                return Err(Error::GuardElsewhere { server, guard });
            }
            return Ok(site);
        }
        let mount = session.mount().to_owned();
        // Made by rules: it stays where it is.
        if let Some(row) = guards.iter().find(|row| Path::new(&row.spec.path) == path) {
            let server = PathBuf::from(&row.spec.server);
            return Ok(Self { usual: server.clone(), server, guard: path, row: None, mount });
        }
        let usual = before_guarding(&path).unwrap_or(path);
        match named(&usual)? {
            Some(guard) if guard == usual => Err(Error::GuardIsServer(usual)),
            Some(guard) => Ok(Self { server: usual.clone(), usual, guard, row: None, mount }),
            None => {
                let server = guarded(&usual).ok_or_else(|| Error::NotAFile(usual.clone()))?;
                Ok(Self { guard: usual.clone(), usual, server, row: None, mount })
            }
        }
    }

    /// The place of a registered guard.
    pub fn registered(row: GuardRow, mount: &Path) -> Self {
        let server = PathBuf::from(&row.spec.server);
        let usual = row.spec.was_at.as_ref().map_or_else(|| server.clone(), PathBuf::from);
        let guard = PathBuf::from(&row.spec.path);
        Self { usual, server, guard, row: Some(row), mount: mount.to_owned() }
    }

    /// Whether the guard is where the server was, and the server beside it.
    pub fn is_moved(&self) -> bool {
        self.usual != self.server
    }

    /// The directory that is made for the server, where the guard takes its path.
    pub fn directory(&self) -> Option<&Path> {
        self.server.parent().filter(|_| self.is_moved())
    }

    /// Where the encrypted server is executed.
    pub fn in_mount(&self) -> PathBuf {
        in_mount(&self.mount, PROTECTED, &self.server)
    }

    /// The server as rules may name it: plain or encrypted, here or where it was.
    pub fn processes(&self) -> [PathBuf; 3] {
        let before = in_mount(&self.mount, PROTECTED, &self.usual);
        [self.usual.clone(), before, self.in_mount()]
    }

    /// The location of the encrypted server, if it is one.
    pub fn location(&self, session: &mut Session<'_>) -> Result<Option<LocationRow>> {
        location_at(&self.server, session)
    }

    /// SHA-256 of the encrypted server as the rules have it, lower-case hex.
    pub fn known_sha256(&self, session: &mut Session<'_>) -> Result<Option<String>> {
        let process = self.in_mount();
        let rules = session.rules()?;
        let is_it = |rule: &RuleRow| rule.encrypted && Path::new(&rule.process) == process;
        Ok(rules.into_iter().find(is_it).map(|rule| rule.sha256))
    }

    /// The names that the guard may be called by: the server's, as typed and by every symlink beside
    /// it, and the guard's own; those that it has already.
    ///
    /// # Errors
    /// When the server's directory cannot be listed.
    pub fn names(&self, typed: &Path) -> Result<Vec<OsString>> {
        let mut names: Vec<OsString> = Vec::new();
        let own = [self.usual.file_name(), self.guard.file_name(), typed.file_name()];
        names.extend(own.into_iter().flatten().map(OsStr::to_owned));
        let directory = self.usual.parent().unwrap_or(Path::new("/"));
        for entry in fs::read_dir(directory).at("list", directory)? {
            let entry = entry.at("list", directory)?;
            let path = entry.path();
            let is_link = entry.file_type().at("look at", &path)?.is_symlink();
            let leads_here = |to: PathBuf| to == self.usual || to == self.server;
            if is_link && original(&path, &self.mount).is_ok_and(leads_here) {
                names.push(entry.file_name());
            }
        }
        names.extend(self.row.iter().flat_map(|row| row.spec.names.iter().cloned()));
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// The registered guard at `typed`, or before the server there.
///
/// # Errors
/// [`Error::NoGuard`]; [`Error::ByRules`] when it was made by rules alone.
pub fn registered(typed: &Path, session: &mut Session<'_>) -> Result<Site> {
    let row = row(typed, session)?;
    if row.registered {
        Ok(Site::registered(row, session.mount()))
    } else {
        Err(Error::ByRules(row.spec.path.into()))
    }
}

/// The guard at `typed`, or before the server there, however it was made.
///
/// # Errors
/// [`Error::NoGuard`].
pub fn row(typed: &Path, session: &mut Session<'_>) -> Result<GuardRow> {
    let path = resolve(typed, session)?;
    let mut found: Vec<_> = session.guards()?.into_iter().filter(|row| has(row, &path)).collect();
    // Several guards of one server: the one whose own path it is.
    found.sort_by_key(|row| (Path::new(&row.spec.path) != path, !row.registered));
    found.into_iter().next().ok_or_else(|| Error::NoGuard(typed.to_owned()))
}

/// The location at `path`, if it is one.
///
/// # Errors
/// [`Error::Unfinished`] when it is being encrypted or decrypted.
pub fn location_at(path: &Path, session: &mut Session<'_>) -> Result<Option<LocationRow>> {
    let found = session.locations()?.into_iter().find(|row| Path::new(&row.path) == path);
    match found {
        Some(row) if row.state != "encrypted" => Err(Error::Unfinished(path.to_owned())),
        found => Ok(found),
    }
}

fn resolve(typed: &Path, session: &Session<'_>) -> Result<PathBuf> {
    for mount in [session.paths().mount(), session.mount().to_owned()] {
        if typed.starts_with(&mount) {
            return Err(Error::BelowMount { path: typed.to_owned(), mount });
        }
    }
    original(typed, session.mount())
}

fn has(row: &GuardRow, path: &Path) -> bool {
    let spec = &row.spec;
    let is_it = |other: &OsString| Path::new(other) == path;
    is_it(&spec.path) || is_it(&spec.server) || spec.was_at.as_ref().is_some_and(is_it)
}

/// Where the guard is to be by its name: beside the server, or on a path of its own.
fn named(name: Option<&Path>, usual: &Path, mount: &Path) -> Result<Option<PathBuf>> {
    let Some(name) = name else { return Ok(None) };
    let path = usual.parent().unwrap_or(Path::new("/")).join(name);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::NotAFile(path));
    };
    Ok(Some(original(parent, mount)?.join(name)))
}

/// Where a server goes when its guard takes its path.
fn guarded(usual: &Path) -> Option<PathBuf> {
    Some(usual.parent()?.join(GUARDED).join(usual.file_name()?))
}

/// Where a server was that lies in the directory of guarded ones.
fn before_guarding(path: &Path) -> Option<PathBuf> {
    let directory = path.parent().filter(|parent| parent.ends_with(GUARDED))?;
    Some(directory.parent()?.join(path.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guarded_server_keeps_its_name_and_is_found_back() {
        let usual = Path::new("/usr/sbin/mariadbd");
        let server = guarded(usual).unwrap();
        assert_eq!(server, Path::new("/usr/sbin/ezncrypt-guarded/mariadbd"));
        assert_eq!(before_guarding(&server).unwrap(), usual);
        assert_eq!(before_guarding(usual), None);
    }

    #[test]
    fn a_bare_name_is_beside_the_server() {
        let (usual, mount) = (Path::new("/usr/sbin/mariadbd"), Path::new("/nowhere"));
        let named = |name: &str| named(Some(Path::new(name)), usual, mount).unwrap().unwrap();
        assert_eq!(named("mysqld-guard"), Path::new("/usr/sbin/mysqld-guard"));
        assert_eq!(named("/opt/./guard"), Path::new("/opt/guard"));
    }
}
