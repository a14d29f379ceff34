//! New fingerprints after an upgrade: first shown, then taken as they were shown.

use super::list::process;
use super::{bind, index_of, parse};
use crate::keystore::{PinnedFile, RuleRecord};
use crate::service::confirmation;
use crate::service::engine::Engine;
use crate::service::hex;
use crate::service::protocol::{Answer, Failure, FailureKind, FileChange, Progress, RuleChange};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What would be taken anew.
struct Renewal {
    /// What is to be shown.
    changes: Vec<RuleChange>,
    /// Rules as they are, and as they would be.
    records: Vec<(RuleRecord, RuleRecord)>,
    /// Categories of the rules that were looked at.
    categories: Vec<String>,
}

/// What taking new fingerprints would change; nothing is.
///
/// # Errors
/// Usage when there is no such rule or a file cannot be fingerprinted.
pub fn preview(engine: &Engine, number: Option<usize>) -> Result<Answer, Failure> {
    let renewal = look(engine, number)?;
    let locations = engine.locations();
    let unconfirmed = locations
        .iter()
        .filter(|location| !location.confirmed && renewal.categories.contains(&location.category));
    let confirms = unconfirmed.map(|location| shown(&location.path)).collect();
    Ok(Answer::RuleChanges { changes: renewal.changes, confirms })
}

/// Takes new fingerprints of one rule's files, or of all, if they are still those that were shown.
/// `packages` has the name and version that each changed rule's process is of now.
///
/// # Errors
/// As [`preview`], and failed when a file changed since; then no rule is changed.
pub fn refresh(
    engine: &Engine,
    number: Option<usize>,
    expected: &[RuleChange],
    packages: &[Option<String>],
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let Renewal { changes, mut records, categories } = look(engine, number)?;
    if changes != expected {
        let message = match changes.iter().find(|change| !expected.contains(change)) {
            Some(change) => format!(
                "rule {}: {} changed since it was shown",
                change.number,
                what(change, expected)
            ),
            None => "a rule or a file changed since it was shown".to_owned(),
        };
        return Err(Failure::new(FailureKind::Failed, message + "; nothing was changed")
            .hint("find out who changes it, then look again: ezncrypt-access-control -u"));
    }
    for ((_, new), package) in records.iter_mut().zip(packages) {
        new.package.clone_from(package);
    }
    let (renewed, confirmed) = engine.with_keystore(|keystore| {
        Ok(keystore.update(|draft| {
            let renewed = replace(&mut draft.rules, &records);
            let of = |category: &String| confirmation::confirm(draft, category);
            Ok((renewed, categories.iter().flat_map(of).collect::<Vec<_>>()))
        })?)
    })?;
    confirmation::tell(engine, &confirmed, progress);
    for (old, new) in &renewed {
        let fields = json!({ "rule": new.text, "files": logged(files(old, new)) });
        engine.log().write("rule_renewed", fields);
    }
    engine.refresh()?;
    Ok(Answer::RulesRenewed(renewed.len()))
}

/// Puts the new records in the place of the old ones, and returns those that were there: rules may have
/// been changed and deleted while the programs were read.
fn replace<'a>(
    rules: &mut [RuleRecord],
    records: &'a [(RuleRecord, RuleRecord)],
) -> Vec<&'a (RuleRecord, RuleRecord)> {
    let mut replaced = Vec::new();
    for rule in rules {
        if let Some(record) = records.iter().find(|(old, _)| *old == *rule) {
            rule.clone_from(&record.1);
            replaced.push(record);
        }
    }
    replaced
}

/// The files that did change, for the log.
fn logged(mut files: Vec<FileChange>) -> Vec<FileChange> {
    files.retain(|file| file.old != file.new || file.was_at.is_some());
    files
}

fn look(engine: &Engine, number: Option<usize>) -> Result<Renewal, Failure> {
    let stored = engine.with_keystore(|keystore| Ok(keystore.rules().to_vec()))?;
    let chosen = match number {
        Some(number) => {
            let index = index_of(&stored, &number.to_string())?;
            index..index + 1
        }
        None => 0..stored.len(),
    };
    let mut renewal = Renewal { changes: Vec::new(), records: Vec::new(), categories: Vec::new() };
    for (index, old) in stored.into_iter().enumerate().filter(|(index, _)| chosen.contains(index)) {
        let rule = parse(&old.text)?;
        let new = bind::renew(engine, &rule, &old).map_err(|failure| {
            let message = format!("rule {}: {}", index + 1, failure.message);
            Failure { message, ..failure }
        })?;
        if !renewal.categories.contains(&rule.category) {
            renewal.categories.push(rule.category);
        }
        if new != old {
            renewal.changes.push(change(index + 1, &old, &new));
            renewal.records.push((old, new));
        }
    }
    Ok(renewal)
}

fn change(number: usize, old: &RuleRecord, new: &RuleRecord) -> RuleChange {
    RuleChange {
        number,
        rule: new.text.clone(),
        encrypted: new.encrypted,
        package: old.package.clone(),
        files: files(old, new),
    }
}

/// What is different: the process always, other files where they are.
fn files(old: &RuleRecord, new: &RuleRecord) -> Vec<FileChange> {
    let mut files = vec![file("process", Some(&process(old)), Some(&process(new)))];
    let (was, is) = (&old.bindings.script, &new.bindings.script);
    if was != is {
        files.push(file("script", was.as_ref(), is.as_ref()));
    }
    let (was, is) = (&old.bindings.libraries, &new.bindings.libraries);
    let at = |files: &[PinnedFile], path: &PathBuf| {
        files.iter().find(|file| file.path == *path).cloned()
    };
    for library in is.iter().filter(|library| !was.contains(library)) {
        files.push(file("library", at(was, &library.path).as_ref(), Some(library)));
    }
    for library in was.iter().filter(|library| at(is, &library.path).is_none()) {
        files.push(file("library", Some(library), None));
    }
    files
}

fn file(role: &str, old: Option<&PinnedFile>, new: Option<&PinnedFile>) -> FileChange {
    let path = |file: &PinnedFile| shown(&file.path);
    FileChange {
        role: role.to_owned(),
        path: new.or(old).map(path).unwrap_or_default(),
        was_at: old.map(path).filter(|was| new.is_some_and(|new| path(new) != *was)),
        old: old.map(|file| hex(&file.sha256)),
        new: new.map(|file| hex(&file.sha256)),
    }
}

/// The file of a change that is not as expected.
fn what(change: &RuleChange, expected: &[RuleChange]) -> String {
    let same = expected.iter().find(|other| other.number == change.number);
    let known = |file: &&FileChange| same.is_none_or(|same| !same.files.contains(file));
    change.files.iter().find(known).map_or("it".into(), |file| format!("{:?}", file.path))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keystore::RuleBindings;

    fn pinned(path: &str, byte: u8) -> PinnedFile {
        PinnedFile { path: path.into(), sha256: [byte; 32], size: 1 }
    }

    fn record(process: u8, script: Option<PinnedFile>, libraries: Vec<PinnedFile>) -> RuleRecord {
        RuleRecord {
            text: "ALLOW @m * /p".into(),
            process: "/p".into(),
            encrypted: false,
            sha256: [process; 32],
            size: 1,
            guard: false,
            package: Some("p 1".into()),
            bindings: RuleBindings { script, libraries, ..RuleBindings::default() },
        }
    }

    #[test]
    fn each_file_that_is_different_is_told() {
        let old = record(
            1,
            Some(pinned("/s", 1)),
            vec![pinned("/a", 1), pinned("/b", 1), pinned("/c", 1)],
        );
        let new = record(
            1,
            Some(pinned("/s", 2)),
            vec![pinned("/a", 1), pinned("/b", 2), pinned("/d", 1)],
        );
        let told = change(3, &old, &new);
        assert_eq!((told.number, told.package.as_deref()), (3, Some("p 1")));
        let hash = |byte: Option<u8>| byte.map(|byte| hex(&[byte; 32]));
        let rows: Vec<_> = told
            .files
            .iter()
            .map(|file| (&file.role[..], &file.path[..], file.old.clone(), file.new.clone()))
            .collect();
        assert_eq!(
            rows,
            [
                ("process", "/p", hash(Some(1)), hash(Some(1))),
                ("script", "/s", hash(Some(1)), hash(Some(2))),
                ("library", "/b", hash(Some(1)), hash(Some(2))),
                ("library", "/d", None, hash(Some(1))),
                ("library", "/c", hash(Some(1)), None),
            ]
        );
    }

    #[test]
    fn only_files_that_changed_are_logged() {
        let old = record(1, Some(pinned("/s", 1)), vec![pinned("/a", 1)]);
        let new = record(1, Some(pinned("/s", 2)), vec![pinned("/a", 1)]);
        let files = logged(files(&old, &new));
        let rows: Vec<_> = files.iter().map(|file| (&file.role[..], &file.path[..])).collect();
        assert_eq!(rows, [("script", "/s")]);
        let moved = RuleRecord { process: "/old".into(), ..new.clone() };
        assert_eq!(logged(super::files(&moved, &new))[0].was_at.as_deref(), Some("/old"));
    }

    #[test]
    fn only_rules_that_are_still_there_are_renewed() {
        let of = |text: &str, process| RuleRecord {
            text: text.into(),
            ..record(process, None, Vec::new())
        };
        let renewals = [(of("a", 1), of("a", 2)), (of("b", 1), of("b", 2))];
        // The other one was changed meanwhile.
        let mut rules = [of("c", 1), of("b", 3), of("a", 1)];
        assert_eq!(replace(&mut rules, &renewals), [&renewals[0]]);
        assert_eq!(rules, [of("c", 1), of("b", 3), of("a", 2)]);
    }

    #[test]
    fn a_process_that_is_elsewhere_now_is_told_with_both_places() {
        let old = RuleRecord { process: "/old".into(), ..record(1, None, Vec::new()) };
        let told = change(1, &old, &record(1, None, Vec::new()));
        assert_eq!(
            (&told.files[0].path[..], told.files[0].was_at.as_deref()),
            ("/p", Some("/old"))
        );
    }
}
