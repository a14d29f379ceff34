//! The rules in force, and the decision about one request.
//!
//! How a program stands to the rules is worked out at a process's first request and then
//! remembered for that process, that file in that state, and those rules. Only what cannot change
//! under the same key is remembered: that it is the rule's process, or bears another path.
//! A process that was admitted stays so when its file is deleted or replaced (a package upgrade
//! under a running server), for as long as what it runs still has the fingerprint.

use super::Error;
use super::bounded::Bounded;
use super::decision::{Ask, Decision, Mismatch, Reason, Standing, weigh};
use super::fingerprint::Fingerprint;
use super::programs::Programs;
use super::rule::{BoundRule, Effect, Terms};
use super::subject::{Callers, Program, Unknown};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Processes remembered per set of rules.
const PROCESSES: usize = 4096;
/// Admissions remembered: they are small, and forgetting one can stop an upgraded server.
const ADMISSIONS: usize = 1 << 16;

/// Decides; enforcing is for whoever asks.
pub struct Policy {
    callers: Arc<dyn Callers>,
    programs: Arc<Programs>,
    current: RwLock<Arc<RuleSet>>,
    admitted: Mutex<Bounded<Admission, ()>>,
}

/// What an allowed request was allowed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The rule (from 0) that allows the first path.
    pub rule: usize,
    /// What the process must have shown besides. The same by every rule for one process.
    pub terms: Terms,
    /// The program that asked.
    pub program: Arc<Program>,
}

/// A process that once was a rule's process with this fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Admission {
    pid: u32,
    start_time: u64,
    fingerprint: Fingerprint,
}

/// Rules, and what was worked out for them. Replaced as a whole.
struct RuleSet {
    rules: Vec<BoundRule>,
    standings: Mutex<Bounded<Arc<Program>, Arc<[Standing]>>>,
}

impl RuleSet {
    fn new(rules: Vec<BoundRule>) -> Arc<Self> {
        Arc::new(Self { rules, standings: Mutex::new(Bounded::new(PROCESSES)) })
    }
}

impl Policy {
    /// A policy of these rules.
    pub fn new(callers: Arc<dyn Callers>, programs: Arc<Programs>, rules: Vec<BoundRule>) -> Self {
        let admitted = Mutex::new(Bounded::new(ADMISSIONS));
        Self { callers, programs, current: RwLock::new(RuleSet::new(rules)), admitted }
    }

    /// Puts other rules in force, from the next decision on.
    pub fn replace(&self, rules: Vec<BoundRule>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = RuleSet::new(rules);
    }

    /// Decides one request. Reads `/proc`, and at a process's first request maybe its whole
    /// program: not for a thread that other requests wait for.
    ///
    /// # Errors
    /// Why it is denied.
    pub fn grant(&self, ask: &Ask<'_>) -> Result<Grant, Reason> {
        let set = self.rule_set();
        let program = self.callers.program(ask.tid).map_err(reason_of)?;
        match weigh(&set.rules, &self.standings(&set, &program, ask.tid), ask) {
            Decision::Allow { rule } => {
                let terms = set.rules.get(rule).map_or(Terms::None, |rule| rule.terms);
                Ok(Grant { rule, terms, program })
            }
            Decision::Deny(reason) => Err(reason),
        }
    }

    /// The program that a thread runs, for a log of decisions.
    ///
    /// # Errors
    /// [`Unknown`] when it cannot be told.
    pub fn who(&self, tid: u32) -> Result<Arc<Program>, Unknown> {
        self.callers.program(tid)
    }

    /// Whether the fingerprint of a rule (from 0) no longer holds: also when the file cannot be
    /// examined, or there is no such rule.
    pub fn tainted(&self, rule: usize) -> bool {
        let set = self.rule_set();
        set.rules.get(rule).is_none_or(|rule| {
            !self.programs.current(&rule.process).is_ok_and(|(_, now)| now == rule.fingerprint)
        })
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> Vec<BoundRule> {
        self.rule_set().rules.clone()
    }

    /// Who finds programs.
    pub(super) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// How the program that a thread runs now stands to the rules.
    pub(super) fn standings_of(
        &self,
        rules: &[BoundRule],
        tid: u32,
    ) -> Result<Vec<Standing>, Reason> {
        let program = self.callers.program(tid).map_err(reason_of)?;
        Ok(self.judge(rules, &program, tid).to_vec())
    }

    fn rule_set(&self) -> Arc<RuleSet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn standings(&self, set: &RuleSet, program: &Arc<Program>, tid: u32) -> Arc<[Standing]> {
        if let Some(known) = lock(&set.standings).get(program) {
            return Arc::clone(known);
        }
        let standings = self.judge(&set.rules, program, tid);
        if !standings.iter().any(|standing| matches!(standing, Standing::Not(_))) {
            lock(&set.standings).insert(Arc::clone(program), Arc::clone(&standings));
        }
        standings
    }

    fn judge(&self, rules: &[BoundRule], program: &Program, tid: u32) -> Arc<[Standing]> {
        let mut contents = None;
        let mut standings: Vec<_> = rules
            .iter()
            .map(|rule| match rule.rule.effect {
                Effect::Deny => Standing::Other,
                Effect::Allow => match self.satisfies(rule, program, tid) {
                    Standing::Is => {
                        contents = Some(rule.fingerprint);
                        Standing::Is
                    }
                    standing => standing,
                },
            })
            .collect();
        for (rule, standing) in rules.iter().zip(&mut standings) {
            if rule.rule.effect == Effect::Deny {
                *standing = self.resembles(rule, program, contents);
            }
        }
        standings.into()
    }

    /// Whether the program is the process of an ALLOW rule: by path, by file and by contents.
    fn satisfies(&self, rule: &BoundRule, program: &Program, tid: u32) -> Standing {
        if program.path != rule.process {
            return Standing::Other;
        }
        if program.deleted {
            return self.still_admitted(rule, program, tid);
        }
        match self.programs.current(&rule.process) {
            Err(Error::NotFound { .. } | Error::IsLink { .. } | Error::NotRegular { .. }) => {
                Standing::Not(Mismatch::Replaced)
            }
            Err(_) => Standing::Not(Mismatch::Unverifiable),
            Ok((now, _)) if !self.programs.is_running(&rule.process, &now, &program.identity) => {
                Standing::Not(Mismatch::Replaced)
            }
            Ok((_, now)) if now != rule.fingerprint => Standing::Not(Mismatch::Tainted),
            Ok(_) => {
                lock(&self.admitted).insert(Admission::new(rule, program), ());
                Standing::Is
            }
        }
    }

    /// Whether a process whose file is gone was admitted before and still runs those contents. On
    /// the mount itself it is not examined, and so denied.
    fn still_admitted(&self, rule: &BoundRule, program: &Program, tid: u32) -> Standing {
        let known = lock(&self.admitted).get(&Admission::new(rule, program)).is_some();
        if !known || Some(program.identity.dev) == self.programs.mount().device {
            return Standing::Not(Mismatch::Deleted);
        }
        let Ok(file) = self.callers.open_program(tid) else {
            return Standing::Not(Mismatch::Unverifiable);
        };
        match self.programs.fingerprint_of(&program.path, &file) {
            Ok((now, contents)) if now == program.identity && contents == rule.fingerprint => {
                Standing::Is
            }
            Ok(_) => Standing::Not(Mismatch::Tainted),
            Err(_) => Standing::Not(Mismatch::Unverifiable),
        }
    }

    /// Whether the program is the process of a DENY rule by any of path, file or contents. Contents
    /// are those of an ALLOW rule that the program satisfies: without one it is refused anyway.
    fn resembles(
        &self,
        rule: &BoundRule,
        program: &Program,
        contents: Option<Fingerprint>,
    ) -> Standing {
        if program.path == rule.process || contents == Some(rule.fingerprint) {
            return Standing::Is;
        }
        match self.programs.identify(&rule.process) {
            Ok(now) if self.programs.is_running(&rule.process, &now, &program.identity) => {
                Standing::Is
            }
            Ok(_) | Err(Error::NotFound { .. }) => Standing::Other,
            Err(_) => Standing::Not(Mismatch::Unverifiable),
        }
    }
}

fn reason_of(unknown: Unknown) -> Reason {
    match unknown {
        Unknown::ForeignPidNamespace | Unknown::ForeignUserNamespace { .. } => {
            Reason::ForeignNamespace
        }
        Unknown::Unreadable { .. } => Reason::UnknownCaller,
    }
}

impl Admission {
    fn new(rule: &BoundRule, program: &Program) -> Self {
        let Program { pid, start_time, .. } = *program;
        Self { pid, start_time, fingerprint: rule.fingerprint }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
