//! How a program runs: what is seen of a process at its first use of the files, and whether a rule
//! is content with that.
//!
//! Seen once, in [`Observed`], from `/proc`; some of it waits for the process's memory, so it is
//! looked at on a thread that no other request waits for. Judged by [`flaw_of`], which names the
//! first thing that does not hold. What is uncertain is a flaw. Knows nothing of which files are
//! asked for.

pub mod circumstances;
mod environment;
mod flaw;
mod mappings;
mod observed;
mod script;
mod unit;
mod who;

pub use flaw::{Flaw, ScriptFlaw};
pub use observed::{Observed, Own};
pub use who::Who;

use super::programs::Programs;
use super::rule::BoundRule;
use super::subject::Program;
use std::path::Path;

/// What a rule finds fault with, for the process itself; `None` when it is content.
///
/// `program` is the rule's process. What a rule with `--children` asks of a descendant is
/// [`flaw_of_descendant`].
pub(super) fn flaw_of(
    rule: &BoundRule,
    programs: &Programs,
    program: &Program,
    observed: &Observed,
) -> Option<Flaw> {
    surroundings(rule, observed)
        .or_else(|| mappings::flaw(rule, programs, Some(program), observed))
        .or_else(|| account(rule, observed))
        .or_else(|| start(rule, programs, observed))
}

/// What a rule with `--children` finds fault with in a descendant of its process.
pub(super) fn flaw_of_descendant(
    rule: &BoundRule,
    programs: &Programs,
    observed: &Observed,
) -> Option<Flaw> {
    surroundings(rule, observed)
        .or_else(|| mappings::flaw(rule, programs, None, observed))
        .or_else(|| account(rule, observed))
}

/// Whether a parameter keeps a DENY rule from being about the process, because what it names certainly
/// does not hold: it runs as none of the users, is in none of the groups, or in another unit.
pub(super) fn exempt(rule: &BoundRule, observed: &Observed) -> bool {
    let (parameters, bindings, status) = (&rule.rule.parameters, &rule.bindings, &observed.status);
    let is_user = |user: &u32| bindings.users.contains(user);
    let is_in = |group: &u32| bindings.groups.contains(group);
    let other_user = !parameters.users.is_empty() && !status.users.iter().any(is_user);
    let mut groups = status.groups.iter().chain(&status.supplementary);
    let other_group = !parameters.groups.is_empty() && !groups.any(is_in);
    let unit = parameters.unit.as_deref().zip(unit::of(&observed.control_groups));
    let other_unit = unit.is_some_and(|(wanted, unit)| !unit::matches(wanted, unit));
    other_user || other_group || other_unit
}

fn surroundings(rule: &BoundRule, observed: &Observed) -> Option<Flaw> {
    let parameters = &rule.rule.parameters;
    if observed.foreign_user_namespace && !parameters.user_namespace {
        return Some(Flaw::UserNamespace);
    }
    if let Some(tracer) = observed.tracer {
        return Some(Flaw::Traced(tracer));
    }
    if observed.foreign_pid_namespace && !parameters.pid_namespace {
        return Some(Flaw::PidNamespace);
    }
    match &parameters.root {
        None if observed.foreign_root => return Some(Flaw::Root),
        Some(root) if !observed.has_root(root) => return Some(Flaw::RootIsNot(root.clone())),
        _ => {}
    }
    // Whoever has another root directory names nothing by the paths that are checked here.
    observed.tree.clone().filter(|_| parameters.root.is_none())
}

/// User, group and unit.
fn account(rule: &BoundRule, observed: &Observed) -> Option<Flaw> {
    let (parameters, bindings) = (&rule.rule.parameters, &rule.bindings);
    let status = &observed.status;
    if !parameters.users.is_empty()
        && let Some(user) = status.users.iter().find(|user| !bindings.users.contains(user))
    {
        return Some(Flaw::User(*user));
    }
    let is_in = |group: &u32| bindings.groups.contains(group);
    if !parameters.groups.is_empty()
        && !is_in(&status.groups[1])
        && !status.supplementary.iter().any(is_in)
    {
        return Some(Flaw::Group(status.groups[1]));
    }
    let wanted = parameters.unit.as_deref()?;
    let found = unit::of(&observed.control_groups);
    (!found.is_some_and(|unit| unit::matches(wanted, unit)))
        .then(|| Flaw::Unit(found.map(str::to_owned)))
}

/// Name, script, arguments and environment.
fn start(rule: &BoundRule, programs: &Programs, observed: &Observed) -> Option<Flaw> {
    let parameters = &rule.rule.parameters;
    if !parameters.binds_start() {
        return None;
    }
    // What systemd starts it may filter.
    if observed.filtered && parameters.unit.is_none() {
        return Some(Flaw::Filtered);
    }
    name(rule, observed)
        .or_else(|| script::flaw(rule, programs, observed))
        .or_else(|| arguments(rule, observed))
        .or_else(|| environment::flaw(&observed.environment, &parameters.environment))
}

/// The name that it was called by must be the program's: many a program does something else under
/// another (a shell whose name begins with `-` reads the user's profile).
fn name(rule: &BoundRule, observed: &Observed) -> Option<Flaw> {
    let given = observed.arguments();
    let called = given.first().copied().unwrap_or_default();
    let names = [&rule.rule.process, &rule.process].map(|path| path.file_name());
    let holds = Path::new(called).file_name().is_some_and(|name| names.contains(&Some(name)));
    (!holds).then(|| Flaw::Name(who::cut(called)))
}

/// Those behind the script, where there is one; else those behind the program's own name.
fn arguments(rule: &BoundRule, observed: &Observed) -> Option<Flaw> {
    let parameters = &rule.rule.parameters;
    let wanted = parameters.arguments.as_ref()?;
    let given = observed.arguments();
    let behind = match parameters.script {
        Some(_) => script::arguments_behind(rule, &given),
        None => given.get(1..).unwrap_or_default(),
    };
    (!wanted.matches(behind)).then_some(Flaw::Arguments)
}
