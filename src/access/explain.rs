//! What each rule says to a request, and who asked: for people and logs.
//!
//! Decides as [`Policy::grant`] does, and tells the rest as well. Slower than a decision, and never
//! a part of one.

use super::decision::{Ask, Decision, Reason, Standing, covered, weigh};
use super::policy::Policy;
use super::rule::{BoundRule, Effect};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How one rule stands to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The rule, from 0.
    pub rule: usize,
    /// What it says.
    pub verdict: Verdict,
}

/// What a rule says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It matches: it allows, or it denies.
    Applies,
    /// It is about another category, path or access.
    NotAbout,
    /// It is about the request, and this is the first thing that does not hold.
    Not(Reason),
}

/// A decision, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The rule (from 0) that allows, or why it is denied.
    pub decision: Result<usize, Reason>,
    /// All rules, in their order.
    pub findings: Vec<Finding>,
    /// Who asked, where it is a process that runs.
    pub who: Option<Who>,
}

/// Who asked. Secrets in the arguments are taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Process id (thread group).
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// The program as the kernel prints it.
    pub exe: PathBuf,
    /// Real user id.
    pub user: u32,
    /// Real group id.
    pub group: u32,
    /// The user id that logged in, where somebody did.
    pub login_user: Option<u32>,
    /// What it was started with, the program's name first.
    pub arguments: Vec<OsString>,
    /// The systemd unit in whose cgroup it is.
    pub unit: Option<String>,
}

/// Whom an explanation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A process that runs.
    Process(u32),
    /// A run to come. What is not given is taken to hold.
    Run {
        /// The executable, absolute.
        program: PathBuf,
        /// What it is started with, without the program's name.
        arguments: Option<Vec<OsString>>,
        /// The user id that it runs as.
        user: Option<u32>,
    },
}

impl Policy {
    /// What each rule says to a request of this subject. `ask` names the process's own thread id.
    pub fn explain(&self, subject: &Subject, ask: &Ask<'_>) -> Explanation {
        let rules = self.rules();
        let (standings, who) = match subject {
            Subject::Process(pid) => match self.standings_of(&rules, *pid) {
                Ok(standings) => (standings, Who::of(*pid)),
                Err(reason) => return unknown(&rules, ask, reason),
            },
            Subject::Run { program, .. } => match self.standings_to_come(&rules, program) {
                Ok(standings) => (standings, None),
                Err(reason) => return unknown(&rules, ask, reason),
            },
        };
        let judge = |(index, (rule, standing)): (usize, (&BoundRule, &Standing))| {
            let verdict = match standing {
                _ if !covered(rule, ask) => Verdict::NotAbout,
                Standing::Is => Verdict::Applies,
                Standing::Other => Verdict::Not(Reason::WrongProgram),
                Standing::Not(_) if rule.rule.effect == Effect::Deny => Verdict::Applies,
                Standing::Not(mismatch) => Verdict::Not(mismatch.reason(index)),
            };
            Finding { rule: index, verdict }
        };
        let findings = rules.iter().zip(&standings).enumerate().map(judge).collect();
        let decision = match weigh(&rules, &standings, ask) {
            Decision::Allow { rule } => Ok(rule),
            Decision::Deny(reason) => Err(reason),
        };
        Explanation { decision, findings, who }
    }

    /// How a program stands to the rules when it is started now.
    fn standings_to_come(
        &self,
        rules: &[BoundRule],
        program: &Path,
    ) -> Result<Vec<Standing>, Reason> {
        let found = self.programs().resolve_process(program).map_err(|_| Reason::UnknownCaller)?;
        let stands = |rule: &BoundRule| {
            let (path, contents) =
                (found.path == rule.process, found.fingerprint == rule.fingerprint);
            match rule.rule.effect {
                Effect::Deny if path || contents => Standing::Is,
                Effect::Allow if path && contents => Standing::Is,
                Effect::Allow if path => Standing::Not(super::decision::Mismatch::Tainted),
                _ => Standing::Other,
            }
        };
        Ok(rules.iter().map(stands).collect())
    }
}

/// Of somebody who cannot be looked at.
fn unknown(rules: &[BoundRule], ask: &Ask<'_>, reason: Reason) -> Explanation {
    let judge = |(rule, bound): (usize, &BoundRule)| {
        let verdict = if covered(bound, ask) { Verdict::Not(reason) } else { Verdict::NotAbout };
        Finding { rule, verdict }
    };
    let findings = rules.iter().enumerate().map(judge).collect();
    Explanation { decision: Err(reason), findings, who: None }
}
