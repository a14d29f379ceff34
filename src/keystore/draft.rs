//! The contents while a transaction changes them.

use super::contents::Contents;
use super::{AuditHead, Error, GuardRecord, Location, Result, RuleRecord, category};
use crate::crypto::CategoryKeys;
use crate::crypto::sector::Suite;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A copy of the contents, to be changed at will; what cannot be kept is refused when it is saved.
pub struct Draft {
    categories: BTreeMap<String, Arc<CategoryKeys>>,
    /// The rules, in the order in which they are listed.
    pub rules: Vec<RuleRecord>,
    /// The locations.
    pub locations: Vec<Location>,
    /// The guards.
    pub guards: Vec<GuardRecord>,
    /// How far the audit log had come.
    pub(super) audit: Option<AuditHead>,
}

impl Draft {
    pub(super) fn of(contents: &Contents) -> Self {
        let Contents { categories, rules, locations, guards, audit } = contents.clone();
        Self { categories, rules, locations, guards, audit }
    }

    pub(super) fn into_contents(self) -> Contents {
        let Self { categories, rules, locations, guards, audit } = self;
        Contents { categories, rules, locations, guards, audit }
    }

    /// The keys of category `name`, given without the `@`.
    pub fn category(&self, name: &str) -> Option<&Arc<CategoryKeys>> {
        self.categories.get(name)
    }

    /// Makes a category with a new key, for the cipher that is fast on this CPU.
    ///
    /// # Errors
    /// [`Error::CategoryName`], [`Error::CategoryExists`], or [`Error::Crypto`] when the kernel gives
    /// no random bytes.
    pub fn add_category(&mut self, name: &str) -> Result<Arc<CategoryKeys>> {
        let name = category::parse(name)?;
        if self.categories.contains_key(name) {
            return Err(Error::CategoryExists(name.into()));
        }
        let keys = Arc::new(CategoryKeys::generate(Suite::for_this_cpu())?);
        self.categories.insert(name.into(), Arc::clone(&keys));
        Ok(keys)
    }

    /// Takes over a category whose keys were made before.
    ///
    /// # Errors
    /// [`Error::CategoryName`], [`Error::CategoryExists`].
    pub fn insert_category(&mut self, name: &str, keys: Arc<CategoryKeys>) -> Result<()> {
        let name = category::parse(name)?;
        if self.categories.contains_key(name) {
            return Err(Error::CategoryExists(name.into()));
        }
        self.categories.insert(name.into(), keys);
        Ok(())
    }
}
