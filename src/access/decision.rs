//! What is asked, what is answered, and how the rules are weighed: pure, without a system.

use super::rule::{BoundRule, Effect, Rule};
use super::run::Flaw;
use std::path::Path;

/// A kind of use; a rule may be about some of them only (`--access`).
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
}

/// The answer. Rules are counted from 0, as they were given to the policy.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
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
    /// The caller runs the rule's program, and not as the rule demands.
    #[error("rule {}: {flaw}", .rule + 1)]
    Run {
        /// The rule.
        rule: usize,
        /// What does not hold.
        flaw: Flaw,
    },
    /// The caller may do other things than this one.
    #[error("rule {}: it allows the process other kinds of access only", .rule + 1)]
    OtherAccess {
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
    /// Looking at the caller took too long.
    #[error("looking at the caller took too long")]
    TooSlow,
}

/// How a program stands to a rule's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is that process.
    Is,
    /// It runs from another path.
    Other,
    /// It is not, though it bears the path.
    Not(Mismatch),
}

/// What a program that bears the rule's path lacks, or is found fault with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mismatch {
    Unverifiable,
    Replaced,
    Deleted,
    Tainted,
    Run(Flaw),
}

impl Mismatch {
    pub(super) fn reason(&self, rule: usize) -> Reason {
        match self {
            Self::Unverifiable => Reason::Unverifiable { rule },
            Self::Replaced => Reason::Replaced { rule },
            Self::Deleted => Reason::Deleted { rule },
            Self::Tainted => Reason::Tainted { rule },
            Self::Run(flaw) => Reason::Run { rule, flaw: flaw.clone() },
        }
    }
}

impl Reason {
    /// How much it tells, compared with others.
    fn weight(&self) -> u8 {
        match self {
            Self::NoRule => 0,
            Self::WrongProgram => 1,
            Self::Unverifiable { .. } => 2,
            Self::Replaced { .. } => 3,
            Self::Deleted { .. } => 4,
            Self::Tainted { .. } => 5,
            Self::Run { flaw, .. } if flaw.weight() == 0 => 2,
            Self::Run { flaw, .. } if flaw.weight() == 1 => 6,
            Self::OtherAccess { .. } => 7,
            Self::Run { .. } => 8,
            _ => 9,
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
        match permit(about, ask.access) {
            Ok(rule) => first = first.or(Some(rule)),
            Err(reason) => return Decision::Deny(reason),
        }
    }
    first.map_or(Decision::Deny(Reason::NoRule), |rule| Decision::Allow { rule })
}

/// Whether a rule is about the access to any of the paths. Who may not touch what lies below a directory may not
/// move it away under another name.
pub(super) fn covered(rule: &BoundRule, ask: &Ask<'_>) -> bool {
    let Rule { category, path: pattern, .. } = &rule.rule;
    let below = |path: &&Path| ask.below && pattern.may_reach_below(path);
    let covers = |path: &&Path| rule.rule.covers(ask.category, path) || below(path);
    rule.rule.parameters.accesses.touch(ask.access)
        && category == ask.category
        && ask.paths.iter().any(covers)
}

/// The first of these rules that the program satisfies, or what tells most about why none is.
fn permit<'a>(
    about: impl Iterator<Item = (usize, (&'a BoundRule, &'a Standing))>,
    access: Access,
) -> Result<usize, Reason> {
    let mut nearest = Reason::NoRule;
    for (rule, (bound, standing)) in about {
        let includes = bound.rule.parameters.accesses.include(access);
        let reason = match standing {
            Standing::Is if includes => return Ok(rule),
            Standing::Is => Reason::OtherAccess { rule },
            Standing::Other => Reason::WrongProgram,
            Standing::Not(mismatch) => mismatch.reason(rule),
        };
        if nearest.weight() < reason.weight() {
            nearest = reason;
        }
    }
    Err(nearest)
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
