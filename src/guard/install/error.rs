//! Why a guard was not put in place, changed or removed.

use crate::guard::{policy, server};
use crate::service::Paths;
use crate::service::client;
use crate::service::protocol::{Failure, FailureKind};
use crate::storage::durable;
use crate::sys::open_files::Holder;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a guard was not put in place, changed or removed. Unless the variant says otherwise,
/// everything is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is on the server's path.
    #[error("there is no server at {0:?}")]
    NoServer(PathBuf),
    /// The path leads to a directory, a device or the like.
    #[error("{0:?} is not a regular file")]
    NotAFile(PathBuf),
    /// Nobody may execute it.
    #[error("{0:?} is not executable")]
    NotExecutable(PathBuf),
    /// A script, or no program at all.
    #[error("{0:?} is not a program of this machine (ELF)")]
    NotAProgram(PathBuf),
    /// Somebody else than root can change it, and root is about to run it.
    #[error("{0:?} can be changed by others than root")]
    NotRootsAlone(PathBuf),
    /// It is ezncrypt, where a server was expected.
    #[error("{0:?} is ezncrypt itself and no server")]
    OwnProgram(PathBuf),
    /// The path lies in the encrypted tree.
    #[error("{path:?} lies below the mount point {mount:?}")]
    BelowMount {
        /// As typed.
        path: PathBuf,
        /// Where the encrypted tree is mounted.
        mount: PathBuf,
    },
    /// More symlinks than the kernel follows.
    #[error("{0:?} leads through too many symlinks")]
    TooManySymlinks(PathBuf),
    /// What it prints when it is asked for its options is not what a server prints.
    #[error("{path:?} does not tell its options as a MySQL or MariaDB server does: {source}")]
    NotAServer {
        /// The program.
        path: PathBuf,
        /// What is missing.
        source: server::Error,
    },
    /// It did not end when it was asked for its options.
    #[error("{path:?} did not tell its options within {} s", limit.as_secs())]
    Silent {
        /// The program.
        path: PathBuf,
        /// How long it was waited for.
        limit: Duration,
    },
    /// A name for the guard that is the server's own.
    #[error("the guard cannot have the path of the server, {0:?}, when it is named")]
    GuardIsServer(PathBuf),
    /// Another program is where the guard is to be.
    #[error("there is something else at {0:?}, where the guard is to be")]
    GuardOccupied(PathBuf),
    /// The server has a guard already, at another path.
    #[error("the server {server:?} has a guard already, at {guard:?}")]
    GuardElsewhere {
        /// The server.
        server: PathBuf,
        /// Its guard.
        guard: PathBuf,
    },
    /// Nothing tells which category the data is in.
    #[error("cannot tell which category the data of {server:?} is in: {}", shown(datadir.as_deref()))]
    NoCategory {
        /// The server.
        server: PathBuf,
        /// Its data directory, if that is known.
        datadir: Option<PathBuf>,
    },
    /// The server runs.
    #[error("the server {server:?} is in use by {}", listed(holders))]
    Running {
        /// The server.
        server: PathBuf,
        /// The processes.
        holders: Vec<Holder>,
    },
    /// An encryption of the server was begun and not finished.
    #[error("the encryption or decryption of {0:?} was interrupted")]
    Unfinished(PathBuf),
    /// Another command works on guards.
    #[error("another 'ezncrypt guard' is at work")]
    Working,
    /// The package manager was told to put the server elsewhere, and not by us.
    #[error("{path:?} is diverted to {to:?} already")]
    DivertedElsewhere {
        /// The server's path.
        path: PathBuf,
        /// Where the package manager puts it.
        to: PathBuf,
    },
    /// The package manager did not do what it was asked.
    #[error("{program} {path:?} failed: {said}")]
    PackageManager {
        /// The program that was called.
        program: &'static str,
        /// What it was called for.
        path: PathBuf,
        /// What it said.
        said: String,
    },
    /// The directory for the server is there and not root's alone.
    #[error("{0:?} must be a directory that only root can change")]
    Directory(PathBuf),
    /// No guard is at this path or before it.
    #[error("there is no guard at {0:?}")]
    NoGuard(PathBuf),
    /// The guard follows from rules that somebody added by hand.
    #[error("the guard {0:?} was made by rules, not by 'ezncrypt guard install'")]
    ByRules(PathBuf),
    /// A setting that the policy does not know.
    #[error(transparent)]
    Policy(#[from] policy::Error),
    /// The guard's file could not be replaced.
    #[error(transparent)]
    Durable(#[from] durable::Error),
    /// The kernel said no.
    #[error("cannot {doing} {path:?}: {source}")]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The service, or its engine in this process, refused a request.
    #[error(transparent)]
    Service(#[from] Failure),
    /// Undoing failed too: some steps stay done.
    #[error("{cause}; undoing that failed too: {undo}")]
    NotUndone {
        /// Why the work failed.
        #[source]
        cause: Box<Error>,
        /// Why undoing failed.
        undo: Box<Error>,
        /// The commands that undo the rest, in their order.
        by_hand: Vec<String>,
    },
}

/// A result of this module.
pub type Result<T> = std::result::Result<T, Error>;

/// Gives a kernel error its object.
pub(super) trait At<T> {
    /// Names what was tried, and on what.
    fn at(self, doing: &'static str, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> At<T> for std::result::Result<T, E> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { doing, path: path.to_owned(), source: source.into() })
    }
}

impl Error {
    /// The failure that a person is told: its kind is the exit code, its hint the mend.
    pub fn failure(self, paths: &Paths) -> Failure {
        let (kind, hint) = (self.kind(), self.mend(paths));
        match (self, hint) {
            (Self::Service(failure), _) => failure,
            (error, Some(hint)) => Failure::new(kind, error.to_string()).hint(hint),
            (error, None) => Failure::new(kind, error.to_string()),
        }
    }

    fn kind(&self) -> FailureKind {
        match self {
            Self::NoServer(_)
            | Self::NotAFile(_)
            | Self::NotExecutable(_)
            | Self::NotAProgram(_)
            | Self::OwnProgram(_)
            | Self::BelowMount { .. }
            | Self::NotAServer { .. }
            | Self::GuardIsServer(_)
            | Self::GuardOccupied(_)
            | Self::NoCategory { .. }
            | Self::Policy(_) => FailureKind::Usage,
            Self::Running { .. } | Self::Working => FailureKind::Busy,
            Self::Durable(error) if error.is_no_space() => FailureKind::NoSpace,
            Self::Io { source, .. } if is_no_space(source) => FailureKind::NoSpace,
            Self::Service(failure) => failure.kind,
            Self::NotUndone { cause, .. } => cause.kind(),
            _ => FailureKind::Failed,
        }
    }

    fn mend(&self, paths: &Paths) -> Option<String> {
        let command = |verb: &str| client::command(paths, verb);
        Some(match self {
            Self::NoServer(_) => "name the path that the server is started by".into(),
            Self::NotAFile(_) | Self::NotAProgram(_) | Self::NotAServer { .. } => {
                "name the server itself, as in /usr/sbin/mysqld".into()
            }
            Self::NotExecutable(path) => format!("chmod 755 {}", path.display()),
            Self::NotRootsAlone(path) => {
                let path = path.display();
                format!("chown root:root {path} && chmod go-w {path}")
            }
            Self::OwnProgram(_) => "name the server that the guard is for".into(),
            Self::BelowMount { .. } => "name the original path of the server".into(),
            Self::GuardIsServer(_) => "leave --name out: the guard then takes that path".into(),
            Self::GuardOccupied(path) => {
                format!("move {} away, or choose another --name", path.display())
            }
            Self::GuardElsewhere { guard, .. } => {
                format!(
                    "remove that one first: {}",
                    command(&format!("guard remove {}", guard.display()))
                )
            }
            Self::NoCategory { .. } => "encrypt the data first, or say --category @CATEGORY".into(),
            Self::Running { .. } => "stop the server first, then run the command again".into(),
            Self::Unfinished(_) => {
                format!("{} && {}", command("stop"), command("start"))
            }
            Self::Working => "wait until it has finished".into(),
            Self::DivertedElsewhere { path, .. } => {
                format!("dpkg-divert --remove {}, or install the guard with --name", path.display())
            }
            Self::Directory(path) => {
                format!("chown root:root {0} && chmod 755 {0}", path.display())
            }
            Self::NoGuard(_) => format!(
                "`{}` lists them; a guard install that was cut short is finished by running it again",
                command("guard show")
            ),
            Self::ByRules(path) => format!(
                "{} takes it over; or delete its rules: ezncrypt-access-control -l",
                command(&format!("guard install {}", path.display()))
            ),
            Self::NotUndone { by_hand, .. } => {
                format!("when the reason is gone, do by hand: {}", by_hand.join(" && "))
            }
            _ => return None,
        })
    }
}

fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn shown(datadir: Option<&Path>) -> String {
    match datadir {
        Some(datadir) => {
            format!("its data directory {datadir:?} is not encrypted, and no rule names the server")
        }
        None => "it does not tell its data directory, and no rule names the server".into(),
    }
}

fn listed(holders: &[Holder]) -> String {
    let named: Vec<_> = holders.iter().take(20).map(Holder::to_string).collect();
    match holders.len().saturating_sub(20) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
