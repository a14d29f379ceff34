//! How far a server is on its way behind a guard: what an install, an upgrade or a run that was killed
//! left.

use super::error::{At, Error, Result};
use super::path::{original, with_suffix};
use super::probe;
use super::program;
use super::session::Session;
use super::site::{Site, location_at};
use crate::guard::server::Server;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// How far a server is.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// Encrypted and registered; nothing waits.
    Sound,
    /// Plain, at this path.
    Plain(PathBuf),
    /// Encrypted at this path, and what it tells of itself is not known.
    Unknown {
        /// Its location.
        path: PathBuf,
        /// The category, without the `@`.
        category: String,
    },
    /// Encrypted, while a newer one waits at this path to be taken in.
    Waiting(PathBuf),
}

/// What a path leads to, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    /// A symlink.
    Link,
    /// A copy of this program.
    Ours,
    /// Another regular file.
    File,
    Other,
}

/// Beside the encrypted server: the next one, while the change is being made.
pub fn next(site: &Site) -> PathBuf {
    with_suffix(&site.server, ".ezncrypt-new")
}

/// Beside the encrypted server: the former one, while the change is being made.
pub fn former(site: &Site) -> PathBuf {
    with_suffix(&site.server, ".ezncrypt-old")
}

impl Standing {
    /// Looks where the server is.
    ///
    /// # Errors
    /// [`Error::NoServer`] when it is nowhere.
    pub fn of(site: &Site, session: &mut Session<'_>) -> Result<Self> {
        let usual = if site.is_moved() { found(&site.usual)? } else { Found::Nothing };
        match site.location(session)? {
            Some(row) => encrypted(site, usual, row.category),
            None => plain(site, usual, session),
        }
    }
}

/// The server is encrypted. Whatever is newer was put there by whoever upgraded it.
fn encrypted(site: &Site, usual: Found, category: String) -> Result<Standing> {
    let next = next(site);
    if found(&site.server)? == Found::File {
        return Ok(Standing::Waiting(site.server.clone()));
    }
    if usual == Found::File {
        return Ok(Standing::Waiting(site.usual.clone()));
    }
    if found(&next)? == Found::File {
        return Ok(Standing::Waiting(next));
    }
    let is_known = site
        .row
        .as_ref()
        .is_some_and(|row| !row.server_tainted && Server::from_text(&row.spec.facts).is_ok());
    if is_known {
        return Ok(Standing::Sound);
    }
    let category = category.trim_start_matches('@').to_owned();
    Ok(Standing::Unknown { path: site.server.clone(), category })
}

/// The server is not encrypted where it is to be.
fn plain(site: &Site, usual: Found, session: &mut Session<'_>) -> Result<Standing> {
    let (server, next) = (found(&site.server)?, next(site));
    if found(&next)? == Found::File {
        // Decrypted, and not yet replaced; or replaced by one that is newer still.
        let stays = server == Found::File && {
            let known = site.known_sha256(session)?;
            known.is_some_and(|known| probe::sha256(&site.server).is_ok_and(|sha| sha != known))
        };
        return Ok(Standing::Plain(if stays { site.server.clone() } else { next }));
    }
    if server == Found::File {
        return Ok(Standing::Plain(site.server.clone()));
    }
    match usual {
        Found::File => Ok(Standing::Plain(site.usual.clone())),
        Found::Link => match location_at(&site.usual, session)? {
            // Encrypted by hand where it was.
            Some(row) => {
                let category = row.category.trim_start_matches('@').to_owned();
                Ok(Standing::Unknown { path: site.usual.clone(), category })
            }
            None => Err(Error::NoServer(site.usual.clone())),
        },
        Found::Ours => Err(Error::OwnProgram(site.usual.clone())),
        Found::Other => Err(Error::NotAFile(site.usual.clone())),
        Found::Nothing => Err(match server {
            Found::Ours => Error::OwnProgram(site.server.clone()),
            Found::Other => Error::NotAFile(site.server.clone()),
            _ => Error::NoServer(site.usual.clone()),
        }),
    }
}

/// Whether the symlink that encrypting left is at the server's path.
pub fn is_linked(site: &Site, mount: &Path) -> bool {
    found(&site.server).is_ok_and(|found| found == Found::Link)
        && original(&site.server, mount).is_ok_and(|path| path == site.server)
}

fn found(path: &Path) -> Result<Found> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Found::Nothing);
        }
        metadata => metadata.at("look at", path)?,
    };
    if metadata.is_symlink() {
        Ok(Found::Link)
    } else if !metadata.is_file() {
        Ok(Found::Other)
    } else if program::is_ours(path)? {
        Ok(Found::Ours)
    } else {
        Ok(Found::File)
    }
}
