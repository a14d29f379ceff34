//! A location as it is kept, and finding one by path.

use super::text;
use crate::crypto;
use serde::{Deserialize, Serialize};
use std::path::{Component, Path, PathBuf};

/// The random identity of a location.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocationId(#[serde(with = "text::hex")] pub [u8; 16]);

impl LocationId {
    /// Draws a new identity.
    ///
    /// # Errors
    /// [`crypto::Error::Random`] when the kernel gives no random bytes.
    pub fn random() -> crypto::Result<Self> {
        Ok(Self(crypto::random()?))
    }
}

impl std::fmt::Display for LocationId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&text::to_hex(&self.0))
    }
}

impl std::fmt::Debug for LocationId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "LocationId({self})")
    }
}

/// What a location is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One file.
    File,
    /// A directory and everything below it.
    Directory,
}

/// How far a location is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Being encrypted, or that was interrupted.
    Encrypting,
    /// Encrypted.
    Encrypted,
    /// Being decrypted, or that was interrupted.
    Decrypting,
}

/// An encrypted file or directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Random identity.
    pub id: LocationId,
    /// Name of its category, without the `@`.
    pub category: String,
    /// Its original path: absolute, without `.` and `..`.
    #[serde(with = "text::path")]
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// How far it is.
    pub state: State,
    /// Whether somebody who showed the secret stands for what is in it: a server may be started on it.
    /// What does not say is confirmed: it was written before it was asked.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub confirmed: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_yes(flag: &bool) -> bool {
    *flag
}

impl Location {
    /// A location with a new identity, about to be encrypted.
    ///
    /// # Errors
    /// [`crypto::Error::Random`] when the kernel gives no random bytes.
    pub fn new(category: &str, path: &Path, kind: Kind) -> crypto::Result<Self> {
        let id = LocationId::random()?;
        Ok(Self {
            id,
            category: category.into(),
            path: path.into(),
            kind,
            state: State::Encrypting,
            confirmed: true,
        })
    }

    /// Whether `path` is this location's, or below it.
    pub fn contains(&self, path: &Path) -> bool {
        match self.kind {
            Kind::File => path == self.path,
            Kind::Directory => path.starts_with(&self.path),
        }
    }
}

/// Whether `path` is absolute and written the one way that compares equal.
pub(super) fn is_plain(path: &Path) -> bool {
    let mut components = path.components();
    components.next() == Some(Component::RootDir)
        && components.all(|component| matches!(component, Component::Normal(_)))
        && path.components().collect::<PathBuf>().as_os_str() == path.as_os_str()
}

/// The location whose original path is exactly `path`.
pub(super) fn at<'a>(locations: &'a [Location], path: &Path) -> Option<&'a Location> {
    locations.iter().find(|location| location.path == path)
}

/// The innermost location that `path` lies in.
pub(super) fn containing<'a>(locations: &'a [Location], path: &Path) -> Option<&'a Location> {
    locations
        .iter()
        .filter(|location| location.contains(path))
        .max_by_key(|location| location.path.components().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locations() -> Vec<Location> {
        [
            ("/var/lib/mysql", Kind::Directory),
            ("/var/lib/mysql/inner", Kind::Directory),
            ("/etc/my.cnf", Kind::File),
        ]
        .map(|(path, kind)| Location::new("mysql", Path::new(path), kind).unwrap())
        .into()
    }

    #[test]
    fn a_location_is_found_at_its_path_only() {
        let locations = locations();
        assert!(at(&locations, Path::new("/var/lib/mysql")).is_some());
        assert!(at(&locations, Path::new("/var/lib/mysql/ibdata1")).is_none());
        assert!(at(&locations, Path::new("/var/lib")).is_none());
    }

    #[test]
    fn the_innermost_location_contains_a_path_and_names_are_compared_whole() {
        let locations = locations();
        let found = |path: &str| {
            containing(&locations, Path::new(path)).map(|found| found.path.display().to_string())
        };
        assert_eq!(found("/var/lib/mysql").as_deref(), Some("/var/lib/mysql"));
        assert_eq!(found("/var/lib/mysql/db/t.ibd").as_deref(), Some("/var/lib/mysql"));
        assert_eq!(found("/var/lib/mysql/inner/t").as_deref(), Some("/var/lib/mysql/inner"));
        assert_eq!(found("/var/lib/mysql2/t"), None);
        assert_eq!(found("/etc/my.cnf").as_deref(), Some("/etc/my.cnf"));
        assert_eq!(found("/etc/my.cnf/x"), None);
    }
}
