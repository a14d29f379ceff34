//! What the sealed body says: category keys, rules, locations, guards, as JSON.
//!
//! The same conditions hold for what is written and for what was read. Every buffer that held keys
//! is wiped. Only [`Error`] leaves this module, never the JSON reader's error: that one quotes what
//! it could not read.

use super::category;
use super::{AuditHead, BackupRecord, GuardRecord, Location, RuleRecord, SlotRecord};
use super::{guard, location, text};
use crate::crypto::sector::Suite;
use crate::crypto::{self, CategoryId, CategoryKeys, Key, SecretBytes};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// What contents may not be.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone)]
pub enum Error {
    /// Not the JSON that this release writes.
    #[error("the contents cannot be read at line {line}, column {column}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The contents could not be written as JSON.
    #[error("the contents cannot be written")]
    Unwritable,
    /// A category's name is not one.
    #[error(transparent)]
    CategoryName(#[from] category::Error),
    /// Two categories have one name or one id.
    #[error("category @{0} occurs twice")]
    CategoryRepeated(String),
    /// A category's suite or keys do not fit.
    #[error("category @{category}: {source}")]
    CategoryKeys {
        /// Which one.
        category: String,
        /// What is wrong.
        source: crypto::Error,
    },
    /// Two locations have one path or one id.
    #[error("location {path} occurs twice", path = .0.display())]
    LocationRepeated(PathBuf),
    /// A location's path is relative, or has `.` or `..` in it.
    #[error("location {path} is not an absolute, plain path", path = .0.display())]
    LocationPath(PathBuf),
    /// A location's category has no keys here.
    #[error("location {path} is of category @{category}, which does not exist", path = path.display())]
    LocationCategory {
        /// Which location.
        path: PathBuf,
        /// The category it names.
        category: String,
    },
    /// A guard is not one.
    #[error(transparent)]
    Guard(#[from] guard::Error),
}

/// The unsealed contents. Keys are shared with whoever uses them, not copied.
#[derive(Clone, Default)]
pub(super) struct Contents {
    pub(super) categories: BTreeMap<String, Arc<CategoryKeys>>,
    pub(super) rules: Vec<RuleRecord>,
    pub(super) locations: Vec<Location>,
    pub(super) guards: Vec<GuardRecord>,
    pub(super) audit: Option<AuditHead>,
    pub(super) slots: Vec<SlotRecord>,
    /// How often keys or keyslots were changed.
    pub(super) key_changes: u64,
    pub(super) backup: Option<BackupRecord>,
    /// What sealed the audit log under earlier master keys, the oldest first.
    pub(super) audit_keys: Vec<Arc<Key>>,
}

impl Contents {
    /// Checks what the types do not say.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut ids = HashSet::new();
        for (name, keys) in &self.categories {
            if category::parse(name)? != name {
                return Err(category::Error::Character('@').into());
            }
            if !ids.insert(keys.id) {
                return Err(Error::CategoryRepeated(name.clone()));
            }
        }
        let (mut ids, mut paths) = (HashSet::new(), HashSet::new());
        for Location { id, category, path, .. } in &self.locations {
            if !location::is_plain(path) {
                return Err(Error::LocationPath(path.clone()));
            }
            if !ids.insert(id) || !paths.insert(path) {
                return Err(Error::LocationRepeated(path.clone()));
            }
            if !self.categories.contains_key(category) {
                let (path, category) = (path.clone(), category.clone());
                return Err(Error::LocationCategory { path, category });
            }
        }
        Ok(guard::check(&self.guards, &self.locations)?)
    }

    /// Writes the JSON into memory that is wiped and never moves while it is written.
    pub(super) fn encode(&self) -> Result<SecretBytes, Error> {
        write(&BodyOut::from(self))
    }

    /// Reads and checks the JSON.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let body: BodyIn = serde_json::from_slice(bytes)
            .map_err(|error| Error::Syntax { line: error.line(), column: error.column() })?;
        let BodyIn {
            categories: kept,
            rules,
            locations,
            guards,
            audit,
            slots,
            key_changes,
            backup,
            audit_keys,
        } = body;
        let mut categories = BTreeMap::new();
        for category in kept {
            let name = category.name.clone();
            let keys = category.keys()?;
            if categories.insert(name.clone(), Arc::new(keys)).is_some() {
                return Err(Error::CategoryRepeated(name));
            }
        }
        let audit_keys = audit_keys.into_iter().map(|kept| Arc::new(kept.key)).collect();
        let contents = Self {
            categories,
            rules,
            locations,
            guards,
            audit,
            slots,
            key_changes,
            backup,
            audit_keys,
        };
        contents.check()?;
        Ok(contents)
    }
}

/// JSON in memory that is wiped and never moves while it is written.
pub(super) fn write(body: &impl Serialize) -> Result<SecretBytes, Error> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, body).map_err(|_| Error::Unwritable)?;
    let mut bytes = SecretBytes::new(Vec::with_capacity(length.0));
    serde_json::to_writer(bytes.expose_mut(), body).map_err(|_| Error::Unwritable)?;
    Ok(bytes)
}

#[derive(Serialize)]
struct BodyOut<'a> {
    categories: Vec<CategoryOut<'a>>,
    rules: &'a [RuleRecord],
    locations: &'a [Location],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    guards: &'a [GuardRecord],
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<AuditHead>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    slots: &'a [SlotRecord],
    #[serde(skip_serializing_if = "is_zero")]
    key_changes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<BackupRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audit_keys: Vec<AuditKeyOut<'a>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Serialize)]
pub(super) struct CategoryOut<'a> {
    name: &'a str,
    #[serde(with = "text::hex")]
    id: [u8; 16],
    suite: u16,
    epoch: u32,
    keys: Vec<EpochOut<'a>>,
}

#[derive(Serialize)]
struct AuditKeyOut<'a> {
    #[serde(with = "text::key")]
    key: &'a Key,
}

#[derive(Serialize)]
struct EpochOut<'a> {
    epoch: u32,
    #[serde(with = "text::key")]
    key: &'a Key,
}

impl<'a> CategoryOut<'a> {
    pub(super) fn of(name: &'a str, keys: &'a CategoryKeys) -> Self {
        Self {
            name,
            id: keys.id.0,
            suite: keys.suite as u16,
            epoch: keys.current_epoch(),
            keys: keys.epochs().map(|(epoch, key)| EpochOut { epoch, key }).collect(),
        }
    }
}

impl<'a> From<&'a Contents> for BodyOut<'a> {
    fn from(contents: &'a Contents) -> Self {
        let category =
            |(name, keys): (&'a String, &'a Arc<CategoryKeys>)| CategoryOut::of(name, keys);
        Self {
            categories: contents.categories.iter().map(category).collect(),
            rules: &contents.rules,
            locations: &contents.locations,
            guards: &contents.guards,
            audit: contents.audit,
            slots: &contents.slots,
            key_changes: contents.key_changes,
            backup: contents.backup,
            audit_keys: contents.audit_keys.iter().map(|key| AuditKeyOut { key }).collect(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyIn {
    categories: Vec<CategoryIn>,
    rules: Vec<RuleRecord>,
    locations: Vec<Location>,
    #[serde(default)]
    guards: Vec<GuardRecord>,
    #[serde(default)]
    audit: Option<AuditHead>,
    #[serde(default)]
    slots: Vec<SlotRecord>,
    #[serde(default)]
    key_changes: u64,
    #[serde(default)]
    backup: Option<BackupRecord>,
    #[serde(default)]
    audit_keys: Vec<AuditKeyIn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditKeyIn {
    #[serde(with = "text::key")]
    key: Key,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CategoryIn {
    name: String,
    #[serde(with = "text::hex")]
    id: [u8; 16],
    suite: u16,
    epoch: u32,
    keys: Vec<EpochIn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EpochIn {
    epoch: u32,
    #[serde(with = "text::key")]
    key: Key,
}

impl CategoryIn {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn keys(self) -> Result<CategoryKeys, Error> {
        let mut keys = BTreeMap::new();
        for EpochIn { epoch, key } in self.keys {
            if keys.insert(epoch, key).is_some() {
                return Err(Error::CategoryRepeated(self.name));
            }
        }
        Suite::try_from(self.suite)
            .and_then(|suite| {
                CategoryKeys::from_parts(CategoryId(self.id), suite, self.epoch, keys)
            })
            .map_err(|source| Error::CategoryKeys { category: self.name, source })
    }
}

/// Counts what would be written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "contents_tests.rs"]
mod tests;
