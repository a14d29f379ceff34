//! What each rule says to a request, and who asked: for people and logs.
//!
//! Decides as [`Policy::grant`] does, and tells the rest as well. Slower than a decision, and never
//! a part of one.

use super::decision::{Ask, Decision, Mismatch, Reason, Standing, covered, weigh};
use super::policy::{Caller, Policy};
use super::rule::{BoundRule, Effect};
use super::run::{Flaw, ScriptFlaw, Who};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How one rule stands to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule, from 0.
    pub rule: usize,
    /// What it says.
    pub verdict: Verdict,
}

/// What a rule says to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Whom an explanation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A process that runs, and the ids that it asks by.
    Process(Caller),
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
    /// What each rule says to a request of this subject. Nobody is admitted by that.
    pub fn explain(&self, subject: &Subject, ask: &Ask<'_>) -> Explanation {
        let rules = self.rules();
        let found = match subject {
            Subject::Process(caller) => {
                self.standings_of(&rules, *caller).map(|(standings, who)| (standings, Some(who)))
            }
            Subject::Run { program, arguments, user } => {
                let run = (arguments.as_deref(), *user);
                self.standings_to_come(&rules, program, run).map(|standings| (standings, None))
            }
        };
        let (standings, who) = match found {
            Ok(found) => found,
            Err(reason) => return unknown(&rules, ask, &reason),
        };
        let judge = |(index, (rule, standing)): (usize, (&BoundRule, &Standing))| {
            let verdict = match standing {
                _ if !covered(rule, ask) => Verdict::NotAbout,
                Standing::Is if rule.rule.effect == Effect::Allow && !includes(rule, ask) => {
                    Verdict::Not(Reason::OtherAccess { rule: index })
                }
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

    /// Who a process is, for people. It is neither admitted nor remembered, and may go on meanwhile.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn describe(&self, caller: Caller) -> Result<Who, Reason> {
        self.standings_of(&[], caller).map(|(_, who)| who)
    }

    /// How a program stands to the rules when it is started now. What is not given holds.
    fn standings_to_come(
        &self,
        rules: &[BoundRule],
        program: &Path,
        run: (Option<&[OsString]>, Option<u32>),
    ) -> Result<Vec<Standing>, Reason> {
        let found = self.programs().resolve_process(program).map_err(|_| Reason::UnknownCaller)?;
        let stands = |rule: &BoundRule| {
            let (path, contents) =
                (found.path == rule.process, found.fingerprint == rule.fingerprint);
            match rule.rule.effect {
                Effect::Deny if (path || contents) && flaw_to_come(rule, run).is_none() => {
                    Standing::Is
                }
                Effect::Allow if path && contents => flaw_to_come(rule, run)
                    .map_or(Standing::Is, |flaw| Standing::Not(Mismatch::Run(flaw))),
                Effect::Allow if path => Standing::Not(Mismatch::Tainted),
                _ => Standing::Other,
            }
        };
        Ok(rules.iter().map(stands).collect())
    }
}

/// What a rule finds fault with in what is known of a run to come.
fn flaw_to_come(rule: &BoundRule, run: (Option<&[OsString]>, Option<u32>)) -> Option<Flaw> {
    let (arguments, user) = run;
    let parameters = &rule.rule.parameters;
    if let Some(user) = user
        && !parameters.users.is_empty()
        && !rule.bindings.users.contains(&user)
    {
        return Some(Flaw::User(user));
    }
    let mut behind = arguments?;
    if let Some(script) = &parameters.script {
        match behind.split_first() {
            Some((first, rest)) if Path::new(first) == script => behind = rest,
            _ => return Some(ScriptFlaw::Other.into()),
        }
    }
    let wanted = parameters.arguments.as_ref()?;
    (!wanted.matches(behind)).then_some(Flaw::Arguments)
}

fn includes(rule: &BoundRule, ask: &Ask<'_>) -> bool {
    rule.rule.parameters.accesses.include(ask.access)
}

/// Of somebody who cannot be looked at.
fn unknown(rules: &[BoundRule], ask: &Ask<'_>, reason: &Reason) -> Explanation {
    let judge = |(rule, bound): (usize, &BoundRule)| {
        let verdict =
            if covered(bound, ask) { Verdict::Not(reason.clone()) } else { Verdict::NotAbout };
        Finding { rule, verdict }
    };
    let findings = rules.iter().enumerate().map(judge).collect();
    Explanation { decision: Err(reason.clone()), findings, who: None }
}

#[cfg(test)]
mod tests {
    use super::super::ProcCallers;
    use super::super::test_support::{Running, plain_programs};
    use super::*;
    use std::sync::Arc;

    #[test]
    fn whoever_is_described_is_not_remembered() {
        let rule = "ALLOW @m * /bin/cat".parse().unwrap();
        let bound = super::super::programs::Programs::resolve_process;
        let found = bound(&plain_programs(), Path::new("/bin/cat")).unwrap();
        let rule = BoundRule {
            rule,
            process: found.path,
            fingerprint: found.fingerprint,
            bindings: super::super::Bindings::default(),
            terms: super::super::Terms::None,
        };
        let callers = Arc::new(ProcCallers::new().unwrap());
        let policy = Policy::new(callers, plain_programs(), vec![rule]);
        let cat = Running::start(Path::new("/bin/cat"));
        let caller = Caller { tid: cat.tid(), uid: 0, gid: 0 };
        let who = policy.describe(caller).unwrap();
        assert_eq!((who.pid, who.arguments), (cat.tid(), vec!["/bin/cat".into()]));
        assert!(policy.recall(caller).is_none());
        policy.look(caller).unwrap();
        assert!(policy.recall(caller).is_some());
        assert!(policy.describe(Caller { tid: 0, ..caller }).is_err());
    }
}
