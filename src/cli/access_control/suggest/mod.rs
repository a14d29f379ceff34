//! `ezncrypt-access-control suggest`: the rules that would allow what was denied.
//!
//! The audit log says what was denied, the service which rules there are by now. A denial that no
//! rule can mend is told in a comment, so that the whole output can be pasted.

mod lines;
mod rules;

use crate::access::suggest::{self, Observation, shell_quoted};
use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::progress::Screen;
use crate::cli::{escape, output};
use crate::service::client;
use crate::service::protocol::{Answer, Failure, Request};
use lines::{Denial, Mend};
use rules::Known;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Prints the rules, as commands or as JSON.
pub fn run(instance: &Instance, since: Option<jiff::Timestamp>, json: bool) -> Result<(), Failure> {
    let known = Known::ask(instance)?;
    let Answer::Locations(locations) = ask(instance, Request::Locations)? else {
        return Err(unexpected_answer());
    };
    let top = |category: &str, path: &Path| {
        let mine = locations.iter().find(|row| {
            row.category.strip_prefix('@') == Some(category) && path.starts_with(&row.path)
        });
        mine.map(|row| PathBuf::from(&row.path))
    };
    let denials = newest(lines::read(&instance.paths.audit_log(), since)?);
    let suggested = suggest(&denials, &known, &top);
    if json {
        return output::json(&suggested);
    }
    let text = text(instance, &suggested);
    if text.is_empty() {
        Screen::stderr().say("nothing was denied that the rules do not allow by now");
    }
    output::text(&text)
}

/// Has the service answer; nothing is done without one.
fn ask(instance: &Instance, request: Request) -> Result<Answer, Failure> {
    client::call(&instance.paths, request, &mut |_| ())
}

/// What is suggested.
#[derive(Debug, Default, Serialize)]
struct Suggested {
    rules: Vec<Suggestion>,
    others: Vec<Other>,
}

/// A rule to be added.
#[derive(Debug, Serialize)]
struct Suggestion {
    rule: String,
    /// Whether it binds the arguments: not where the program was called by another name.
    binds_arguments: bool,
}

/// A denial that no new rule mends.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Other {
    exe: PathBuf,
    user: String,
    category: String,
    reason: String,
    mend: Option<String>,
    /// How many requests were denied so.
    count: usize,
}

/// Of the same request of the same run only what was said last: a rule may have come since.
fn newest(denials: Vec<Denial>) -> Vec<Denial> {
    let mut kept = BTreeMap::new();
    for denial in denials {
        kept.insert((denial.exe.clone(), denial.seen.clone()), denial);
    }
    kept.into_values().collect()
}

fn suggest(
    denials: &[Denial],
    known: &Known,
    top: &dyn Fn(&str, &Path) -> Option<PathBuf>,
) -> Suggested {
    let mut suggested = Suggested::default();
    let mut missing = Vec::new();
    for denial in
        denials.iter().filter(|denial| top(&denial.seen.category, &denial.seen.path).is_some())
    {
        match &denial.mend {
            Mend::Rule if known.allow(&denial.exe, &denial.seen) => {}
            Mend::Rule => missing.push(denial.seen.clone()),
            Mend::Other(Some(_)) if !known.still_need_mending(denial) => {}
            Mend::Other(mend) => count(&mut suggested.others, other(denial, mend.clone())),
        }
    }
    let rule = |merged: &Observation| {
        Some(Suggestion {
            rule: suggest::text(merged)?,
            binds_arguments: merged.arguments.is_some(),
        })
    };
    suggested.rules = suggest::merged(&missing, top).iter().filter_map(rule).collect();
    suggested
}

fn other(denial: &Denial, mend: Option<String>) -> Other {
    Other {
        exe: denial.exe.clone(),
        user: denial.seen.user.clone().unwrap_or_default(),
        category: denial.seen.category.clone(),
        reason: denial.reason.clone(),
        mend,
        count: 0,
    }
}

/// Adds one, or counts it where there is such a one.
fn count(others: &mut Vec<Other>, mut other: Other) {
    let same = others.iter().position(|known| {
        other.count = known.count;
        *known == other
    });
    match same.and_then(|at| others.get_mut(at)) {
        Some(known) => known.count += 1,
        None => others.push(Other { count: 1, ..other }),
    }
}

fn text(instance: &Instance, suggested: &Suggested) -> String {
    let mut text = String::new();
    for suggestion in &suggested.rules {
        if !suggestion.binds_arguments {
            text +=
                "# called by another name than its file's: this rule does not bind its arguments\n";
        }
        let add = format!("-a {}", shell_quoted(&suggestion.rule));
        text += &escape::text(&client::access_control(&instance.paths, &add));
        text.push('\n');
    }
    text + &comments(&suggested.others)
}

fn comments(others: &[Other]) -> String {
    let mut text = String::new();
    for Other { exe, user, category, reason, mend, count } in others {
        let (exe, reason) = (escape::path(exe), escape::text(reason));
        let times = if *count == 1 { String::new() } else { format!(", {count} requests") };
        text += &format!(
            "# {exe} (user {}) in @{}{times}\n",
            escape::text(user),
            escape::text(category)
        );
        text += &format!("#   {reason}\n");
        text += &match mend {
            Some(mend) => format!("#   if that is meant: {}\n", escape::text(mend)),
            None => {
                "#   no new rule is suggested for it: the process must run otherwise\n".to_owned()
            }
        };
    }
    text
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
