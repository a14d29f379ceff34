//! Who may use what: rules, fingerprints, who is asking, and the decision.
//!
//! Decides and never enforces; whatever is uncertain is a denial. It knows original paths and
//! categories by name, and nothing of FUSE, of how files are kept, or of where rules are stored.
//!
//! - rules: [`Rule`] is parsed from text ([`ParseError`] points at the word); [`BoundRule`] adds
//!   what its process was when it was added.
//! - programs: [`Programs`] finds an executable and its [`Fingerprint`], also inside the encrypted
//!   tree, through [`EncryptedPrograms`].
//! - callers: [`ProcCallers`] tells which [`Program`] a thread runs.
//! - the decision: [`Policy::grant`]; how it comes about: [`Policy::explain`].
//! - what to do about a denial: [`suggest`].

mod bindings;
mod bounded;
mod decision;
mod explain;
mod fingerprint;
mod lineage;
mod look;
mod parameters;
mod parse;
mod parse_error;
mod part;
mod pattern;
mod policy;
mod programs;
pub mod redact;
mod rule;
mod run;
mod subject;
pub mod suggest;
#[cfg(test)]
mod test_support;
mod walk;
mod words;

pub use bindings::{Bindings, Pinned};
pub use bounded::Bounded;
pub use decision::{Access, Ask, Decision, Reason};
pub use explain::{Explanation, Finding, Subject, Verdict};
pub use fingerprint::{Fingerprint, Identity};
pub use parameters::{Accesses, Arguments, Parameters};
pub use parse::{MAX_CATEGORY, MAX_RULE, is_category_name};
pub use parse_error::{Expected, ParseError};
pub use pattern::PathPattern;
pub use policy::{Caller, Grant, Looked, Policy};
pub use programs::{EncryptedPrograms, Programs, Resolved};
pub use rule::{BoundRule, Effect, Rule, Terms};
pub use run::{Flaw, Observed, ScriptFlaw, Who, circumstances};
pub use subject::{Callers, ProcCallers, Program, Unknown};
pub use walk::Mount;

use std::io;
use std::path::{Path, PathBuf};

/// Why an executable cannot be found or fingerprinted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A path that does not begin with `/`.
    #[error("{path:?} is not an absolute path")]
    NotAbsolute {
        /// As given.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("{path:?} does not exist")]
    NotFound {
        /// As given.
        path: PathBuf,
    },
    /// A directory, device, pipe or socket.
    #[error("{path:?} is not a regular file")]
    NotRegular {
        /// As given.
        path: PathBuf,
    },
    /// A file without any execute permission.
    #[error("{path:?} is not executable")]
    NotExecutable {
        /// As given.
        path: PathBuf,
    },
    /// A symlink where the path should have none any more.
    #[error("{path:?} leads through a symlink now")]
    IsLink {
        /// As given.
        path: PathBuf,
    },
    /// Symlinks in a circle, or more than the kernel follows.
    #[error("{path:?} leads through too many symlinks")]
    TooManyLinks {
        /// As given.
        path: PathBuf,
    },
    /// Another file is mounted on it.
    #[error("another file is mounted over {path:?}")]
    MountedOver {
        /// As given.
        path: PathBuf,
    },
    /// The encrypted tree, reached by another way than its mount point.
    #[error("{path:?} leads into the encrypted tree by another way than its mount point")]
    MountElsewhere {
        /// As given.
        path: PathBuf,
    },
    /// The file was written to while it was hashed.
    #[error("{path:?} changed while it was hashed")]
    ChangedWhileHashed {
        /// As given.
        path: PathBuf,
    },
    /// The kernel or the storage refused.
    #[error("{path:?} cannot be examined: {source}")]
    Unreadable {
        /// As given.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl Error {
    fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound { path },
            io::ErrorKind::IsADirectory => Self::NotRegular { path },
            _ => Self::Unreadable { path, source },
        }
    }
}
