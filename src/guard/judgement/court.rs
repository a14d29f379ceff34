//! What every part of the judgement works with: the grounds, the list, and the verdict in the making.

use super::finding::{Refusal, Subjected, Warning, Why};
use super::{Grounds, Verdict};
use crate::guard::command_line::{Item, Meaning};
use crate::guard::policy::{Subject, Treatment};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// A judgement under way.
pub(super) struct Court<'a> {
    pub grounds: &'a Grounds<'a>,
    pub items: &'a [Item],
    pub verdict: Verdict,
}

/// An option of the list, as the server or a plugin of it may take it.
pub(super) struct Said<'a> {
    pub name: &'a str,
    pub value: Option<&'a OsStr>,
}

impl Said<'_> {
    /// The value, empty when there is none.
    pub fn text(&self) -> &OsStr {
        self.value.unwrap_or_default()
    }
}

impl<'a> Court<'a> {
    pub fn new(grounds: &'a Grounds<'a>, items: &'a [Item]) -> Self {
        Self { grounds, items, verdict: Verdict::default() }
    }

    /// Every option of the list. Prefixes are not looked at: `--skip-` before a name that should not
    /// be there makes it no better.
    pub fn said(&self) -> impl Iterator<Item = Said<'a>> + use<'a> {
        self.items.iter().filter_map(|item| match &item.meaning {
            Meaning::Option { name, value, .. } | Meaning::Unknown { name, value } => {
                Some(Said { name, value: value.as_deref() })
            }
            Meaning::Ambiguous { .. } | Meaning::Word | Meaning::End => None,
        })
    }

    /// The options of the list that have one of these names.
    pub fn said_of(&self, names: &'static [&'static str]) -> Vec<Said<'a>> {
        self.said().filter(|said| names.contains(&said.name)).collect()
    }

    /// Treats a value as the policy says: it may be required to be another one, and with a concern
    /// it may be refused, warned of, or let be.
    pub fn look(&mut self, subject: Subject, option: &str, value: &OsStr, concern: Option<Why>) {
        let required = self.required(subject);
        if required.is_empty() {
            if let Some(why) = concern {
                self.object(subject, option, Some(value), why);
            }
        } else if !required.iter().any(|one| self.is_same(value, one)) {
            let why = Why::NotRequired { required };
            let what = self.what(subject, option, Some(value));
            self.verdict.refusals.push(Refusal::Value { what, why });
        }
    }

    /// Treats a concern as the policy says, whatever value it requires.
    pub fn object(&mut self, subject: Subject, option: &str, value: Option<&OsStr>, why: Why) {
        let what = self.what(subject, option, value);
        match self.grounds.policy.treatments(subject) {
            [Treatment::Allow] => {}
            [Treatment::Warn] => self.warn(what, why),
            _ => self.verdict.refusals.push(Refusal::Value { what, why }),
        }
    }

    /// Refuses, whatever the policy says.
    pub fn refuse(&mut self, subject: Subject, option: &str, value: &OsStr, why: Why) {
        let what = self.what(subject, option, Some(value));
        self.verdict.refusals.push(Refusal::Always { what, why });
    }

    /// Adds a warning.
    pub fn warn(&mut self, what: Subjected, why: Why) {
        self.verdict.warnings.push(Warning::Value { what, why });
    }

    /// Appends `--option=value` to the list.
    pub fn close(&mut self, option: &str, value: &OsStr) {
        let mut word = OsString::from(format!("--{option}="));
        word.push(value);
        self.verdict.closing.push(word);
    }

    /// The values of which the policy requires one.
    pub fn required(&self, subject: Subject) -> Vec<OsString> {
        let value = |treatment: &Treatment| match treatment {
            Treatment::Require(value) => Some(value.clone()),
            Treatment::Forbid | Treatment::Warn | Treatment::Allow => None,
        };
        self.grounds.policy.treatments(subject).iter().filter_map(value).collect()
    }

    pub fn resolve(&self, path: &Path) -> Result<PathBuf, Why> {
        self.grounds.places.resolve(path).map_err(unseen)
    }

    /// The concern about a path that only root should be able to change.
    pub fn roots_alone(&self, path: &Path) -> Option<Why> {
        if !path.is_absolute() {
            return Some(Why::Relative);
        }
        match self.grounds.places.is_roots_alone(path) {
            Ok(true) => None,
            Ok(false) => Some(Why::NotRootsAlone),
            Err(error) => Some(unseen(error)),
        }
    }

    /// Whether two values are the same, or absolute paths that lead to the same place.
    pub fn is_same(&self, one: &OsStr, other: &OsStr) -> bool {
        if one == other {
            return true;
        }
        let (one, other) = (Path::new(one), Path::new(other));
        if !(one.is_absolute() && other.is_absolute()) {
            return false;
        }
        match (self.resolve(one), self.resolve(other)) {
            (Ok(one), Ok(other)) => one == other,
            _ => one == other,
        }
    }

    /// Whether a path without symlinks lies in a location that this server may open.
    pub fn is_data(&self, path: &Path) -> bool {
        self.grounds.briefing.data.iter().any(|location| path.starts_with(location))
    }

    /// Whether a path without symlinks lies in any encrypted location.
    pub fn is_encrypted(&self, path: &Path) -> bool {
        self.grounds.briefing.encrypted.iter().any(|location| path.starts_with(location))
    }

    pub fn what(&self, subject: Subject, option: &str, value: Option<&OsStr>) -> Subjected {
        let briefing = self.grounds.briefing;
        Subjected {
            subject,
            option: option.into(),
            value: value.map(Into::into),
            guard: briefing.guard.clone().into(),
            original: briefing.original.clone().into(),
        }
    }
}

pub(super) fn unseen(error: io::Error) -> Why {
    Why::Unseen { kind: error.kind() }
}
