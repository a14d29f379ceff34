//! The rules in force, and the decision about one request.
//!
//! A process is looked at when it first uses the files ([`Policy::look`]), and again when it executed
//! something, runs as somebody else, or the rules changed; what was found is remembered
//! ([`Policy::recall`]). Only what cannot change under the same key is remembered: that it is the
//! rule's process, or bears another path. Weighing a request against that is a matter of memory alone.
//!
//! A process that was admitted by a rule stays so by that rule when its file is deleted or replaced (a
//! package upgrade under a running server), for as long as what it runs still has the fingerprint, and
//! when it changes what would have been refused at first (compiles code, say): it does so of its own
//! accord.

use super::Error;
use super::bounded::Bounded;
use super::decision::{Ask, Decision, Mismatch, Reason, Standing, weigh};
use super::fingerprint::Fingerprint;
use super::lineage::Lineage;
use super::programs::Programs;
use super::rule::{BoundRule, Effect, Terms};
use super::run::{self, Flaw, Observed, Who};
use super::subject::{Callers, Program};
use sha2::{Digest, Sha256};
use std::cell::OnceCell;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Processes remembered per set of rules.
const PROCESSES: usize = 1 << 13;
/// Admissions remembered: they are small, and forgetting one can stop an upgraded server.
const ADMISSIONS: usize = 1 << 16;
/// Generations looked back for the program that started a process.
const GENERATIONS: usize = 64;

/// Decides; enforcing is for whoever asks.
pub struct Policy {
    callers: Arc<dyn Callers>,
    programs: Arc<Programs>,
    current: RwLock<Arc<RuleSet>>,
    admitted: Mutex<Bounded<Admission, ()>>,
    lineage: Lineage,
}

/// Who asks, as the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Thread id in the service's pid namespace; 0 for a process that is not in it.
    pub tid: u32,
    /// File-system user id.
    pub uid: u32,
    /// File-system group id.
    pub gid: u32,
}

/// What an allowed request was allowed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The rule (from 0) that allows the first path.
    pub rule: usize,
    /// What the process must have shown besides. The same by every rule for one process.
    pub terms: Terms,
}

/// A process, and how it stands to the rules.
pub struct Looked {
    set: Arc<RuleSet>,
    program: Arc<Program>,
    standings: Vec<Standing>,
    who: Who,
    command_line: Option<[u8; 32]>,
    told: Mutex<HashSet<usize>>,
}

/// A process that once was a rule's process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Admission {
    caller: (u32, u32),
    pid: u32,
    start_time: u64,
    stamp: crate::sys::caller::Stamp,
    rule: u64,
}

/// A program at work for somebody.
type Key = (Arc<Program>, u32, u32);

/// Rules, and what was worked out for them. Replaced as a whole.
struct RuleSet {
    rules: Vec<BoundRule>,
    /// Tells each rule from others and from what it was before.
    marks: Vec<u64>,
    looked: Mutex<Bounded<Key, Arc<Looked>>>,
}

impl RuleSet {
    fn new(rules: Vec<BoundRule>) -> Arc<Self> {
        let marks = rules.iter().map(mark).collect();
        Arc::new(Self { rules, marks, looked: Mutex::new(Bounded::new(PROCESSES)) })
    }
}

fn mark(rule: &BoundRule) -> u64 {
    let mut hasher = DefaultHasher::new();
    let BoundRule { rule, process, fingerprint, bindings, terms } = rule;
    (rule.to_string(), process, fingerprint, bindings, terms).hash(&mut hasher);
    hasher.finish()
}

impl Looked {
    /// The program that the process runs.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The process, for people.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// SHA-256 of the process's command line, where some rule made it worth reading.
    pub fn command_line(&self) -> Option<&[u8; 32]> {
        self.command_line.as_ref()
    }

    /// Whether a rule (from 0) allows this process something for the first time.
    pub fn is_news(&self, rule: usize) -> bool {
        lock(&self.told).insert(rule)
    }

    /// The rule as it is in force.
    pub fn rule(&self, number: usize) -> Option<&BoundRule> {
        self.set.rules.get(number)
    }

    /// Whether another look could find otherwise: some rule is for this process and finds fault with
    /// it.
    pub fn may_change(&self) -> bool {
        self.standings.iter().any(|standing| matches!(standing, Standing::Not(_)))
    }
}

impl Policy {
    /// A policy of these rules.
    pub fn new(callers: Arc<dyn Callers>, programs: Arc<Programs>, rules: Vec<BoundRule>) -> Self {
        let admitted = Mutex::new(Bounded::new(ADMISSIONS));
        let current = RwLock::new(RuleSet::new(Vec::new()));
        let policy = Self { callers, programs, current, admitted, lineage: Lineage::default() };
        policy.replace(rules);
        policy
    }

    /// Puts other rules in force, from the next decision on.
    pub fn replace(&self, rules: Vec<BoundRule>) {
        if rules.iter().any(|rule| rule.rule.parameters.children) {
            self.lineage.begin();
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = RuleSet::new(rules);
    }

    /// What is known of a caller already: four system calls, none of which waits for anybody. None
    /// when it must be looked at.
    pub fn recall(&self, caller: Caller) -> Option<Arc<Looked>> {
        let program = self.callers.program(caller.tid).ok()?;
        lock(&self.rule_set().looked).get(&(program, caller.uid, caller.gid)).cloned()
    }

    /// Looks at a caller. Reads its command line and mappings, and maybe its whole program: not for a
    /// thread that other requests wait for.
    ///
    /// # Errors
    /// When it cannot be told who asks.
    pub fn look(&self, caller: Caller) -> Result<Arc<Looked>, Reason> {
        if caller.tid == 0 {
            return Err(Reason::ForeignNamespace);
        }
        let unknown = |_| Reason::UnknownCaller;
        let set = self.rule_set();
        let program = self.callers.program(caller.tid).map_err(unknown)?;
        let observed = OnceCell::new();
        let look = Look { policy: self, caller, program: &program, observed, admits: true };
        let standings = look.judge(&set);
        let observed = look.observed.get().and_then(|observed| observed.as_ref().ok());
        let (who, command_line) = match observed {
            Some(seen) => {
                let line = Sha256::digest(seen.command_line()).into();
                (seen.who(caller.tid, &program), Some(line))
            }
            None => {
                (self.callers.who(caller.tid, &program).map_err(|_| Reason::UnknownCaller)?, None)
            }
        };
        let keep = observed.is_none_or(|observed| observed.randomised);
        let told = Mutex::default();
        let (key, set_kept) = ((program.clone(), caller.uid, caller.gid), set.clone());
        let looked = Arc::new(Looked { set, program, standings, who, command_line, told });
        if keep {
            lock(&set_kept.looked).insert(key, looked.clone());
        }
        Ok(looked)
    }

    /// Whether the rules are still those that a process was judged by.
    pub fn is_current(&self, looked: &Looked) -> bool {
        Arc::ptr_eq(&self.rule_set(), &looked.set)
    }

    /// Decides one request of a process that was looked at.
    ///
    /// # Errors
    /// Why it is denied.
    pub fn weigh(&self, looked: &Looked, ask: &Ask<'_>) -> Result<Grant, Reason> {
        let rules = &looked.set.rules;
        match weigh(rules, &looked.standings, ask) {
            Decision::Allow { rule } => {
                let terms = rules.get(rule).map_or(Terms::None, |rule| rule.terms);
                Ok(Grant { rule, terms })
            }
            Decision::Deny(reason) => Err(reason),
        }
    }

    /// Looks and decides.
    ///
    /// # Errors
    /// Why it is denied.
    pub fn grant(&self, caller: Caller, ask: &Ask<'_>) -> Result<Grant, Reason> {
        let known = self.recall(caller).filter(|known| !known.may_change());
        let looked = known.map_or_else(|| self.look(caller), Ok)?;
        self.weigh(&looked, ask)
    }

    /// The program that a thread runs.
    ///
    /// # Errors
    /// [`super::Unknown`] when it cannot be told.
    pub fn who(&self, tid: u32) -> Result<Arc<Program>, super::Unknown> {
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

    /// How a process stands to the rules now. It is not admitted by that.
    pub(super) fn standings_of(
        &self,
        rules: &[BoundRule],
        caller: Caller,
    ) -> Result<(Vec<Standing>, Who), Reason> {
        let unknown = |_| Reason::UnknownCaller;
        let program = self.callers.program(caller.tid).map_err(unknown)?;
        let observed = OnceCell::new();
        let look = Look { policy: self, caller, program: &program, observed, admits: false };
        let who = self.callers.who(caller.tid, &program).map_err(|_| Reason::UnknownCaller)?;
        Ok((look.judge(&RuleSet::new(rules.to_vec())), who))
    }

    fn rule_set(&self) -> Arc<RuleSet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One look at one process.
struct Look<'a> {
    policy: &'a Policy,
    caller: Caller,
    program: &'a Arc<Program>,
    observed: OnceCell<io::Result<Observed>>,
    /// Whether a rule that is content admits the process for good.
    admits: bool,
}

impl Look<'_> {
    fn judge(&self, set: &RuleSet) -> Vec<Standing> {
        let mut contents = None;
        let rules = || set.rules.iter().zip(&set.marks);
        let mut standings: Vec<_> = rules()
            .map(|(rule, mark)| match rule.rule.effect {
                Effect::Deny => Standing::Other,
                Effect::Allow => {
                    let standing = self.satisfies(rule, *mark);
                    if standing == Standing::Is && self.program.path == rule.process {
                        contents = Some(rule.fingerprint);
                    }
                    standing
                }
            })
            .collect();
        for (rule, standing) in set.rules.iter().zip(&mut standings) {
            if rule.rule.effect == Effect::Deny {
                *standing = self.resembles(rule, contents);
            }
        }
        standings
    }

    /// What is seen of the process, which is looked at once.
    fn observed(&self) -> Result<&Observed, Flaw> {
        let look = || {
            let mount = self.policy.programs.mount();
            self.policy.callers.observe(self.caller.tid, self.program, mount)
        };
        self.observed.get_or_init(look).as_ref().map_err(|error| Flaw::Unreadable(error.kind()))
    }

    /// Whether this is the process of an ALLOW rule, or a descendant where that will do.
    fn satisfies(&self, rule: &BoundRule, mark: u64) -> Standing {
        let admission = self.admission(mark);
        let was_admitted = lock(&self.policy.admitted).get(&admission).is_some();
        let (tid, program) = (self.caller.tid, self.program);
        let standing = match self.policy.runs(rule, program, tid, was_admitted) {
            Standing::Is if was_admitted => return Standing::Is,
            Standing::Is => self.content(rule),
            Standing::Other if rule.rule.parameters.children => {
                if was_admitted {
                    Standing::Is
                } else {
                    self.descends(rule)
                }
            }
            other => other,
        };
        let admits = self.admits && standing == Standing::Is;
        if admits && self.observed().is_ok_and(|observed| observed.randomised) {
            lock(&self.policy.admitted).insert(admission, ());
        }
        standing
    }

    fn admission(&self, rule: u64) -> Admission {
        let Program { pid, start_time, stamp, .. } = **self.program;
        Admission { caller: (self.caller.uid, self.caller.gid), pid, start_time, stamp, rule }
    }

    /// Whether a rule is content with how its program runs here.
    fn content(&self, rule: &BoundRule) -> Standing {
        let flaw = match self.observed() {
            Ok(observed) => run::flaw_of(rule, &self.policy.programs, self.program, observed),
            Err(flaw) => Some(flaw),
        };
        flaw.map_or(Standing::Is, |flaw| Standing::Not(Mismatch::Run(flaw)))
    }

    /// Whether the rule's program, with which the rule is content, started this process. It is its
    /// ancestor, and has executed nothing since it forked the one that leads here.
    fn descends(&self, rule: &BoundRule) -> Standing {
        let policy = self.policy;
        let mut child = self.program.pid;
        let mut nearest = Standing::Other;
        for _ in 0..GENERATIONS {
            let birth = match policy.lineage.birth(child) {
                Ok(Some(birth))
                    if policy.callers.parent(child).is_ok_and(|now| now == birth.parent) =>
                {
                    birth
                }
                Ok(_) => break,
                Err(_) => return Standing::Not(Mismatch::Run(Flaw::NoLineage)),
            };
            let Ok(parent) = policy.callers.program(birth.parent) else { break };
            let (caller, observed) = (Caller { tid: birth.parent, ..self.caller }, OnceCell::new());
            let ancestor = Look { policy, caller, program: &parent, observed, admits: false };
            let found = match policy.runs(rule, &parent, birth.parent, false) {
                Standing::Is if !birth.by_what_parent_is => {
                    Standing::Not(Mismatch::Run(Flaw::NotStartedByIt))
                }
                Standing::Is => ancestor.content(rule),
                other => other,
            };
            match found {
                Standing::Is => return self.content_as_descendant(rule),
                Standing::Other => {}
                flaw => nearest = flaw,
            }
            child = birth.parent;
        }
        nearest
    }

    fn content_as_descendant(&self, rule: &BoundRule) -> Standing {
        let flaw = match self.observed() {
            Ok(observed) => run::flaw_of_descendant(rule, &self.policy.programs, observed),
            Err(flaw) => Some(flaw),
        };
        flaw.map_or(Standing::Is, |flaw| Standing::Not(Mismatch::Run(flaw)))
    }

    /// Whether the program is the process of a DENY rule by any of path, file or contents, and none of
    /// the rule's parameters exempts it. Contents are those of an ALLOW rule that the program
    /// satisfies: without one it is refused anyway.
    fn resembles(&self, rule: &BoundRule, contents: Option<Fingerprint>) -> Standing {
        let standing = match self.policy.looks_like(rule, self.program, contents) {
            Standing::Other if rule.rule.parameters.children => self.descends_from_alike(rule),
            standing => standing,
        };
        if standing == Standing::Other || rule.rule.parameters.is_empty() {
            return standing;
        }
        match self.observed() {
            Ok(observed) if run::exempt(rule, &self.policy.programs, observed) => Standing::Other,
            _ => standing,
        }
    }

    fn descends_from_alike(&self, rule: &BoundRule) -> Standing {
        let mut child = self.program.pid;
        for _ in 0..GENERATIONS {
            let Ok(parent) = self.policy.callers.parent(child) else { break };
            let Ok(program) = self.policy.callers.program(parent) else { break };
            match self.policy.looks_like(rule, &program, None) {
                Standing::Other => child = parent,
                alike => return alike,
            }
        }
        Standing::Other
    }
}

impl Policy {
    /// Whether a program is the process of a rule: by path, by file and by contents.
    fn runs(&self, rule: &BoundRule, program: &Program, tid: u32, admitted: bool) -> Standing {
        if program.path != rule.process {
            return Standing::Other;
        }
        if program.deleted {
            return self.still_runs(rule, program, tid, admitted);
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
            Ok(_) => Standing::Is,
        }
    }

    /// Whether a process whose file is gone was admitted before and still runs those contents. On
    /// the mount itself it is not examined, and so denied.
    fn still_runs(
        &self,
        rule: &BoundRule,
        program: &Program,
        tid: u32,
        admitted: bool,
    ) -> Standing {
        if !admitted || Some(program.identity.dev) == self.programs.mount().device {
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

    fn looks_like(
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "policy_run_tests.rs"]
mod run_tests;
