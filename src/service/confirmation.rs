//! Which locations somebody stands for who showed the secret.
//!
//! Encrypting needs no secret. But what lies in a category is data to the programs that its rules
//! name, and a server that is started on data which somebody prepared can be made to read the rest of
//! the category. So a guard starts a server only on a confirmed location: one that was encrypted with
//! the secret, or while nothing trusted the category yet, or was there when somebody with the secret
//! next dealt with the category's rules.

use super::engine::Engine;
use super::protocol::{Failure, Progress};
use crate::access::{Effect, Rule};
use crate::keystore::{Draft, RuleRecord};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Whether some rule opens the category to a program.
///
/// # Errors
/// When the service is ending.
pub fn has_rules(engine: &Engine, category: &str) -> Result<bool, Failure> {
    engine
        .with_keystore(|keystore| Ok(keystore.rules().iter().any(|record| is_of(record, category))))
}

/// Confirms the locations of a category and returns those that were not confirmed before.
pub fn confirm(draft: &mut Draft, category: &str) -> Vec<PathBuf> {
    let mut news = Vec::new();
    for location in draft.locations.iter_mut().filter(|l| l.category == category && !l.confirmed) {
        location.confirmed = true;
        news.push(location.path.clone());
    }
    news
}

/// Tells which locations were confirmed, so that nobody stands for one unknowingly.
pub fn tell(engine: &Engine, confirmed: &[PathBuf], progress: &mut dyn FnMut(Progress)) {
    for path in confirmed {
        engine.log().write("confirmed", json!({ "path": path.to_string_lossy() }));
        let note = format!("note: this confirms {}: a guard starts a server on it", path.display());
        progress(Progress::Step(note));
    }
}

/// What to say of a location that is not confirmed.
pub fn missing(path: &Path, category: &str) -> String {
    format!(
        "note: @{category} has rules already: a guard starts no server on {} before `ezncrypt guard \
         install` or `ezncrypt-access-control -u` confirms it",
        path.display()
    )
}

/// Whether a rule opens the category to a program. One that cannot be read is taken for such.
fn is_of(record: &RuleRecord, category: &str) -> bool {
    let opens = |rule: Rule| rule.category == category && rule.effect == Effect::Allow;
    record.text.parse().map_or(true, opens)
}
