//! What a rule asks of a run, besides which program it is of.
//!
//! A parameter that is not given asks nothing. Names of users and groups, and the files that are
//! named here, mean what they meant when the rule was added: that stands in
//! [`super::Bindings`]. Knows no system.

mod accesses;
mod arguments;
mod display;
mod glob;
mod glob_parse;
mod name;
mod parse;

pub use accesses::Accesses;
pub use arguments::Arguments;
pub(super) use parse::parse;
#[cfg(test)]
pub(super) use tests::any_parameters;

use std::path::PathBuf;

/// The parameters of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `--user`: names or numbers, one of which the process must run as; empty for anybody.
    pub users: Vec<String>,
    /// `--group`: names or numbers, one of which must be among the process's groups.
    pub groups: Vec<String>,
    /// `--args`: what it must have been started with.
    pub arguments: Option<Arguments>,
    /// `--env`: names of environment variables that may be set besides the harmless ones, where
    /// `--args` or `--script` binds the run; one that ends in `*` stands for all that begin so.
    pub environment: Vec<String>,
    /// `--children`: a descendant that the program started counts as the program.
    pub children: bool,
    /// `--script`: the script that the program, an interpreter, must run; absolute.
    pub script: Option<PathBuf>,
    /// `--unit`: the systemd unit in whose cgroup it must be; `*` and `?` as in a shell.
    pub unit: Option<String>,
    /// `--access`: what the rule is about.
    pub accesses: Accesses,
    /// `--jit`: executable memory without a file is no objection.
    pub jit: bool,
    /// `--libraries`: every executable mapping must be of a file whose fingerprint was taken; the
    /// paths are of libraries that the program loads later, besides those it is linked to.
    pub libraries: Option<Vec<PathBuf>>,
    /// `--root`: the root directory that the process must have; the service's own without it.
    pub root: Option<PathBuf>,
    /// `--namespaces=pid`: a pid namespace of its own is no objection.
    pub pid_namespace: bool,
    /// `--namespaces=user`: a user namespace of its own is no objection.
    pub user_namespace: bool,
}

impl Parameters {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the rule binds how the program was started, so that its environment is looked at too.
    pub fn binds_start(&self) -> bool {
        self.arguments.is_some() || self.script.is_some()
    }
}

/// The names of the parameters, without dashes, in the order in which a rule shows them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    name::Name::ALL.into_iter().map(name::Name::text)
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
