//! Which guards there are: those that were installed, and those that rules alone make.
//!
//! Made anew, as a whole, with every change of the keystore, together with the rules in force: so it
//! is also here that a rule learns what its process must have shown besides.

use super::super::protocol::{Failure, FailureKind};
use crate::access::{Bindings, BoundRule, Effect, Fingerprint, Pinned, Rule, Terms};
use crate::keystore::{GuardRecord, Kind, Location, PinnedFile, RuleBindings, RuleRecord, State};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why it cannot be told what a guard guards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The rules let it execute nothing that is an encrypted file.
    #[error("no rule lets the guard {0:?} execute an encrypted server")]
    NoServer(PathBuf),
    /// The rules let it execute more than one.
    #[error("the rules let the guard {guard:?} execute several servers: {servers:?}")]
    SeveralServers {
        /// The guard.
        guard: PathBuf,
        /// Original paths of the servers.
        servers: Vec<PathBuf>,
    },
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self::new(FailureKind::Failed, error.to_string()).hint(match error {
            Error::NoServer(_) => "encrypt the server: ezncrypt -e @protected SERVER",
            Error::SeveralServers { .. } => {
                "give each server a guard of its own, and name the server in the guard's rule"
            }
        })
    }
}

/// A guard, and what it guards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Its own file.
    pub path: PathBuf,
    /// The names it may be called by.
    pub names: Vec<OsString>,
    /// Original path of the server.
    pub server: PathBuf,
    /// The server below the mount; none while it is not encrypted.
    pub encrypted: Option<Encrypted>,
    /// What was installed; none for a guard made by rules alone.
    pub record: Option<GuardRecord>,
}

/// The server in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// Its category, without the `@`.
    pub category: String,
    /// Its path below the mount point.
    pub path: PathBuf,
}

/// Guards, rules and locations, as of one state of the keystore.
pub struct Registry {
    guards: BTreeMap<PathBuf, Result<Guard, Error>>,
    rules: Vec<(Rule, RuleRecord)>,
    locations: Arc<Vec<Location>>,
    mount: PathBuf,
}

impl Registry {
    /// Works out the guards; `mount` is the mount point.
    pub fn new(
        rules: Vec<(Rule, RuleRecord)>,
        records: &[GuardRecord],
        locations: Arc<Vec<Location>>,
        mount: PathBuf,
    ) -> Self {
        let mut registry = Self { guards: BTreeMap::new(), rules, locations, mount };
        for record in records {
            registry.guards.insert(record.path.clone(), Ok(registry.installed(record)));
        }
        let made: BTreeSet<PathBuf> =
            registry.flagged().map(|rule| rule.1.process.clone()).collect();
        for path in made {
            let by_rules = registry.by_rules(&path);
            registry.guards.entry(path).or_insert(by_rules);
        }
        registry
    }

    /// The guard at a path; `None` when there is none.
    pub fn guard(&self, path: &Path) -> Option<Result<&Guard, &Error>> {
        self.guards.get(path).map(Result::as_ref)
    }

    /// All guards that can be told.
    pub fn guards(&self) -> impl Iterator<Item = &Guard> {
        self.guards.values().filter_map(|guard| guard.as_ref().ok())
    }

    /// The mount point.
    pub fn mount(&self) -> &Path {
        &self.mount
    }

    /// The locations that are encrypted.
    pub fn encrypted(&self) -> impl Iterator<Item = &Location> {
        self.locations.iter().filter(|location| location.state == State::Encrypted)
    }

    /// Where a path of a category stands below the mount point.
    pub fn below_mount(&self, category: &str, original: &Path) -> PathBuf {
        self.mount.join(category).join(original.strip_prefix("/").unwrap_or(original))
    }

    /// The ALLOW rules whose process is the program at `path`.
    pub fn allowing<'a>(
        &'a self,
        path: &'a Path,
    ) -> impl Iterator<Item = &'a (Rule, RuleRecord)> + Clone {
        self.allow_rules().filter(move |rule| rule.1.process == path)
    }

    /// The rules, as the policy takes them, in their order.
    pub fn bound_rules(&self) -> Vec<BoundRule> {
        let bind = |(rule, record): &(Rule, RuleRecord)| BoundRule {
            rule: rule.clone(),
            process: record.process.clone(),
            fingerprint: Fingerprint { sha256: record.sha256, size: record.size },
            bindings: bindings(&record.bindings),
            terms: self.terms(&record.process),
        };
        self.rules.iter().map(bind).collect()
    }

    fn allow_rules(&self) -> impl Iterator<Item = &(Rule, RuleRecord)> + Clone {
        self.rules.iter().filter(|rule| rule.0.effect == Effect::Allow)
    }

    fn flagged(&self) -> impl Iterator<Item = &(Rule, RuleRecord)> {
        self.allow_rules().filter(|rule| rule.1.guard)
    }

    /// By the process's path alone, so that all rules for one process have the same.
    fn terms(&self, process: &Path) -> Terms {
        if self.guards.contains_key(process) {
            Terms::Declaration
        } else if self.is_guarded(process) {
            Terms::CommandLine
        } else {
            Terms::None
        }
    }

    /// Whether some guard may execute the program, which is below the mount point.
    fn is_guarded(&self, process: &Path) -> bool {
        let Ok(below) = process.strip_prefix(&self.mount) else { return false };
        let mut parts = below.components();
        let category = parts.next().and_then(|first| first.as_os_str().to_str());
        let original = Path::new("/").join(parts.as_path());
        category.is_some_and(|category| {
            let executes = |(rule, record): &(Rule, RuleRecord)| {
                self.guards.contains_key(&record.process) && rule.covers(category, &original)
            };
            self.allow_rules().any(executes)
        })
    }

    fn installed(&self, record: &GuardRecord) -> Guard {
        Guard {
            path: record.path.clone(),
            names: record.names.iter().map(|name| name.0.clone().into()).collect(),
            server: record.server.clone(),
            encrypted: self.file_at(&record.server),
            record: Some(record.clone()),
        }
    }

    fn by_rules(&self, path: &Path) -> Result<Guard, Error> {
        let may_execute = |location: &&Location| {
            location.kind == Kind::File
                && self.allowing(path).any(|rule| rule.0.covers(&location.category, &location.path))
        };
        let servers: Vec<_> = self.encrypted().filter(may_execute).collect();
        match servers[..] {
            [] => Err(Error::NoServer(path.into())),
            [server] => Ok(Guard {
                path: path.into(),
                names: names(path, &server.path),
                server: server.path.clone(),
                encrypted: self.file_at(&server.path),
                record: None,
            }),
            _ => {
                let servers = servers.into_iter().map(|server| server.path.clone()).collect();
                Err(Error::SeveralServers { guard: path.into(), servers })
            }
        }
    }

    fn file_at(&self, original: &Path) -> Option<Encrypted> {
        let mut files = self.encrypted().filter(|location| location.kind == Kind::File);
        let Location { category, .. } = files.find(|location| location.path == original)?;
        let path = self.below_mount(category, original);
        Some(Encrypted { category: category.clone(), path })
    }
}

fn bindings(kept: &RuleBindings) -> Bindings {
    let pinned = |file: &PinnedFile| Pinned {
        path: file.path.clone(),
        fingerprint: Fingerprint { sha256: file.sha256, size: file.size },
    };
    Bindings {
        users: kept.users.clone(),
        groups: kept.groups.clone(),
        script: kept.script.as_ref().map(pinned),
        libraries: kept.libraries.iter().map(pinned).collect(),
    }
}

/// Names of a guard made by rules alone: its own file's and the server's.
fn names(guard: &Path, server: &Path) -> Vec<OsString> {
    let mut names: Vec<_> =
        [guard, server].iter().filter_map(|path| path.file_name()).map(Into::into).collect();
    names.dedup();
    names
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
