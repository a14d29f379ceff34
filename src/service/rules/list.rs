//! The rules as they are listed: what they say, whether they still hold, what is doubtful about them.

use super::{parse, script, warnings};
use crate::access::Fingerprint;
use crate::keystore::{PinnedFile, RuleRecord};
use crate::service::engine::Engine;
use crate::service::hex;
use crate::service::protocol::{Answer, Failure, RuleRow};

/// All rules, and whether their fingerprints still hold.
///
/// # Errors
/// When the service is ending.
pub fn list(engine: &Engine) -> Result<Answer, Failure> {
    let stored = engine.with_keystore(|keystore| Ok(keystore.rules().to_vec()))?;
    let row = |(index, record): (usize, &RuleRecord)| {
        let rule = parse(&record.text)?;
        let bound = &record.bindings;
        let mut pinned = std::iter::once(process(record))
            .chain(bound.script.iter().chain(&bound.libraries).cloned());
        Ok(RuleRow {
            number: index + 1,
            effect: rule.effect.to_string(),
            category: format!("@{}", rule.category),
            path: rule.path.to_string(),
            process: record.process.to_string_lossy().into_owned(),
            parameters: rule.parameters.to_string(),
            sha256: hex(&record.sha256),
            encrypted: record.encrypted,
            tainted: !pinned.all(|file| holds(engine, &file)),
            package: record.package.clone(),
            warnings: of_record(engine, record)?,
        })
    };
    Ok(Answer::Rules(stored.iter().enumerate().map(row).collect::<Result<_, Failure>>()?))
}

/// What is legal and yet wider than it looks about a bound rule.
///
/// # Errors
/// When it does not parse.
pub fn of_record(engine: &Engine, record: &RuleRecord) -> Result<Vec<String>, Failure> {
    let rule = parse(&record.text)?;
    let line = record.bindings.script.as_ref().and_then(|file| {
        let encrypted = file.path.starts_with(&engine.programs().mount().path);
        script::hash_bang(engine, &file.path, encrypted).ok().flatten()
    });
    Ok(warnings::of(&rule, &record.process, line.as_ref()))
}

/// The executable of a rule, as it was when the rule was made.
pub fn process(record: &RuleRecord) -> PinnedFile {
    PinnedFile { path: record.process.clone(), sha256: record.sha256, size: record.size }
}

/// Whether the fingerprint of a file holds.
fn holds(engine: &Engine, file: &PinnedFile) -> bool {
    let kept = Fingerprint { sha256: file.sha256, size: file.size };
    let now = engine.programs().resolve_file(&file.path);
    now.is_ok_and(|now| now.path == file.path && now.fingerprint == kept)
}
