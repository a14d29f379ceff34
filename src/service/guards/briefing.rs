//! What a guard is told: its [`Briefing`] as JSON, the same text for the same state.

use super::super::hex;
use super::super::protocol::{Failure, FailureKind};
use super::registry::{Encrypted, Guard, Registry};
use super::wire::{Briefing, Permit, Plugin};
use crate::access::{Effect, Parameters, PathPattern, Rule};
use crate::keystore::{GuardRecord, Location, PluginRecord};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Why a guard cannot be told anything.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Its server is no longer encrypted.
    #[error("the server {0:?} is not encrypted")]
    Decrypted(PathBuf),
    /// The rules give the server nothing.
    #[error("no rule lets this server open any data: {server:?}")]
    NoRule {
        /// Original path of the server.
        server: PathBuf,
        /// The rule to add.
        rule: String,
    },
    /// The rules give the server categories in which there is nothing.
    #[error("nothing is encrypted of what the rules let this server open: {server:?}")]
    NoData {
        /// Original path of the server.
        server: PathBuf,
        /// A category that the rules give it.
        category: String,
    },
    /// It cannot be written as JSON.
    #[error("the briefing cannot be written")]
    Unwritable,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self::new(FailureKind::Failed, error.to_string());
        match error {
            Error::Decrypted(server) => {
                failure.hint(format!("ezncrypt -e @protected {}", server.display()))
            }
            Error::NoRule { rule, .. } => {
                failure.hint(format!("ezncrypt-access-control -a \"{rule}\""))
            }
            Error::NoData { category, .. } => {
                failure.hint(format!("encrypt the data: ezncrypt -e @{category} DATADIR"))
            }
            Error::Unwritable => failure,
        }
    }
}

/// Writes a guard's briefing.
///
/// # Errors
/// [`Error`], when there is nothing that its server could serve.
pub fn text(registry: &Registry, guard: &Guard, permit: Option<Permit>) -> Result<String, Error> {
    let Guard { path, server: original, encrypted, record, .. } = guard;
    let encrypted = encrypted.as_ref().ok_or_else(|| Error::Decrypted(original.clone()))?;
    let (data, unconfirmed) = (data(registry, encrypted), unconfirmed(registry, encrypted));
    if data.is_empty() && unconfirmed.is_empty() {
        return Err(nothing(registry, guard, encrypted));
    }
    let below = |location: &Location| registry.below_mount(&location.category, &location.path);
    let all: BTreeSet<PathBuf> = registry.encrypted().map(below).collect();
    let record = record.as_ref();
    let briefing = Briefing {
        guard: path.into(),
        server: encrypted.path.clone().into(),
        original: original.into(),
        mount: registry.mount().into(),
        data: data.into_iter().map(Into::into).collect(),
        unconfirmed: unconfirmed.into_iter().map(Into::into).collect(),
        encrypted: all.into_iter().map(Into::into).collect(),
        settings: record.map(|record| record.settings.clone()).unwrap_or_default(),
        permit,
        plugins: record.map(|record| record.plugins.iter().map(plugin).collect()),
        facts: record.map(|record| record.facts.clone()).filter(|facts| !facts.is_empty()),
        reload_privileges: record.is_some_and(|record| record.reload_privileges),
    };
    serde_json::to_string(&briefing).map_err(|_| Error::Unwritable)
}

/// Below the mount: what the rules let the server open and somebody confirmed, whole locations or what
/// a rule names in one.
pub fn data(registry: &Registry, server: &Encrypted) -> BTreeSet<PathBuf> {
    below_mount(registry, server, true)
}

/// Original paths of the same.
pub fn original_data(registry: &Registry, server: &Encrypted) -> BTreeSet<PathBuf> {
    let confirmed = given(registry, server).filter(|place| place.confirmed);
    confirmed.map(|place| place.path.into()).collect()
}

fn unconfirmed(registry: &Registry, server: &Encrypted) -> BTreeSet<PathBuf> {
    below_mount(registry, server, false)
}

fn below_mount(registry: &Registry, server: &Encrypted, confirmed: bool) -> BTreeSet<PathBuf> {
    let places = given(registry, server).filter(|place| place.confirmed == confirmed);
    places.map(|place| registry.below_mount(place.category, place.path)).collect()
}

/// The category of the first of them.
pub fn data_category(registry: &Registry, server: &Encrypted) -> Option<String> {
    given(registry, server).next().map(|place| place.category.into())
}

/// How a plugin is told.
pub fn plugin(record: &PluginRecord) -> Plugin {
    let sha256 = hex(&record.sha256);
    Plugin { name: record.name.clone().into(), sha256 }
}

struct Given<'a> {
    category: &'a str,
    path: &'a Path,
    confirmed: bool,
}

fn given<'a>(registry: &'a Registry, server: &'a Encrypted) -> impl Iterator<Item = Given<'a>> {
    registry.allowing(&server.path).flat_map(move |(rule, _)| {
        registry.encrypted().filter_map(|location| {
            let Location { category, path, confirmed, .. } = location;
            // The server's own file is no data, whatever a rule says.
            if *category != rule.category || registry.below_mount(category, path) == server.path {
                return None;
            }
            let within = || rule.path.literal().filter(|part| location.contains(part));
            let path = if rule.path.covers(path) { path } else { within()? };
            Some(Given { category, path, confirmed: *confirmed })
        })
    })
}

fn nothing(registry: &Registry, guard: &Guard, encrypted: &Encrypted) -> Error {
    let server = guard.server.clone();
    if let Some((rule, _)) = registry.allowing(&encrypted.path).next() {
        return Error::NoData { server, category: rule.category.clone() };
    }
    let category = |record: &GuardRecord| record.category.clone();
    let rule = Rule {
        effect: Effect::Allow,
        category: guard.record.as_ref().map_or_else(|| "mysql".into(), category),
        path: PathPattern::everything(),
        process: encrypted.path.clone(),
        parameters: Parameters::default(),
    };
    Error::NoRule { server, rule: rule.to_string() }
}
