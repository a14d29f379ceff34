//! What the rules say to a request: the question and the answer.

use crate::access::Who;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;

/// One request, of one process, to be explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Absolute path: an original one, one below the mount, or one that leads there.
    pub path: OsString,
    /// `read`, `write` or `exec`.
    pub access: String,
    /// Whose request.
    pub about: About,
}

/// Whose request is explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// That of a process that runs.
    Pid(u32),
    /// That of a run to come; what is not given is taken to hold.
    Run {
        /// The executable, absolute.
        program: OsString,
        /// What it is started with, without the program's name.
        arguments: Option<Vec<OsString>>,
        /// Name or number of the user that it runs as.
        user: Option<String>,
    },
}

/// A decision, and how it comes about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplanationRow {
    /// The original path.
    pub path: OsString,
    /// `@name`.
    pub category: String,
    /// `read`, `write` or `exec`.
    pub access: String,
    /// Whether it is allowed by the rules.
    pub allowed: bool,
    /// Whether it is let through all the same: permissive mode.
    pub let_through: bool,
    /// The rule that decides, from 1.
    pub rule: Option<usize>,
    /// Why it is denied.
    pub reason: Option<String>,
    /// What else must hold besides the rules.
    pub notes: Vec<String>,
    /// Who asks, where it is a process that runs.
    pub who: Option<WhoRow>,
    /// All rules.
    pub rules: Vec<FindingRow>,
    /// The command line that would allow it, where there is one.
    pub mend: Option<String>,
}

/// How one rule stands to the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRow {
    /// From 1.
    pub number: usize,
    /// Its text.
    pub text: String,
    /// `applies`, `not_about` or `not`.
    pub verdict: String,
    /// The first thing that does not hold, for `not`.
    pub reason: Option<String>,
}

/// Who asked, as it is told and logged. Bytes that are no text are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoRow {
    /// Process id (thread group).
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// The program as the kernel prints it.
    pub exe: String,
    /// Effective user id.
    pub user: u32,
    /// Effective group id.
    pub group: u32,
    /// The user id that logged in.
    pub login_user: Option<u32>,
    /// What it was started with, the program's name first; secrets taken out.
    pub args: Vec<String>,
    /// The systemd unit in whose cgroup it is.
    pub unit: Option<String>,
    /// Names of variables in its environment that a rule which binds the run would have to allow.
    #[serde(default)]
    pub env: Vec<String>,
}

impl From<&Who> for WhoRow {
    fn from(who: &Who) -> Self {
        let args = who.arguments.iter().map(|argument| argument.to_string_lossy().into_owned());
        Self {
            pid: who.pid,
            tid: who.tid,
            exe: who.exe.to_string_lossy().into_owned(),
            user: who.user,
            group: who.group,
            login_user: who.login_user,
            args: args.collect(),
            unit: who.unit.clone(),
            env: who.variables.clone(),
        }
    }
}
