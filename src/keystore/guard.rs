//! A guard as it is kept: the program before an encrypted server, and its policy. What settings and
//! facts say is not known here.

use super::{Kind, Location, category, location, text};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::PathBuf;

/// What guards may not be.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone)]
pub enum Error {
    /// Two guards have one path.
    #[error("guard {path} occurs twice", path = .0.display())]
    Repeated(PathBuf),
    /// A path of it is relative, or has `.` or `..` in it.
    #[error("guard {guard}: {path} is not an absolute, plain path", guard = guard.display(), path = path.display())]
    Path {
        /// Which guard.
        guard: PathBuf,
        /// The path.
        path: PathBuf,
    },
    /// Its server is an encrypted directory.
    #[error("guard {guard}: {server} is a directory", guard = guard.display(), server = server.display())]
    Directory {
        /// Which guard.
        guard: PathBuf,
        /// Its server.
        server: PathBuf,
    },
    /// The category of its server's data has no proper name.
    #[error("guard {guard}: {source}", guard = guard.display())]
    Category {
        /// Which guard.
        guard: PathBuf,
        /// What is wrong with the name.
        source: category::Error,
    },
}

/// A registered guard. Paths are absolute, without `.` and `..`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardRecord {
    /// The guard's own file.
    #[serde(with = "text::path")]
    pub path: PathBuf,
    /// The names that it may be called by.
    pub names: Vec<Name>,
    /// Original path of the server: that of a location which is a file.
    #[serde(with = "text::path")]
    pub server: PathBuf,
    /// Where the server was before it was guarded, when that is another path.
    pub was_at: Option<Name>,
    /// Category of the server's data, without the `@`. It may have no location yet.
    pub category: String,
    /// The policy's settings.
    pub settings: Vec<String>,
    /// Whether the server is told to load the privileges again once it answers.
    pub reload_privileges: bool,
    /// The plugin libraries that were there.
    pub plugins: Vec<PluginRecord>,
    /// What the server told of itself.
    pub facts: String,
    /// Whether the package manager was told to put the server's next version elsewhere.
    pub diverted: bool,
    /// Texts of the rules that were added for this guard.
    pub added_rules: Vec<String>,
    /// Texts that rules had before they were moved from `was_at` to the encrypted server.
    pub moved_rules: Vec<String>,
}

/// A name or path of any bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(#[serde(with = "text::path")] pub PathBuf);

/// A plugin library as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginRecord {
    /// File name.
    #[serde(with = "text::path")]
    pub name: PathBuf,
    /// SHA-256 of its contents.
    #[serde(with = "text::hex")]
    pub sha256: [u8; 32],
}

/// Checks what the types do not say. A server may be decrypted for a while (an upgrade of it): then
/// its guard has nothing to start.
pub(super) fn check(guards: &[GuardRecord], locations: &[Location]) -> Result<(), Error> {
    let mut paths = HashSet::new();
    for GuardRecord { path, server, was_at, category, .. } in guards {
        let guard = || path.clone();
        if !paths.insert(path) {
            return Err(Error::Repeated(guard()));
        }
        let mut named = [path, server].into_iter().chain(was_at.as_ref().map(|at| &at.0));
        if let Some(bad) = named.find(|path| !location::is_plain(path)) {
            return Err(Error::Path { guard: guard(), path: bad.clone() });
        }
        if location::at(locations, server).is_some_and(|at| at.kind != Kind::File) {
            return Err(Error::Directory { guard: guard(), server: server.clone() });
        }
        let name = category::parse(category)
            .map_err(|source| Error::Category { guard: guard(), source })?;
        if name != category {
            let source = category::Error::Character('@');
            return Err(Error::Category { guard: guard(), source });
        }
    }
    Ok(())
}
