//! From a rule to its record: what its process and the names in its parameters mean now.

use super::accounts::{self, Database};
use super::{libraries, script};
use crate::access::{Effect, Parameters, Resolved, Rule};
use crate::keystore::{PinnedFile, RuleBindings, RuleRecord};
use crate::service::engine::Engine;
use crate::service::guards::own;
use crate::service::protocol::{Failure, FailureKind};
use std::fs;
use std::path::Path;

/// A rule bound, and what there is to say about it.
pub struct Bound {
    /// What is kept.
    pub record: RuleRecord,
    /// Notes for people.
    pub notes: Vec<String>,
}

/// Binds a rule that is added.
///
/// # Errors
/// Usage, which names what cannot be bound.
pub fn bind(engine: &Engine, rule: &Rule, package: Option<String>) -> Result<Bound, Failure> {
    refuse_dodged(rule)?;
    let process = process(engine, rule)?;
    refuse_script(engine, rule, &process)?;
    let parameters = &rule.parameters;
    let mut notes = Vec::new();
    let script = match &parameters.script {
        Some(path) => {
            let (file, note) = script::bind(engine, rule, &process, path)?;
            notes.extend(note);
            Some(file)
        }
        None => None,
    };
    if let Some(root) = &parameters.root {
        check_root(root)?;
    }
    let libraries = match &parameters.libraries {
        Some(named) => libraries::bind(engine, &process, named)?,
        None => Vec::new(),
    };
    let bindings = RuleBindings {
        users: accounts::ids(Database::User, &parameters.users)?,
        groups: accounts::ids(Database::Group, &parameters.groups)?,
        script,
        libraries,
    };
    let record = record(engine, rule, &process, package, bindings)?;
    Ok(Bound { record, notes })
}

/// Binds a rule anew, with new fingerprints of all its files; users and groups stay who they were.
///
/// # Errors
/// As [`bind`].
pub fn renew(engine: &Engine, rule: &Rule, former: &RuleRecord) -> Result<RuleRecord, Failure> {
    let process = process(engine, rule)?;
    let parameters = &rule.parameters;
    let script: Option<PinnedFile> = match &parameters.script {
        Some(path) => Some(script::bind(engine, rule, &process, path)?.0),
        None => None,
    };
    let libraries = match &parameters.libraries {
        // Its loader cannot be asked: it was encrypted after the rule was added.
        Some(_) if process.encrypted => libraries::renew(engine, &former.bindings.libraries)?,
        Some(named) => libraries::bind(engine, &process, named)?,
        None => Vec::new(),
    };
    let bindings = RuleBindings { script, libraries, ..former.bindings.clone() };
    let record = record(engine, rule, &process, former.package.clone(), bindings)?;
    Ok(kept_as_guard(&record, former))
}

/// A guard stays one: that of an earlier ezncrypt, and one whose file was replaced, must go on
/// declaring itself. Whoever wants the rule without that deletes it and adds it again.
pub fn kept_as_guard(record: &RuleRecord, former: &RuleRecord) -> RuleRecord {
    RuleRecord { guard: record.guard || former.guard, ..record.clone() }
}

fn process(engine: &Engine, rule: &Rule) -> Result<Resolved, Failure> {
    engine.programs().resolve_process(&rule.process).map_err(|error| {
        Failure::new(FailureKind::Usage, format!("cannot take the process's fingerprint: {error}"))
    })
}

fn record(
    engine: &Engine,
    rule: &Rule,
    process: &Resolved,
    package: Option<String>,
    bindings: RuleBindings,
) -> Result<RuleRecord, Failure> {
    // A PATH that another was put in the place of may be too long to be read again.
    let text = rule.to_string();
    super::parse(&text)?;
    Ok(RuleRecord {
        text,
        process: process.path.clone(),
        encrypted: process.encrypted,
        sha256: process.fingerprint.sha256,
        size: process.fingerprint.size,
        guard: !process.encrypted && process.fingerprint == own::program(engine)?,
        package,
        bindings,
    })
}

/// A DENY rule that depends on how a program is started denies nobody anything: whoever starts it would
/// start it otherwise.
fn refuse_dodged(rule: &Rule) -> Result<(), Failure> {
    let Parameters { users, groups, unit, accesses, .. } = rule.parameters.clone();
    let kept = Parameters { users, groups, unit, accesses, ..Parameters::default() };
    if rule.effect == Effect::Allow || rule.parameters == kept {
        return Ok(());
    }
    let message = "a DENY rule takes --user, --group, --unit and --access only: whoever starts the program \
                   chooses the rest";
    let wider = Rule { parameters: kept, ..rule.clone() };
    let hint = format!("deny the program whatever its run: ezncrypt-access-control -a \"{wider}\"");
    Err(Failure::new(FailureKind::Usage, message).hint(hint))
}

/// A script never asks: its interpreter does.
fn refuse_script(engine: &Engine, rule: &Rule, process: &Resolved) -> Result<(), Failure> {
    let Ok(Some(line)) = script::hash_bang(engine, &process.path, process.encrypted) else {
        return Ok(());
    };
    let message =
        format!("{:?} is a script: what runs, and asks, is its interpreter", process.path);
    let mut meant = rule.clone();
    meant.process = line.program();
    meant.parameters.script = Some(rule.process.clone());
    let mut mend = format!("ezncrypt-access-control -a \"{meant}\"");
    if line.is_env() {
        mend += &format!(" after its first line was made #!{}", meant.process.display());
    }
    Err(Failure::new(FailureKind::Usage, message).hint(mend))
}

fn check_root(root: &Path) -> Result<(), Failure> {
    if fs::metadata(root).is_ok_and(|metadata| metadata.is_dir()) {
        return Ok(());
    }
    let message = format!("{root:?} is no directory, so no process can have it as its root");
    Err(Failure::new(FailureKind::Usage, message))
}
