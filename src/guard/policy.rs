//! How freely a server may be started: what is required, forbidden, warned of or allowed.
//!
//! A policy is settings put over the subjects' usual treatment. A setting is text, as the keystore
//! and the command line hold it: `allow init_file`, `warn tmpdir`, `forbid general_log_file`,
//! `require plugin_dir=/usr/lib/mysql/plugin`. Values are UTF-8: a path that is not cannot be
//! required. It must not know how a run is judged.

use super::policy_rows::{Row, rows};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

pub use super::policy_subject::Subject;

/// How a subject is treated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// Only this value is right.
    Require(OsString),
    /// Refused.
    Forbid,
    /// Done, and said.
    Warn,
    /// Done.
    Allow,
}

/// Why a setting is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The word before the subject.
    #[error("{setting:?} is no setting: it begins with allow, warn, forbid or require")]
    Verb {
        /// As given.
        setting: String,
    },
    /// There is no such subject.
    #[error("{name:?} is no subject of a guard's policy; these are: {}", names())]
    Subject {
        /// As given.
        name: String,
    },
    /// `require` without a value.
    #[error("{setting:?} names no value: write require SUBJECT=VALUE")]
    NoValue {
        /// As given.
        setting: String,
    },
    /// Two treatments of one subject.
    #[error("{subject} is treated in two ways: keep one, or only require")]
    Contradiction {
        /// Which.
        subject: Subject,
    },
}

/// The treatment of every subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Per subject one treatment, or several times [`Treatment::Require`]: any of them.
    said: BTreeMap<Subject, Vec<Treatment>>,
}

impl Policy {
    /// Reads settings.
    pub fn parse(settings: &[String]) -> Result<Self, Error> {
        let mut said: BTreeMap<Subject, Vec<Treatment>> = BTreeMap::new();
        for setting in settings {
            let (subject, treatment) = read(setting)?;
            let treatments = said.entry(subject).or_default();
            if treatments.contains(&treatment) {
                continue;
            }
            let requires = |one: &Treatment| matches!(one, Treatment::Require(_));
            if treatments.iter().any(|other| !(requires(other) && requires(&treatment))) {
                return Err(Error::Contradiction { subject });
            }
            treatments.push(treatment);
        }
        Ok(Self { said })
    }

    /// This policy with other settings over it: what they name, they decide alone.
    pub fn with(&self, settings: &[String]) -> Result<Self, Error> {
        let over = Self::parse(settings)?;
        let mut said = self.said.clone();
        said.extend(over.said);
        Ok(Self { said })
    }

    /// The treatments of a subject: one, or several requirements of which any will do.
    pub fn treatments(&self, subject: Subject) -> &[Treatment] {
        match self.said.get(&subject) {
            Some(said) => said,
            None => std::slice::from_ref(subject.usual()),
        }
    }

    /// The treatment of every subject, with what it is about.
    pub fn describe(&self) -> Vec<(Subject, Treatment, &'static str)> {
        let treated = |row: &'static Row| {
            let all = self.treatments(row.subject).iter();
            all.map(|treatment| (row.subject, treatment.clone(), row.what))
        };
        rows().flat_map(treated).collect()
    }

    /// The settings that make this policy.
    pub fn settings(&self) -> Vec<String> {
        let written = |(subject, all): (&Subject, &Vec<Treatment>)| {
            let subject = *subject;
            all.iter().map(move |treatment| write(subject, treatment)).collect::<Vec<_>>()
        };
        self.said.iter().flat_map(written).collect()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Subject {
    type Err = Error;

    /// Reads a subject's name; a dash is as good as `_`.
    fn from_str(name: &str) -> Result<Self, Error> {
        let unified = name.to_ascii_lowercase().replace('-', "_");
        Self::named(&unified).ok_or_else(|| Error::Subject { name: name.into() })
    }
}

fn read(setting: &str) -> Result<(Subject, Treatment), Error> {
    let setting = setting.trim_start();
    let (verb, rest) = setting.split_once(char::is_whitespace).unwrap_or((setting, ""));
    let treatment = match verb {
        "allow" => Treatment::Allow,
        "warn" => Treatment::Warn,
        "forbid" => Treatment::Forbid,
        "require" => return read_required(setting, rest),
        _ => return Err(Error::Verb { setting: setting.into() }),
    };
    Ok((rest.trim().parse()?, treatment))
}

fn read_required(setting: &str, rest: &str) -> Result<(Subject, Treatment), Error> {
    match rest.split_once('=') {
        Some((subject, value)) => {
            Ok((subject.trim().parse()?, Treatment::Require(value.to_owned().into())))
        }
        None => {
            rest.trim().parse::<Subject>()?;
            Err(Error::NoValue { setting: setting.into() })
        }
    }
}

fn write(subject: Subject, treatment: &Treatment) -> String {
    match treatment {
        Treatment::Require(value) => format!("require {subject}={}", value.to_string_lossy()),
        Treatment::Forbid => format!("forbid {subject}"),
        Treatment::Warn => format!("warn {subject}"),
        Treatment::Allow => format!("allow {subject}"),
    }
}

fn names() -> String {
    rows().map(|row| row.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
