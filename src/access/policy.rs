//! The rules in force, and the decision about one request.
//!
//! A process is looked at when it first uses the files ([`Policy::look`]), and again when it executed
//! something, runs as somebody else, or the rules changed; what was found is remembered
//! ([`Policy::recall`]). Only what cannot change under the same key is remembered: that it is the
//! rule's process, or bears another path. Weighing a request against that is a matter of memory alone.

use super::bounded::Bounded;
use super::decision::{Ask, Decision, Reason, Standing, weigh};
use super::lineage::Time;
use super::look::{Admits, Judge, Look};
use super::programs::Programs;
use super::rule::{BoundRule, Terms};
use super::run::Who;
use super::subject::{Callers, Program};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Processes remembered per set of rules.
const PROCESSES: usize = 1 << 13;

/// Decides; enforcing is for whoever asks.
pub struct Policy {
    judge: Judge,
    current: RwLock<Arc<RuleSet>>,
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
    /// When the look at it began.
    since: Time,
    rules: Arc<Rules>,
    program: Arc<Program>,
    standings: Vec<Standing>,
    who: Who,
    command_line: Option<[u8; 32]>,
    told: Mutex<HashSet<usize>>,
}

/// A program at work for somebody.
type Key = (Arc<Program>, u32, u32);

/// Rules, and marks that tell each from others and from what it was before.
struct Rules {
    rules: Vec<BoundRule>,
    marks: Vec<u64>,
}

/// Rules, and what was worked out for them. Replaced as a whole. What was worked out holds on to the
/// rules, and not to this.
struct RuleSet {
    rules: Arc<Rules>,
    looked: Mutex<Bounded<Key, Arc<Looked>>>,
}

impl RuleSet {
    fn new(rules: Vec<BoundRule>) -> Arc<Self> {
        let marks = rules.iter().map(mark).collect();
        let looked = Mutex::new(Bounded::new(PROCESSES));
        Arc::new(Self { rules: Arc::new(Rules { rules, marks }), looked })
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
        self.rules.rules.get(number)
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
        let current = RwLock::new(RuleSet::new(Vec::new()));
        let policy = Self { judge: Judge::new(callers, programs), current };
        policy.replace(rules);
        policy
    }

    /// Puts other rules in force, from the next decision on.
    pub fn replace(&self, rules: Vec<BoundRule>) {
        if rules.iter().any(|rule| rule.rule.parameters.children) {
            self.judge.lineage.begin();
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = RuleSet::new(rules);
    }

    /// What is known of a caller already: five system calls, none of which waits for anybody. None
    /// when it must be looked at.
    pub fn recall(&self, caller: Caller) -> Option<Arc<Looked>> {
        let program = self.judge.callers.program(caller.tid).ok()?;
        let key = (program, caller.uid, caller.gid);
        let known = lock(&self.rule_set().looked).get(&key).cloned()?;
        self.judge.lineage.is_same_since(key.0.pid, known.since).then_some(known)
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
        let program = self.judge.callers.program(caller.tid).map_err(unknown)?;
        let look = Look::new(&self.judge, caller, &program, Admits::Yes);
        let standings = look.standings(&set.rules.rules, &set.rules.marks);
        let observed = look.seen();
        let (who, command_line) = match observed {
            Some(seen) => {
                let line = Sha256::digest(seen.command_line()).into();
                (seen.who(caller.tid, &program), Some(line))
            }
            None => (
                self.judge.callers.who(caller.tid, &program).map_err(|_| Reason::UnknownCaller)?,
                None,
            ),
        };
        let keep = observed.is_none_or(|observed| observed.randomised);
        let told = Mutex::default();
        let key = (program.clone(), caller.uid, caller.gid);
        let looked = Arc::new(Looked {
            since: look.since(),
            rules: set.rules.clone(),
            program,
            standings,
            who,
            command_line,
            told,
        });
        if keep {
            lock(&set.looked).insert(key, looked.clone());
        }
        Ok(looked)
    }

    /// Whether the rules are still those that a process was judged by.
    pub fn is_current(&self, looked: &Looked) -> bool {
        Arc::ptr_eq(&self.rule_set().rules, &looked.rules)
    }

    /// Decides one request of a process that was looked at.
    ///
    /// # Errors
    /// Why it is denied.
    pub fn weigh(&self, looked: &Looked, ask: &Ask<'_>) -> Result<Grant, Reason> {
        let rules = &looked.rules.rules;
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
        self.judge.callers.program(tid)
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> Vec<BoundRule> {
        self.rule_set().rules.rules.clone()
    }

    /// Who finds programs.
    pub(super) fn programs(&self) -> &Programs {
        &self.judge.programs
    }

    /// How a process stands to the rules now. It is not admitted by that.
    pub(super) fn standings_of(
        &self,
        rules: &[BoundRule],
        caller: Caller,
    ) -> Result<(Vec<Standing>, Who), Reason> {
        let unknown = |_| Reason::UnknownCaller;
        let program = self.judge.callers.program(caller.tid).map_err(unknown)?;
        let look = Look::new(&self.judge, caller, &program, Admits::No);
        let who =
            self.judge.callers.who(caller.tid, &program).map_err(|_| Reason::UnknownCaller)?;
        let marks: Vec<_> = rules.iter().map(mark).collect();
        Ok((look.standings(rules, &marks), who))
    }

    fn rule_set(&self) -> Arc<RuleSet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
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
