//! One look at one process: how it stands to each rule.
//!
//! A process that was admitted by a rule stays so by that rule when its file is deleted or replaced (a
//! package upgrade under a running server), for as long as what it runs still has the fingerprint, and
//! when it changes what would have been refused at first (compiles code, say): it does so of its own
//! accord.

use super::Error;
use super::bounded::Bounded;
use super::decision::{Mismatch, Standing};
use super::fingerprint::{Fingerprint, Identity};
use super::lineage::{Lineage, Time};
use super::policy::Caller;
use super::programs::Programs;
use super::rule::{BoundRule, Effect};
use super::run::{self, Flaw, Observed};
use super::subject::{Callers, Program};
use crate::sys::caller::Stamp;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Admissions remembered: they are small, and forgetting one can stop an upgraded server.
const ADMISSIONS: usize = 1 << 16;
/// Generations looked back for the program that started a process.
const GENERATIONS: usize = 64;

/// What a look goes by.
pub(super) struct Judge {
    pub callers: Arc<dyn Callers>,
    pub programs: Arc<Programs>,
    pub lineage: Lineage,
    admitted: Mutex<Bounded<Admission, Time>>,
}

impl Judge {
    pub fn new(callers: Arc<dyn Callers>, programs: Arc<Programs>) -> Self {
        let (lineage, admitted) = (Lineage::default(), Mutex::new(Bounded::new(ADMISSIONS)));
        // Where nothing is mounted nobody asks.
        if programs.mount().device.is_some() {
            lineage.begin();
        }
        Self { callers, programs, lineage, admitted }
    }
}

/// A process that once was a rule's process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Admission {
    caller: (u32, u32),
    pid: u32,
    start_time: u64,
    stamp: Stamp,
    rule: u64,
}

/// One look at one process.
pub(super) struct Look<'a> {
    judge: &'a Judge,
    since: Time,
    caller: Caller,
    program: &'a Program,
    observed: OnceCell<io::Result<Observed>>,
    /// Of each executable that some rule names and this process bears the path of: what is there now.
    there: RefCell<HashMap<PathBuf, There>>,
    admits: Admits,
}

/// What is at a path.
#[derive(Clone, Copy)]
enum There {
    File(Identity, Fingerprint),
    /// Nothing that could be executed, or another kind of thing.
    Other,
    /// It cannot be told.
    Unknown,
}

/// Whether a rule that is content admits the process for as long as it runs this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admits {
    Yes,
    No,
}

impl<'a> Look<'a> {
    pub fn new(judge: &'a Judge, caller: Caller, program: &'a Program, admits: Admits) -> Self {
        let (observed, there) = (OnceCell::new(), RefCell::default());
        Self { judge, since: Time::now(), caller, program, observed, there, admits }
    }

    /// When it began: what the process executed later was not seen.
    pub fn since(&self) -> Time {
        self.since
    }

    /// What was seen, where some rule made it necessary to look.
    pub fn seen(&self) -> Option<&Observed> {
        self.observed.get()?.as_ref().ok()
    }

    /// How the process stands to each rule; `marks` tell the rules apart over their changes.
    pub fn standings(&self, rules: &[BoundRule], marks: &[u64]) -> Vec<Standing> {
        let judge = |(rule, mark): (&BoundRule, &u64)| match rule.rule.effect {
            Effect::Deny => Standing::Other,
            Effect::Allow => self.satisfies(rule, *mark),
        };
        let mut standings: Vec<_> = rules.iter().zip(marks).map(judge).collect();
        let is_denying = |rule: &BoundRule| rule.rule.effect == Effect::Deny;
        if rules.iter().any(is_denying) {
            // Who is allowed nothing need not be denied anything.
            let allowed = standings.contains(&Standing::Is);
            let contents = allowed.then(|| self.contents());
            for (rule, standing) in rules.iter().zip(&mut standings) {
                if is_denying(rule) {
                    *standing = self.resembles(rule, contents);
                }
            }
        }
        standings
    }

    /// What the process runs; nothing when that cannot be told.
    fn contents(&self) -> Option<Fingerprint> {
        let (program, programs) = (self.program, &self.judge.programs);
        if program.deleted {
            let mounted = Some(program.identity.dev) == programs.mount().device;
            let file =
                (!mounted).then(|| self.judge.callers.open_program(self.caller.tid))?.ok()?;
            return programs
                .fingerprint_of(&program.path, &file)
                .ok()
                .map(|(_, contents)| contents);
        }
        match self.there(&program.path) {
            There::File(now, contents)
                if programs.is_running(&program.path, &now, &program.identity) =>
            {
                Some(contents)
            }
            _ => None,
        }
    }

    /// What is seen of the process, which is looked at once.
    fn observed(&self) -> Result<&Observed, Flaw> {
        let look = || {
            let mount = self.judge.programs.mount();
            self.judge.callers.observe(self.caller.tid, self.program, mount)
        };
        self.observed.get_or_init(look).as_ref().map_err(|error| Flaw::Unreadable(error.kind()))
    }

    /// Whether this is the process of an ALLOW rule, or a descendant where that will do.
    fn satisfies(&self, rule: &BoundRule, mark: u64) -> Standing {
        let admission = self.admission(mark);
        let admitted = lock(&self.judge.admitted).get(&admission).copied();
        let is_same = |since| self.judge.lineage.is_same_since(self.program.pid, since);
        let was_admitted = admitted.is_some_and(is_same);
        let mut standing = self.runs(rule, was_admitted);
        let may_descend = rule.rule.parameters.children;
        if was_admitted && (standing == Standing::Is || may_descend && standing == Standing::Other)
        {
            return Standing::Is;
        }
        if standing == Standing::Is {
            standing = self.content(rule);
        }
        // The program may also start itself, otherwise than the rule demands.
        if may_descend && standing != Standing::Is {
            standing = match self.descends(rule) {
                Standing::Other => standing,
                descends => descends,
            };
        }
        let admits = self.admits == Admits::Yes && standing == Standing::Is;
        if admits && self.observed().is_ok_and(|observed| observed.randomised) {
            lock(&self.judge.admitted).insert(admission, self.since);
        }
        standing
    }

    /// Whether the program is the process of a rule: by path, by file and by contents.
    fn runs(&self, rule: &BoundRule, admitted: bool) -> Standing {
        let (program, programs) = (self.program, &self.judge.programs);
        if program.path != rule.process {
            return Standing::Other;
        }
        if program.deleted {
            return self.judge.still_runs(rule, program, self.caller.tid, admitted);
        }
        // Another size is another file: whoever owns it must not have it read for as long as they like.
        if program.identity.size != rule.fingerprint.size {
            return match programs.identify(&rule.process) {
                Ok(now) if programs.is_running(&rule.process, &now, &program.identity) => {
                    Standing::Not(Mismatch::Tainted)
                }
                Ok(_)
                | Err(Error::NotFound { .. } | Error::IsLink { .. } | Error::NotRegular { .. }) => {
                    Standing::Not(Mismatch::Replaced)
                }
                Err(_) => Standing::Not(Mismatch::Unverifiable),
            };
        }
        match self.there(&rule.process) {
            There::Other => Standing::Not(Mismatch::Replaced),
            There::Unknown => Standing::Not(Mismatch::Unverifiable),
            There::File(now, _) if !programs.is_running(&rule.process, &now, &program.identity) => {
                Standing::Not(Mismatch::Replaced)
            }
            There::File(_, now) if now != rule.fingerprint => Standing::Not(Mismatch::Tainted),
            There::File(..) => Standing::Is,
        }
    }

    /// What is at a path now, looked up once.
    fn there(&self, path: &Path) -> There {
        if let Some(known) = self.there.borrow().get(path) {
            return *known;
        }
        let found = match self.judge.programs.current(path) {
            Ok((identity, contents)) => There::File(identity, contents),
            Err(Error::NotFound { .. } | Error::IsLink { .. } | Error::NotRegular { .. }) => {
                There::Other
            }
            Err(_) => There::Unknown,
        };
        self.there.borrow_mut().insert(path.into(), found);
        found
    }

    fn admission(&self, rule: u64) -> Admission {
        let Program { pid, start_time, stamp, .. } = *self.program;
        Admission { caller: (self.caller.uid, self.caller.gid), pid, start_time, stamp, rule }
    }

    /// Whether a rule is content with how its program runs here.
    fn content(&self, rule: &BoundRule) -> Standing {
        let flaw = match self.observed() {
            Ok(observed) => run::flaw_of(rule, &self.judge.programs, self.program, observed),
            Err(flaw) => Some(flaw),
        };
        flaw.map_or(Standing::Is, |flaw| Standing::Not(Mismatch::Run(flaw)))
    }

    /// Whether the rule's program, with which the rule is content, started this process. It is its
    /// ancestor, and has executed nothing since it forked the one that leads here.
    fn descends(&self, rule: &BoundRule) -> Standing {
        let judge = self.judge;
        let mut child = self.program.pid;
        let mut nearest = Standing::Other;
        for _ in 0..GENERATIONS {
            let birth = match judge.lineage.birth(child) {
                Ok(Some(birth))
                    if judge.callers.parent(child).is_ok_and(|now| now == birth.parent) =>
                {
                    birth
                }
                Ok(_) => break,
                Err(_) => return Standing::Not(Mismatch::Run(Flaw::NoLineage)),
            };
            let Ok(parent) = judge.callers.program(birth.parent) else { break };
            let caller = Caller { tid: birth.parent, ..self.caller };
            let ancestor = Look::new(judge, caller, &parent, Admits::No);
            let found = match ancestor.runs(rule, false) {
                Standing::Is => ancestor.content(rule),
                other => other,
            };
            match found {
                // It does not sleep as we look: it must not have become the program meanwhile.
                Standing::Is if birth.by_what_parent_is => {
                    return if judge.lineage.birth(child).ok().flatten() == Some(birth) {
                        self.content_as_descendant(rule)
                    } else {
                        Standing::Not(Mismatch::Run(Flaw::NotStartedByIt))
                    };
                }
                Standing::Is => nearest = Standing::Not(Mismatch::Run(Flaw::NotStartedByIt)),
                Standing::Not(Mismatch::Run(flaw)) if nearest == Standing::Other => {
                    let (process, flaw) = (birth.parent, Box::new(flaw));
                    nearest = Standing::Not(Mismatch::Run(Flaw::Ancestor { process, flaw }));
                }
                _ => {}
            }
            child = birth.parent;
        }
        nearest
    }

    fn content_as_descendant(&self, rule: &BoundRule) -> Standing {
        let flaw = match self.observed() {
            Ok(observed) => run::flaw_of_descendant(rule, &self.judge.programs, observed),
            Err(flaw) => Some(flaw),
        };
        flaw.map_or(Standing::Is, |flaw| Standing::Not(Mismatch::Run(flaw)))
    }

    /// Whether the program is the process of a DENY rule by any of path, file or contents, and no
    /// parameter exempts it. `contents` are those of a program that some rule allows something; of such a
    /// one they must be known.
    fn resembles(&self, rule: &BoundRule, contents: Option<Option<Fingerprint>>) -> Standing {
        let standing = match contents {
            Some(None) => Standing::Not(Mismatch::Unverifiable),
            known => self.judge.looks_like(rule, self.program, known.flatten()),
        };
        if standing == Standing::Other || rule.rule.parameters.is_empty() {
            return standing;
        }
        match self.observed() {
            Ok(observed) if run::exempt(rule, observed) => Standing::Other,
            _ => standing,
        }
    }
}

impl Judge {
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
