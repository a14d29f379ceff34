//! What a rule finds fault with.

use super::circumstances;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Why a process that runs the rule's program is refused all the same. The texts complete "rule 3: ...".
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// It is in a user namespace of its own, in which it can pretend much.
    #[error("the process is in a user namespace of its own")]
    UserNamespace,
    /// It is in a pid namespace of its own.
    #[error("the process is in a pid namespace of its own")]
    PidNamespace,
    /// It has another root directory than the service.
    #[error("the process has a root directory of its own")]
    Root,
    /// Whoever set the filter may answer its system calls, and so give it other files than it names.
    #[error("the system calls of the process are filtered, perhaps answered (--unit allows that)")]
    Filtered,
    /// It has not the root directory that the rule names.
    #[error("the process's root directory is not {0:?}")]
    RootIsNot(PathBuf),
    /// Another process can change what it does.
    #[error("the process is being traced, by process {0}")]
    Traced(u32),
    /// For it, something lies over the encrypted tree or in it.
    #[error("for the process, {0:?} is not the encrypted tree, or something is mounted on it")]
    Mounts(PathBuf),
    /// Its executable is said to be the program, and is mapped nowhere.
    #[error("the program is not mapped in the process: its executable was forged")]
    NotMapped,
    /// It has executable memory without a file.
    #[error("the process has executable memory without a file (--jit allows that)")]
    Anonymous,
    /// Its code is not what stands in the file, though it was mapped from there.
    #[error("the code of {0:?} was changed in memory (--jit allows that)")]
    ChangedCode(PathBuf),
    /// Somebody other than root may have written code that it runs.
    #[error(
        "the process runs code of {0:?}, which others than root can write, or which nobody vouches for"
    )]
    Library(PathBuf),
    /// A library that the rule has no fingerprint of.
    #[error("the process runs code of {0:?}, of which the rule has no fingerprint (--libraries)")]
    UnpinnedLibrary(PathBuf),
    /// A library that is not what it was.
    #[error("the process runs code of {0:?}, whose fingerprint no longer holds")]
    ChangedLibrary(PathBuf),
    /// It runs as somebody else.
    #[error("the process runs as user {0}")]
    User(u32),
    /// It is in none of the groups.
    #[error("the process runs as group {0}")]
    Group(u32),
    /// It is in another unit, or in none.
    #[error("the process is in {}", .0.as_ref().map_or("no unit".to_owned(), |unit| format!("unit {unit}")))]
    Unit(Option<String>),
    /// It was started by another name.
    #[error("the process was started as {0:?}, not by the program's name")]
    Name(OsString),
    /// It was started with other arguments.
    #[error("the process was started with other arguments")]
    Arguments,
    /// The environment holds a variable that could change what the program does.
    #[error("the environment variable {0:?} is set (--env={name} allows that)", name = .0.to_string_lossy())]
    Variable(OsString),
    /// The environment holds a harmless variable with a value that is not.
    #[error("the environment variable {0:?} has a value that could change what the program does")]
    VariableValue(OsString),
    /// It is an interpreter that does not run the rule's script.
    #[error(transparent)]
    Script(#[from] ScriptFlaw),
    /// The process that would have started it does not run as the rule demands.
    #[error("process {process}, which the process descends from: {flaw}")]
    Ancestor {
        /// The ancestor.
        process: u32,
        /// What does not hold of it.
        flaw: Box<Flaw>,
    },
    /// It is no descendant of the program.
    #[error("the process was not started by the program")]
    NotStartedByIt,
    /// The kernel does not tell who started whom.
    #[error(
        "it cannot be told who started the process, since the kernel does not say so (--children)"
    )]
    NoLineage,
    /// It could not be looked at.
    #[error("the process cannot be looked at: {0}")]
    Unreadable(io::ErrorKind),
}

impl Flaw {
    /// How much it tells, compared with others: that a process is not what it seems more than how it was
    /// started, and of an ancestor less than of itself.
    pub(in crate::access) fn weight(&self) -> u8 {
        match self {
            Self::Ancestor { .. } => 0,
            Self::User(_)
            | Self::Group(_)
            | Self::Unit(_)
            | Self::Name(_)
            | Self::Arguments
            | Self::Variable(_)
            | Self::VariableValue(_)
            | Self::Script(_)
            | Self::NotStartedByIt
            | Self::NoLineage => 1,
            _ => 2,
        }
    }
}

/// Why an interpreter is not taken to run the rule's script.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptFlaw {
    /// Something else stands where the script should.
    #[error(
        "the process runs no script, another one, or one given by another path or behind other options"
    )]
    Other,
    /// The script is not what it was.
    #[error("the script {0:?} is tainted: it is not the file that the rule was made for")]
    Tainted(PathBuf),
    /// The script was changed or exchanged since the process started.
    #[error("the script {0:?} was changed after the process had started")]
    ChangedSince(PathBuf),
    /// For the process, another file is at the script's path.
    #[error("for the process, another file is at {0:?}")]
    Hidden(PathBuf),
    /// Others than root can write it.
    #[error("others than root can write the script {0:?}")]
    Writable(PathBuf),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.kind())
    }
}

impl From<circumstances::Error> for Flaw {
    fn from(error: circumstances::Error) -> Self {
        use circumstances::Error as E;
        match error {
            E::Traced(tracer) => Self::Traced(tracer),
            E::ForeignRoot => Self::Root,
            E::ForeignPidNamespace => Self::PidNamespace,
            E::MountedOver(path) | E::MountBeneath(path) => Self::Mounts(path),
            E::Unreadable(error) => error.into(),
        }
    }
}
