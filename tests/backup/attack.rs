//! A way to what the user must not see, tried under the wide rules, where it leads there, and under the
//! narrow ones, where it must not.

use crate::bench::{Bench, PASSWORD, Rules, SECRET};
use crate::support::process::Outcome;
use std::fs;
use std::path::Path;

/// What one attempt gave the user, besides what is in the home directory now.
pub type Attempt = fn(&Bench) -> Outcome;

/// Attempts with their names.
pub type Attacks = [(&'static str, Attempt)];

/// Fails the test, naming the attempts, unless each one yields a password or a row.
#[track_caller]
pub fn all_work(bench: &Bench, attacks: &Attacks) {
    assert!(bench.rules == Rules::Wide);
    let failed = tried(bench, attacks, |outcome, loot| {
        (!tells(loot))
            .then(|| format!("yields nothing: {}\n  loot: {}", short(outcome), short(loot)))
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Fails the test, naming the attempts, if one yields a password or a row.
#[track_caller]
pub fn none_works(bench: &Bench, attacks: &Attacks) {
    assert!(bench.rules == Rules::Narrow);
    let failed = tried(bench, attacks, |outcome, loot| {
        tells(loot).then(|| format!("yields a secret: {}", short(outcome)))
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Whether a text holds the password or a row.
pub fn tells(text: &str) -> bool {
    text.contains(PASSWORD) || text.contains(SECRET)
}

fn tried(
    bench: &Bench,
    attacks: &Attacks,
    wrong: impl Fn(&Outcome, &str) -> Option<String>,
) -> Vec<String> {
    let mut failed = Vec::new();
    for (name, attempt) in attacks {
        bench.account.empty_home();
        let outcome = attempt(bench);
        let loot = loot(bench, &outcome);
        failed.extend(wrong(&outcome, &loot).map(|why| format!("{name}: {why}")));
    }
    failed
}

/// What the program printed, and every file in the home directory.
pub fn loot(bench: &Bench, outcome: &Outcome) -> String {
    let mut text = outcome.stdout.clone() + &outcome.stderr;
    collect(&bench.account.home, &mut text);
    text
}

/// Adds the text of every file below a directory.
fn collect(directory: &Path, text: &mut String) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), text);
        } else if kind.is_file() {
            *text += &String::from_utf8_lossy(&fs::read(entry.path()).unwrap());
        }
    }
}

fn short(text: impl ToString) -> String {
    text.to_string().chars().take(2000).collect()
}
