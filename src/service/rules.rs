//! The rule requests: parse, resolve, fingerprint, store, put in force.

use super::confirmation;
use super::engine::Engine;
use super::guards::own;
use super::hex;
use super::protocol::{Answer, Failure, FailureKind, Progress, RuleRow};
use crate::access::{PathPattern, Resolved, Rule};
use crate::keystore::{Location, RuleBindings, RuleRecord};
use serde_json::json;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Adds a rule with the fingerprint that its process has now.
///
/// # Errors
/// Usage when it does not parse or its process cannot be fingerprinted; failed when it is there with
/// another fingerprint.
pub fn add(
    engine: &Engine,
    text: &str,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let rule = original(engine, parse(text)?);
    doubts(engine, &rule).into_iter().for_each(|doubt| progress(Progress::Step(doubt)));
    let resolved = resolve(engine, &rule)?;
    refuse_script(&resolved)?;
    let record = record(engine, &rule, &resolved)?;
    let confirmed = engine.with_keystore(|keystore| {
        match keystore.rules().iter().find(|known| known.text == record.text) {
            // Said again: nothing to do.
            Some(known) if *known == kept_as_guard(&record, known) => return Ok(Vec::new()),
            Some(_) => {
                let message = format!("there is such a rule, with another fingerprint: {rule}");
                let hint = "`ezncrypt-access-control -u` takes a new fingerprint of its process";
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

/// Takes new fingerprints of one rule's process, or of all.
///
/// # Errors
/// Usage when there is no such rule or a process cannot be fingerprinted; then none is changed.
pub fn refresh(
    engine: &Engine,
    number: Option<usize>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let stored = engine.with_keystore(|keystore| Ok(keystore.rules().to_vec()))?;
    let mut renewed = stored.clone();
    let chosen = match number {
        Some(number) => {
            let index = index_of(&stored, &number.to_string())?;
            index..index + 1
        }
        None => 0..stored.len(),
    };
    let mut categories = Vec::new();
    for slot in &mut renewed[chosen] {
        let rule = parse(&slot.text)?;
        categories.push(rule.category.clone());
        *slot = kept_as_guard(&record(engine, &rule, &resolve(engine, &rule)?)?, slot);
    }
    let changed: Vec<_> = stored.iter().zip(&renewed).filter(|(old, new)| old != new).collect();
    let confirmed = engine.with_keystore(|keystore| {
        Ok(keystore.update(|draft| {
            // Rules may have been added and deleted while the programs were read.
            for rule in &mut draft.rules {
                if let Some((_, new)) = changed.iter().find(|(old, _)| *old == rule) {
                    *rule = (*new).clone();
                }
            }
            let of = |category: &String| confirmation::confirm(draft, category);
            Ok(categories.iter().flat_map(of).collect::<Vec<_>>())
        })?)
    })?;
    confirmation::tell(engine, &confirmed, progress);
    for (old, new) in changed {
        let hashes = json!({ "rule": new.text, "old": hex(&old.sha256), "new": hex(&new.sha256) });
        engine.log().write("rule_renewed", hashes);
    }
    engine.refresh()?;
    list(engine)
}

/// All rules, and whether their fingerprints still hold.
///
/// # Errors
/// When the service is ending.
pub fn list(engine: &Engine) -> Result<Answer, Failure> {
    let stored = engine.with_keystore(|keystore| Ok(keystore.rules().to_vec()))?;
    let policy = engine.policy();
    let row = |(index, record): (usize, &RuleRecord)| {
        let rule = parse(&record.text)?;
        Ok(RuleRow {
            number: index + 1,
            effect: rule.effect.to_string(),
            category: format!("@{}", rule.category),
            path: rule.path.to_string(),
            process: record.process.to_string_lossy().into_owned(),
            parameters: String::new(),
            sha256: hex(&record.sha256),
            encrypted: record.encrypted,
            tainted: policy.tainted(index),
        })
    };
    Ok(Answer::Rules(stored.iter().enumerate().map(row).collect::<Result<_, Failure>>()?))
}

fn parse(text: &str) -> Result<Rule, Failure> {
    text.parse::<Rule>().map_err(|error| {
        Failure::new(FailureKind::Usage, error.to_string())
            .hint("ezncrypt-access-control -a \"ALLOW @mysql * /usr/sbin/mysqld\"")
    })
}

/// A script never asks: its interpreter does.
fn refuse_script(resolved: &Resolved) -> Result<(), Failure> {
    let mut start = [0; 2];
    let mut read = |path: &Path| File::open(path)?.read_exact(&mut start);
    if resolved.encrypted || read(&resolved.path).is_err() || start != *b"#!" {
        return Ok(());
    }
    let message =
        format!("{:?} is a script: what runs, and asks, is its interpreter", resolved.path);
    Err(Failure::new(FailureKind::Usage, message)
        .hint("name the program that reads the files, as in /usr/bin/mysqldump"))
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

fn resolve(engine: &Engine, rule: &Rule) -> Result<Resolved, Failure> {
    engine.programs().resolve_process(&rule.process).map_err(|error| {
        Failure::new(FailureKind::Usage, format!("cannot take the process's fingerprint: {error}"))
    })
}

fn record(engine: &Engine, rule: &Rule, resolved: &Resolved) -> Result<RuleRecord, Failure> {
    let guard = !resolved.encrypted && resolved.fingerprint == own::program(engine)?;
    Ok(RuleRecord {
        text: rule.to_string(),
        process: resolved.path.clone(),
        encrypted: resolved.encrypted,
        sha256: resolved.fingerprint.sha256,
        size: resolved.fingerprint.size,
        guard,
        package: None,
        bindings: RuleBindings::default(),
    })
}

/// A guard stays one: that of an earlier ezncrypt, and one whose file was replaced, must go on
/// declaring itself. Whoever wants the rule without that deletes it and adds it again.
fn kept_as_guard(record: &RuleRecord, former: &RuleRecord) -> RuleRecord {
    RuleRecord { guard: record.guard || former.guard, ..record.clone() }
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
