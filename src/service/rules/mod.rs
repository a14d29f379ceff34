//! The rule requests: parse, bind, store, put in force.
//!
//! - [`bind`]: what the process and the names in the parameters mean now; it asks `accounts`,
//!   `script`, `libraries` (which asks `elf`) and `ownership`.
//! - [`list()`]: the rules, whether they still hold, and `warnings`.
//! - [`refresh()`]: new fingerprints, first shown and then taken.

mod accounts;
mod bind;
mod elf;
mod libraries;
mod list;
mod ownership;
mod refresh;
mod script;
mod warnings;

pub use list::list;
pub use refresh::{preview, refresh};

use super::confirmation;
use super::engine::Engine;
use super::protocol::{Answer, Failure, FailureKind, Progress};
use crate::access::{PathPattern, Resolved, Rule};
use crate::keystore::{Location, PinnedFile, RuleRecord};
use serde_json::json;
use std::path::Path;

/// Adds a rule with the fingerprints that its files have now. `package` is the name and version of
/// the one that its process is of.
///
/// # Errors
/// Usage when it does not parse or something that it names cannot be bound; failed when it is there,
/// bound to something else.
pub fn add(
    engine: &Engine,
    text: &str,
    package: Option<String>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let rule = original(engine, parse(text)?);
    doubts(engine, &rule).into_iter().for_each(|doubt| progress(Progress::Step(doubt)));
    let bind::Bound { record, notes } = bind::bind(engine, &rule, package)?;
    let warnings = list::of_record(engine, &record)?;
    let confirmed = engine.with_keystore(|keystore| {
        match keystore.rules().iter().find(|known| known.text == record.text) {
            // Said again: nothing to do.
            Some(known) if says_the_same(&record, known) => return Ok(Vec::new()),
            Some(_) => {
                let message = format!(
                    "there is such a rule, with another fingerprint or other users: {rule}"
                );
                let hint = "`ezncrypt-access-control -u` takes new fingerprints; for new users \
                            delete it and add it again";
                return Err(Failure::new(FailureKind::Failed, message).hint(hint));
            }
            None => {}
        }
        Ok(keystore.update(|draft| {
            draft.rules.push(record);
            Ok(confirmation::confirm(draft, &rule.category))
        })?)
    })?;
    confirmation::tell(engine, &confirmed, progress);
    notes.into_iter().for_each(|note| progress(Progress::Step(note)));
    let warnings = warnings.iter().map(|warning| format!("warning: {warning}"));
    warnings.for_each(|warning| progress(Progress::Step(warning)));
    engine.log().write("rule_added", json!({ "rule": rule.to_string() }));
    engine.refresh()?;
    list(engine)
}

/// Deletes the rule of this number in the list, or of this text.
///
/// # Errors
/// Usage when there is none.
pub fn delete(engine: &Engine, which: &str) -> Result<Answer, Failure> {
    let deleted = engine.with_keystore(|keystore| {
        let index = index_of(keystore.rules(), which)?;
        Ok(keystore.update(|draft| Ok(draft.rules.remove(index)))?)
    })?;
    engine.log().write("rule_deleted", json!({ "rule": deleted.text }));
    engine.refresh()?;
    list(engine)
}

fn parse(text: &str) -> Result<Rule, Failure> {
    text.parse::<Rule>().map_err(|error| {
        Failure::new(FailureKind::Usage, error.to_string())
            .hint("ezncrypt-access-control -a \"ALLOW @mysql * /usr/sbin/mysqld\"")
    })
}

/// What is legal and yet likely a slip of the pen.
fn doubts(engine: &Engine, rule: &Rule) -> Option<String> {
    let locations = engine.locations();
    let mut mine =
        locations.iter().filter(|location| location.category == rule.category).peekable();
    if mine.peek().is_none() {
        return Some(format!("note: nothing is encrypted in @{} yet", rule.category));
    }
    let touches = |location: &Location| {
        rule.path.covers(&location.path) || rule.path.may_reach_below(&location.path)
    };
    let none = !mine.any(touches);
    none.then(|| format!("note: nothing that is encrypted in @{} is {}", rule.category, rule.path))
}

/// The rule with a PATH that leads to a location by other names (`/usr/sbin/mysqld`, where that is a
/// symlink to the encrypted `mariadbd`) written as the original path, which is what is compared.
fn original(engine: &Engine, mut rule: Rule) -> Rule {
    let led_to = |path: &Path| {
        let below = engine.programs().below_mount(path)?;
        Some(Path::new("/").join(below.strip_prefix(&rule.category).ok()?))
    };
    let path = rule.path.literal().and_then(led_to);
    if let Some(pattern) = path.and_then(|path| PathPattern::exactly(&path).ok()) {
        rule.path = pattern;
    }
    rule
}

/// Whether two records of one rule are bound to the same. Which package it is of does not matter.
fn says_the_same(record: &RuleRecord, known: &RuleRecord) -> bool {
    let record = RuleRecord { package: known.package.clone(), ..record.clone() };
    bind::kept_as_guard(&record, known) == *known
}

fn pinned(file: &Resolved) -> PinnedFile {
    PinnedFile {
        path: file.path.clone(),
        sha256: file.fingerprint.sha256,
        size: file.fingerprint.size,
    }
}

fn index_of(rules: &[RuleRecord], which: &str) -> Result<usize, Failure> {
    let by_number = || which.parse::<usize>().ok()?.checked_sub(1).filter(|i| *i < rules.len());
    let by_text = || {
        let wanted = which.parse::<Rule>().ok()?.to_string();
        rules.iter().position(|rule| rule.text == wanted)
    };
    by_number().or_else(by_text).ok_or_else(|| {
        Failure::new(FailureKind::Usage, format!("there is no rule {which}"))
            .hint("`ezncrypt-access-control -l` lists them with their numbers")
    })
}
