//! What is asked, what is answered, and how the rules are weighed: pure, without a system.

use super::rule::{BoundRule, Effect, Rule};
use std::path::Path;

/// A kind of use. All need the same rules in this version; parameters will tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Open for reading.
    Read,
    /// Open for writing.
    Write,
    /// Open for reading and writing.
    ReadWrite,
    /// Open in order to execute.
    Execute,
    /// Make a file, directory, link or node.
    Create,
    /// Remove, rename, truncate, or change mode, owner, times or attributes.
    Change,
}

/// One request to be decided.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The category's name, without the `@`.
    pub category: &'a str,
    /// The original paths it touches, absolute, without `.` and `..`: all must be allowed, and
    /// without any nothing is.
    pub paths: &'a [&'a Path],
    /// Whether it is about what lies below the paths as well.
    pub below: bool,
    /// What is to be done.
    pub access: Access,
    /// The caller's thread id as the kernel told it; 0 when it could not.
    pub tid: u32,
    /// The caller's user id.
    pub uid: u32,
}

/// The answer. Rules are counted from 0, as they were given to the policy.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow {
        /// The rule that allows (the first path).
        rule: usize,
    },
    /// Refuse with `EACCES`.
    Deny(Reason),
}

/// Why a request is refused. Rules are counted from 0, but shown from 1, as lists show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// No ALLOW rule is about the path.
    #[error("no rule allows this path to any program")]
    NoRule,
    /// ALLOW rules are about the path, for other programs.
    #[error("the rules for this path are for other programs")]
    WrongProgram,
    /// The caller bears the rule's path, but that path names another file now.
    #[error("rule {}: the process's path names another file now", .rule + 1)]
    Replaced {
        /// The rule.
        rule: usize,
    },
    /// The caller runs from the rule's path, and the fingerprint does not hold.
    #[error("rule {}: the process is tainted: it is not the file that the rule was made for", .rule + 1)]
    Tainted {
        /// The rule.
        rule: usize,
    },
    /// The caller's program was deleted or replaced before its first use of the files.
    #[error("rule {}: the file of the running process was deleted or replaced", .rule + 1)]
    Deleted {
        /// The rule.
        rule: usize,
    },
    /// The rule's process could not be examined.
    #[error("rule {}: the process's file cannot be examined", .rule + 1)]
    Unverifiable {
        /// The rule.
        rule: usize,
    },
    /// A DENY rule matches.
    #[error("rule {} denies", .0 + 1)]
    DeniedByRule(usize),
    /// The caller is in a foreign pid or user namespace.
    #[error("the caller is in a foreign namespace")]
    ForeignNamespace,
    /// It cannot be told who asks.
    #[error("it cannot be told who asks")]
    UnknownCaller,
}

/// How a program stands to a rule's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is that process.
    Is,
    /// It runs from another path.
    Other,
    /// It is not, though it bears the path.
    Not(Mismatch),
}

/// What a program that bears the rule's path lacks, the least telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mismatch {
    Unverifiable,
    Replaced,
    Deleted,
    Tainted,
}

impl Mismatch {
    pub(super) fn reason(self, rule: usize) -> Reason {
        match self {
            Self::Unverifiable => Reason::Unverifiable { rule },
            Self::Replaced => Reason::Replaced { rule },
            Self::Deleted => Reason::Deleted { rule },
            Self::Tainted => Reason::Tainted { rule },
        }
    }
}

/// Weighs the rules for one program, whose standing to each of them is given in the same order: a
/// DENY that matches any path denies, even if that is uncertain, and each path needs an ALLOW.
pub(super) fn weigh(rules: &[BoundRule], standings: &[Standing], ask: &Ask<'_>) -> Decision {
    let numbered = || rules.iter().zip(standings).enumerate();
    let denying = numbered().find(|(_, (rule, standing))| {
        rule.rule.effect == Effect::Deny && **standing != Standing::Other && covered(rule, ask)
    });
    if let Some((rule, _)) = denying {
        return Decision::Deny(Reason::DeniedByRule(rule));
    }
    let mut first = None;
    for path in ask.paths {
        let about = numbered().filter(|(_, (rule, _))| {
            rule.rule.effect == Effect::Allow && rule.rule.covers(ask.category, path)
        });
        match permit(about.map(|(number, (_, standing))| (number, *standing))) {
            Ok(rule) => first = first.or(Some(rule)),
            Err(reason) => return Decision::Deny(reason),
        }
    }
    first.map_or(Decision::Deny(Reason::NoRule), |rule| Decision::Allow { rule })
}

/// Whether a rule is about any of the paths. Who may not touch what lies below a directory may not
/// move it away under another name.
pub(super) fn covered(rule: &BoundRule, ask: &Ask<'_>) -> bool {
    let Rule { category, path: pattern, .. } = &rule.rule;
    let below = |path: &&Path| ask.below && pattern.may_reach_below(path);
    let covers = |path: &&Path| rule.rule.covers(ask.category, path) || below(path);
    category == ask.category && ask.paths.iter().any(covers)
}

/// The first of these rules that the program satisfies, or what tells most about why none is.
fn permit(about: impl Iterator<Item = (usize, Standing)>) -> Result<usize, Reason> {
    let mut reason = Reason::NoRule;
    let mut nearest = None;
    for (rule, standing) in about {
        match standing {
            Standing::Is => return Ok(rule),
            Standing::Other if reason == Reason::NoRule => reason = Reason::WrongProgram,
            Standing::Not(mismatch) if nearest < Some(mismatch) => {
                nearest = Some(mismatch);
                reason = mismatch.reason(rule);
            }
            Standing::Other | Standing::Not(_) => {}
        }
    }
    Err(reason)
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
