//! What installing and removing a guard does to rules and records: on lists alone, without a system.

use crate::access::{Effect, Fingerprint, Parameters, PathPattern, Rule};
use crate::keystore::{GuardRecord, RuleBindings, RuleRecord};
use std::path::{Path, PathBuf};

/// The rules and records that are changed.
pub struct Lists<'a> {
    /// Rules, in the order in which they are listed.
    pub rules: &'a mut Vec<RuleRecord>,
    /// Guards.
    pub guards: &'a mut Vec<GuardRecord>,
}

/// A guard to be installed, looked up and fingerprinted. Its record's lists of rules are empty.
pub struct Plan {
    /// What is kept.
    pub record: GuardRecord,
    /// The guard's file as it is now.
    pub guard: Fingerprint,
    /// Category of the server, without the `@`.
    pub server_category: String,
    /// The server below the mount.
    pub server_path: PathBuf,
    /// The server as it is now.
    pub server: Fingerprint,
}

/// Why a guard cannot be installed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The server's path cannot stand in a rule.
    #[error("{0:?} cannot stand in a rule")]
    Path(PathBuf),
    /// The guard is that of another server.
    #[error("{guard:?} is the guard of {server:?}")]
    Taken {
        /// The guard.
        guard: PathBuf,
        /// Its server.
        server: PathBuf,
    },
}

/// Installs: the two rules it needs, rules for the server's former path moved to the encrypted one,
/// fingerprints renewed, the record kept. Returns the record.
///
/// # Errors
/// [`Error`].
pub fn install(lists: &mut Lists<'_>, plan: Plan) -> Result<GuardRecord, Error> {
    let executing = rule(
        &plan.server_category,
        PathPattern::exactly(&plan.record.server)
            .map_err(|_| Error::Path(plan.record.server.clone()))?,
        &plan.record.path,
    );
    let opening = rule(&plan.record.category, PathPattern::everything(), &plan.server_path);
    let executing = bound(&executing, &plan.record.path, plan.guard, Role::Guard);
    let opening = bound(&opening, &plan.server_path, plan.server, Role::Server);
    let mut record = plan.record;
    let others = |known: &&GuardRecord| known.path == record.path && known.server != record.server;
    if let Some(known) = lists.guards.iter().find(others) {
        return Err(Error::Taken { guard: record.path, server: known.server.clone() });
    }
    let (mut added, mut moved) = take_over(lists, &mut record);
    moved.extend(move_rules(lists.rules, &record, &plan.server_path, plan.server));
    for rule in [executing, opening] {
        let text = rule.text.clone();
        if ensure(lists.rules, rule) && !added.contains(&text) {
            added.push(text);
        }
    }
    renew(lists.rules, &added, &moved, &plan.server_path, plan.server);
    (record.added_rules, record.moved_rules) = (added, moved);
    lists.guards.push(record.clone());
    Ok(record)
}

/// Removes the guard at `path`, its rules, and puts moved rules back. `server_path` is the server
/// below the mount. Returns the record; nothing when there is none.
pub fn remove(lists: &mut Lists<'_>, path: &Path, server_path: &Path) -> Option<GuardRecord> {
    let index = lists.guards.iter().position(|record| record.path == path)?;
    let record = lists.guards.remove(index);
    lists.rules.retain(|rule| !(rule.process == path && is_execution_of(rule, &record.server)));
    let heir = lists.guards.iter_mut().find(|other| other.server == record.server);
    if let Some(heir) = heir {
        // Another guard runs the same server, which still needs its rules.
        heir.added_rules.extend(record.added_rules.iter().cloned());
        heir.moved_rules.extend(record.moved_rules.iter().cloned());
        heir.was_at = heir.was_at.take().or_else(|| record.was_at.clone());
        return Some(record);
    }
    for text in &record.moved_rules {
        move_back(lists.rules, text, &record, server_path);
    }
    lists.rules.retain(|rule| !record.added_rules.contains(&rule.text));
    Some(record)
}

/// What the former record of the same guard did for the same server stays done.
fn take_over(lists: &mut Lists<'_>, record: &mut GuardRecord) -> (Vec<String>, Vec<String>) {
    let same = |known: &GuardRecord| known.path == record.path && known.server == record.server;
    let Some(index) = lists.guards.iter().position(same) else { return Default::default() };
    let former = lists.guards.remove(index);
    record.was_at = record.was_at.take().or(former.was_at);
    let there = |text: &String| lists.rules.iter().any(|rule| rule.text == *text);
    (former.added_rules.into_iter().filter(there).collect(), former.moved_rules)
}

/// Moves the rules that name the server at its former path, and returns their texts as they were.
fn move_rules(
    rules: &mut Vec<RuleRecord>,
    record: &GuardRecord,
    server_path: &Path,
    server: Fingerprint,
) -> Vec<String> {
    let Some(was_at) = &record.was_at else { return Vec::new() };
    let mut moved = Vec::new();
    let mut index = 0;
    while let Some(old) = rules.get(index) {
        let its = old.process == was_at.0 && fingerprint(old) == server;
        let Some(rule) = its.then(|| moved_text(&old.text, server_path)).flatten() else {
            index += 1;
            continue;
        };
        moved.push(old.text.clone());
        if rules.iter().any(|known| known.text == rule.to_string()) {
            rules.remove(index);
        } else {
            // What the names in its parameters meant does not change with the server's place.
            let (bindings, package) = (old.bindings.clone(), old.package.clone());
            let now = bound(&rule, server_path, server, Role::Server);
            rules[index] = RuleRecord { bindings, package, ..now };
            index += 1;
        }
    }
    moved
}

/// Turns the rule that `text` was moved to into what it was. It keeps the fingerprint: what lies at
/// the former path must be the server that was trusted.
fn move_back(rules: &mut Vec<RuleRecord>, text: &str, record: &GuardRecord, server_path: &Path) {
    let Some(was_at) = &record.was_at else { return };
    let Some(moved) = moved_text(text, server_path).map(|rule| rule.to_string()) else { return };
    let Some(index) = rules.iter().position(|rule| rule.text == moved) else { return };
    if rules.iter().any(|rule| rule.text == text) {
        rules.remove(index);
        return;
    }
    let rule = &mut rules[index];
    (rule.text, rule.process) = (text.into(), was_at.0.clone());
    (rule.encrypted, rule.guard) = (false, false);
}

/// A rule's text with another process.
fn moved_text(text: &str, process: &Path) -> Option<Rule> {
    let mut rule: Rule = text.parse().ok()?;
    rule.process = process.into();
    Some(rule)
}

/// Puts a rule in, or its fingerprint into the rule that says the same. Tells whether it is new.
fn ensure(rules: &mut Vec<RuleRecord>, wanted: RuleRecord) -> bool {
    let says_the_same = |known: &&mut RuleRecord| {
        known.text == wanted.text
            || known.process == wanted.process
                && moved_text(&known.text, &wanted.process)
                    .is_some_and(|rule| rule.to_string() == wanted.text)
    };
    match rules.iter_mut().find(says_the_same) {
        Some(known) => {
            let text = std::mem::take(&mut known.text);
            *known = RuleRecord { text, ..wanted };
            false
        }
        None => {
            rules.push(wanted);
            true
        }
    }
}

/// Takes the server's new fingerprint into the rules that this guard brought or moved.
fn renew(
    rules: &mut [RuleRecord],
    added: &[String],
    moved: &[String],
    server_path: &Path,
    server: Fingerprint,
) {
    let moved: Vec<_> = moved.iter().filter_map(|text| moved_text(text, server_path)).collect();
    let its =
        |text: &String| added.contains(text) || moved.iter().any(|rule| rule.to_string() == *text);
    for rule in rules.iter_mut().filter(|rule| rule.process == server_path && its(&rule.text)) {
        (rule.sha256, rule.size) = (server.sha256, server.size);
    }
}

fn is_execution_of(record: &RuleRecord, server: &Path) -> bool {
    let rule: Result<Rule, _> = record.text.parse();
    rule.is_ok_and(|rule| rule.effect == Effect::Allow && rule.path.literal() == Some(server))
}

fn rule(category: &str, path: PathPattern, process: &Path) -> Rule {
    Rule {
        effect: Effect::Allow,
        category: category.into(),
        path,
        process: process.into(),
        parameters: Parameters::default(),
    }
}

#[derive(PartialEq)]
enum Role {
    Guard,
    Server,
}

fn bound(rule: &Rule, process: &Path, now: Fingerprint, role: Role) -> RuleRecord {
    RuleRecord {
        text: rule.to_string(),
        process: process.into(),
        encrypted: role == Role::Server,
        sha256: now.sha256,
        size: now.size,
        guard: role == Role::Guard,
        package: None,
        bindings: RuleBindings::default(),
    }
}

fn fingerprint(record: &RuleRecord) -> Fingerprint {
    Fingerprint { sha256: record.sha256, size: record.size }
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
