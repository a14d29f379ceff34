//! What a judgement found: refusals and warnings, with the reason and the mend.

use crate::guard::policy::Subject;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// An option, its value, and whose guard judged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subjected {
    /// What the policy calls it.
    pub subject: Subject,
    /// The option, words joined by `_`.
    pub option: String,
    /// Its value; none when it has none, or must not be shown.
    pub value: Option<OsString>,
    /// The guard's own file.
    pub guard: PathBuf,
    /// The server's original path.
    pub original: PathBuf,
}

impl fmt::Display for Subjected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.option)?;
        match &self.value {
            Some(value) => write!(f, "={value:?}"),
            None => Ok(()),
        }
    }
}

/// Why an option's value is not plainly right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The policy names other values.
    #[error("the policy requires {}", listed(.required))]
    NotRequired {
        /// Any of these is right.
        required: Vec<OsString>,
    },
    /// Accounts and privileges are not in force.
    #[error("everyone could log in with all rights")]
    NoAuthentication,
    /// It runs SQL that whoever starts the server wrote.
    #[error("it runs SQL given by whoever starts the server")]
    RunsSql,
    /// More than plain `SET name=value`.
    #[error("it is more than plain SET name=value")]
    MoreThanSet,
    /// It begins a new data directory or runs SQL of standard input.
    #[error("it runs SQL without authentication")]
    Bootstraps,
    /// Paths would mean something else.
    #[error("every path would mean another file")]
    ChangesRoot,
    /// A path from wherever the server is started.
    #[error("the path is not absolute")]
    Relative,
    /// Others than root can change it or what leads there.
    #[error("others than root can change it, or a directory on the way to it")]
    NotRootsAlone,
    /// It is not the directory that the server was compiled with.
    #[error("it is not the server's own directory {own:?}")]
    NotOwn {
        /// The server's.
        own: PathBuf,
    },
    /// It changes where plugins are loaded from.
    #[error("it moves the directory that plugins are loaded from")]
    MovesPlugins,
    /// No file name that a plugin library has.
    #[error("it is no plain file name of a library")]
    NoLibraryName,
    /// It puts libraries into every program.
    #[error("it puts libraries into every program, and so into the server")]
    Preloads,
    /// It was not there when the guard was installed.
    #[error("it was not there when the guard was installed")]
    UnknownLibrary,
    /// It is not what it was when the guard was installed.
    #[error("it has changed since the guard was installed")]
    ChangedLibrary,
    /// It serves the data to whoever connects.
    #[error("it serves the data without authentication")]
    Unauthenticated,
    /// Others decide what is changed here.
    #[error("another server could create accounts here")]
    TakesChanges,
    /// It runs a command given by whoever starts the server.
    #[error("the server runs it")]
    RunsCommand,
    /// Changes of another schema end up in one that holds accounts.
    #[error("it writes into a system schema")]
    SystemSchema,
    /// Privileges that nobody granted.
    #[error("it gives privileges that nobody granted")]
    GivesPrivileges,
    /// Another server decides who someone is.
    #[error("another server would say who someone is")]
    ForeignAuthority,
    /// Clients say who they are.
    #[error("clients there may state any address")]
    StatedAddress,
    /// Not in a location that this server may open.
    #[error("it lies outside the encrypted locations of this server")]
    OutsideData,
    /// In a location that nobody stands for.
    #[error(
        "it was encrypted after the category had rules, and nobody who showed the secret confirmed it"
    )]
    Unconfirmed,
    /// Its name is that of another kind of file.
    #[error("within the data a file must bear the name of what it is")]
    Misnamed,
    /// In no encrypted location.
    #[error("plaintext would be written outside the encrypted locations")]
    OutsideEncrypted,
    /// No limit where files are written.
    #[error("SQL may write plaintext anywhere")]
    Anywhere,
    /// The contents of the memory are written.
    #[error("a crash would write the memory, and the plaintext in it, to a file")]
    WritesMemory,
    /// Everyone can read it.
    #[error("everyone on this machine can read it in the process list")]
    ShownToAll,
    /// A symlink leads out of the data directory.
    #[error("this symlink leads out of the data directory to {to:?}")]
    LeadsOut {
        /// Where to.
        to: PathBuf,
    },
    /// Variables that are read after all that is judged.
    #[error("it is read after everything that can be checked")]
    ReadLate,
    /// The answer of the server lacks it.
    #[error("the server does not tell it")]
    NotTold,
    /// The file could not be looked at.
    #[error("cannot look at it: {kind}")]
    Unseen {
        /// What the kernel said.
        kind: io::ErrorKind,
    },
}

/// Why a run is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The value of an option.
    #[error("{what} is refused: {why}")]
    Value {
        /// Which.
        what: Subjected,
        /// The reason.
        why: Why,
    },
    /// Something that no setting allows.
    #[error("{what} is refused: {why}")]
    Always {
        /// Which.
        what: Subjected,
        /// The reason.
        why: Why,
    },
    /// An abbreviation of several options, of which the policy speaks of some.
    #[error("--{written} is refused: it is short for {}", .names.join(" and "))]
    Ambiguous {
        /// As written.
        written: String,
        /// The options.
        names: Vec<String>,
    },
    /// A line break, which could forge a line of the server's answer.
    #[error("{option} is refused: its value has a line break")]
    LineBreak {
        /// Which, words joined by `_`.
        option: String,
    },
}

/// What goes on, and should be known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The value of an option.
    #[error("{what}: {why}")]
    Value {
        /// Which.
        what: Subjected,
        /// The reason.
        why: Why,
    },
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Value { what, why: Why::NotRequired { required } } => {
                let one = what.option.as_str();
                format!("start it with {one} at {}, or {}", listed(required), permit(what))
            }
            Self::Value {
                what,
                why: Why::Unconfirmed | Why::UnknownLibrary | Why::ChangedLibrary,
            } => {
                let original = what.original.display();
                format!("if it is yours, take it in: ezncrypt guard install {original}")
            }
            Self::Value { what, .. } if what.subject == Subject::Authentication => permit(what),
            Self::Value { what, .. } => {
                let (once, always) = (permit(what), allow(what));
                format!("{once}; or for good, given together with its other settings: {always}")
            }
            Self::Always { what, why } => always(what, why),
            Self::Ambiguous { names, .. } => {
                format!("write it in full: --{}", names.join(" or --"))
            }
            Self::LineBreak { option } => format!("write {option} in one line"),
        }
    }
}

impl Warning {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let Self::Value { what, .. } = self;
        format!("if it is meant: {}", allow(what))
    }
}

fn permit(what: &Subjected) -> String {
    let guard = what.guard.display();
    format!("for one run: ezncrypt guard permit {guard} --allow {} --for 10m", what.subject)
}

fn allow(what: &Subjected) -> String {
    format!("ezncrypt guard install {} --allow {}", what.original.display(), what.subject)
}

fn always(what: &Subjected, why: &Why) -> String {
    let option = &what.option;
    match why {
        Why::Unseen { .. } => format!("check that what {option} names exists and can be read"),
        Why::Misnamed => format!(
            "name logs *.log or *.err, the pid file *.pid, the socket *.sock, indexes *.index, and state as the \
             server does; or put {option} outside the data"
        ),
        Why::Relative => format!("give {option} an absolute path"),
        Why::NoLibraryName => format!("name in {option} only files in the plugin directory"),
        Why::NotRootsAlone => {
            format!("chown to root, and chmod go-w, what {option} names and the directories above")
        }
        Why::ChangedLibrary => {
            format!("after an upgrade: ezncrypt guard install {}", what.original.display())
        }
        _ => format!("start the server without {option}"),
    }
}

fn listed(values: &[OsString]) -> String {
    let each: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    each.join(" or ")
}
