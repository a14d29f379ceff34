//! The rules that there are by now, as the service lists them.

use super::lines::Denial;
use crate::access::Rule;
use crate::access::suggest::Observation;
use crate::cli::instance::{Instance, unexpected_answer};
use crate::service::protocol::{Answer, Failure, Request, RuleRow};
use std::path::{Path, PathBuf};

/// The rules in force.
pub struct Known(Vec<(Option<Rule>, RuleRow)>);

impl Known {
    /// Asks the service.
    ///
    /// # Errors
    /// As the service says.
    pub fn ask(instance: &Instance) -> Result<Self, Failure> {
        match super::ask(instance, Request::Rules)? {
            Answer::Rules(rows) => Ok(Self::from(rows)),
            _ => Err(unexpected_answer()),
        }
    }

    /// Whether a rule allows by now what was denied to the program `exe`.
    pub fn allow(&self, exe: &Path, seen: &Observation) -> bool {
        self.0.iter().any(|(rule, row)| {
            // A rule is listed with the program's file; what was seen has the name it was called by.
            let named = |rule: &Rule| Rule { process: seen.process.clone(), ..rule.clone() };
            Path::new(&row.process) == exe
                && rule.as_ref().is_some_and(|rule| seen.is_allowed_by(&named(rule)))
        })
    }

    /// Whether a rule for the denied program still has a fingerprint that does not hold, or denies.
    pub fn still_need_mending(&self, denial: &Denial) -> bool {
        self.0.iter().any(|(_, row)| {
            let mine = Path::new(&row.process) == denial.exe;
            let category = row.category.strip_prefix('@') == Some(&denial.seen.category);
            category && (mine && row.tainted || row.effect == "DENY")
        })
    }
}

impl From<Vec<RuleRow>> for Known {
    fn from(rows: Vec<RuleRow>) -> Self {
        let parse = |row: RuleRow| {
            let RuleRow { effect, category, path, parameters, .. } = &row;
            let text = format!("{effect} {category} {path} / {parameters}");
            let rule = text.parse::<Rule>().ok();
            let process = PathBuf::from(&row.process);
            (rule.map(|rule| Rule { process, ..rule }), row)
        };
        Self(rows.into_iter().map(parse).collect())
    }
}
