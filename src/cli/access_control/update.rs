//! `ezncrypt-access-control update`: shows what changed since the fingerprints were taken, and takes
//! new ones.

use super::package::{self, Origin};
use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::progress::Screen;
use crate::cli::{escape, output, table};
use crate::service::protocol::{Answer, Failure, FileChange, Request, RuleChange};
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::Path;

/// A changed file, and where it comes from.
#[derive(Serialize)]
struct Row {
    /// The rule's number.
    number: usize,
    /// The rule.
    rule: String,
    #[serde(flatten)]
    file: FileChange,
    /// Name and version of the package that the process was of.
    package_was: Option<String>,
    /// Name and version of the package that the file is of.
    package: Option<String>,
    /// Whether it is as that package brought it; null where that cannot be told.
    as_shipped: Option<bool>,
    #[serde(skip)]
    origin: Option<Origin>,
}

/// Shows the changes of one rule's files, or of all, and takes them after asking for the secret.
pub fn run(instance: &Instance, number: Option<NonZeroUsize>, json: bool) -> Result<(), Failure> {
    instance.require_keystore()?;
    let number = number.map(NonZeroUsize::get);
    let Answer::RuleChanges { changes, confirms } =
        instance.call(Request::RulePreview { number })?
    else {
        return Err(unexpected_answer());
    };
    let rows: Vec<Row> = changes.iter().flat_map(rows).collect();
    if json {
        output::json(&rows)?;
    } else if !rows.is_empty() {
        output::text(&table::changes(&rows.iter().map(cells).collect::<Vec<_>>()))?;
    }
    let mut screen = Screen::stderr();
    if changes.is_empty() && confirms.is_empty() {
        screen.say("every fingerprint holds: there is nothing to do");
        return Ok(());
    }
    rows.iter().filter_map(doubt).for_each(|doubt| screen.say(&doubt));
    for path in &confirms {
        screen.say(&format!("{path} will be confirmed: a guard starts a server on it then"));
    }
    let secret = instance.secret()?;
    let packages = changes.iter().map(|change| {
        let process = |row: &&Row| row.number == change.number && row.file.role == "process";
        rows.iter().find(process).and_then(|row| row.package.clone())
    });
    let (packages, shown) = (packages.collect(), changes.len());
    let Answer::RulesRenewed(renewed) =
        instance.call(Request::RuleRefresh { number, changes, packages, secret })?
    else {
        return Err(unexpected_answer());
    };
    screen.say(&match (number, renewed) {
        _ if shown == 0 => "every fingerprint holds".to_owned(),
        (Some(number), 1..) => format!("rule {number} has new fingerprints"),
        (_, 1) => "1 rule has new fingerprints".to_owned(),
        (_, count) => format!("{count} rules have new fingerprints"),
    });
    if renewed < shown {
        screen.say(&match shown - renewed {
            1 => "1 rule was changed or deleted meanwhile".to_owned(),
            count => format!("{count} rules were changed or deleted meanwhile"),
        });
    }
    Ok(())
}

fn rows(change: &RuleChange) -> impl Iterator<Item = Row> + '_ {
    change.files.iter().map(|file| {
        let is_process = file.role == "process";
        let plain = !(is_process && change.encrypted) && file.new.is_some();
        let origin = plain.then(|| package::origin(Path::new(&file.path)));
        let (package, as_shipped) = match &origin {
            Some(Origin::Package { label, as_shipped }) => (Some(label.clone()), *as_shipped),
            _ => (None, None),
        };
        Row {
            number: change.number,
            rule: change.rule.clone(),
            file: file.clone(),
            package_was: change.package.clone().filter(|_| is_process),
            package,
            as_shipped,
            origin,
        }
    })
}

fn cells(row: &Row) -> [String; 7] {
    let short = |hash: &Option<String>| {
        hash.as_deref().map_or("-".into(), |hash| hash.chars().take(12).collect::<String>())
    };
    let text = |text: &Option<String>| escape::text(text.as_deref().unwrap_or("-"));
    let role = if row.file.role == "process" { "" } else { &row.file.role };
    let was_at = row.file.was_at.as_ref().map(|was| format!(" (was {was})")).unwrap_or_default();
    let shipped = match (&row.origin, row.as_shipped) {
        (None, _) => "-",
        (Some(Origin::Package { .. }), Some(true)) => "yes",
        (Some(Origin::Package { .. }), Some(false)) => "NO",
        (Some(Origin::Package { .. } | Origin::Unknown), _) => "unknown",
        (Some(Origin::Nobody), _) => "no package",
    };
    [
        row.number.to_string(),
        escape::text(format!("{role} {}{was_at}", row.file.path).trim_start()),
        short(&row.file.old),
        short(&row.file.new),
        text(&row.package_was),
        text(&row.package),
        shipped.to_owned(),
    ]
}

/// What whoever is asked for the secret must know.
fn doubt(row: &Row) -> Option<String> {
    let path = &row.file.path;
    let is_changed = row.file.old != row.file.new || row.file.was_at.is_some();
    match &row.origin {
        Some(Origin::Package { label, as_shipped: Some(false) }) => {
            Some(format!("WARNING: {path} is NOT as {label} ships it: somebody changed it"))
        }
        Some(Origin::Nobody) if is_changed => Some(format!(
            "WARNING: {path} is of no package: nobody but you can tell whether it is right"
        )),
        _ => None,
    }
}
