//! What a server tells of itself by `--verbose --help`: its options, where it reads them from, and
//! their effective values.
//!
//! Reads bytes that were printed elsewhere and runs nothing. What does not look as expected is an
//! error, never a guess: the guard decides by what stands here.

mod help;
mod table;
mod text;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Why what a server printed, or a stored description of it, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No line with `Ver` and a number.
    #[error("the server's help names no version: is this a MariaDB or MySQL server?")]
    Version,
    /// No list of option files.
    #[error("the server's help names no option files: ask it with --no-defaults --verbose --help")]
    Files,
    /// No list of groups.
    #[error("the server's help names no option groups: ask it with --no-defaults --verbose --help")]
    Groups,
    /// No table of values.
    #[error("the server's help has no table of values: ask it with --verbose --help")]
    Table,
    /// An option without which the guard cannot judge has no value.
    #[error("the server's help tells no value of {name}: ask it with --verbose --help")]
    Value {
        /// The option's name.
        name: &'static str,
    },
    /// A line in the table that no option begins: a value holds a line break.
    #[error(
        "line {line} of the server's help is no option and its value: take line breaks out of the \
         server's option values"
    )]
    Entry {
        /// Counted from 1.
        line: usize,
    },
    /// One option with two values: a value holds a line break and more.
    #[error(
        "the server's help tells two values of {name}: take line breaks out of the server's option \
         values"
    )]
    TwoValues {
        /// The option's name.
        name: String,
    },
    /// A stored description of another version, or none at all.
    #[error("the stored description of the server is not of version 1: install the guard again")]
    Format,
    /// A stored description with a line that cannot be read.
    #[error("line {line} of the server's stored description is damaged: install the guard again")]
    Line {
        /// Counted from 1.
        line: usize,
    },
}

/// Whose server it is: they read options differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// MariaDB: options may be abbreviated.
    MariaDb,
    /// MySQL 5.7 and later: exact names only.
    MySql,
}

/// Whether an option takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// `--ansi`, also `--ansi=1` where it is boolean.
    None,
    /// `--log-warnings[=#]`: only behind `=`, never the next word.
    Optional,
    /// `--basedir=name`: behind `=`, or the next word whatever it is.
    Required,
}

/// A server's options and defaults, as it was compiled: what `--no-defaults --verbose --help` prints
/// in a clean environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Whose it is.
    pub flavour: Flavour,
    /// As in `10.11.19`.
    pub version: String,
    /// Option files in the order in which they are read, `~/` not expanded.
    pub files: Vec<PathBuf>,
    /// Groups that are read from them, in no order.
    pub groups: Vec<String>,
    /// Long options by name, lower case, words joined by `_`.
    pub options: BTreeMap<String, Arity>,
    /// Short options: the letter, and the long name it stands for.
    pub letters: BTreeMap<u8, String>,
    /// Effective `basedir` when nothing is said.
    pub basedir: PathBuf,
    /// Effective `plugin_dir` when nothing is said.
    pub plugin_dir: PathBuf,
}

/// The values that a server would run with, by option name (lower case, words joined by `_`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective(BTreeMap<String, Option<OsString>>);

impl Effective {
    /// Values by name; `None` stands for "no default value".
    pub fn new(values: BTreeMap<String, Option<OsString>>) -> Self {
        Self(values)
    }

    /// The value of an option; `None` when it has none, or there is no such option.
    pub fn value(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name)?.as_deref()
    }

    /// Whether the server has such an option.
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether a boolean option is on (`TRUE`, `ON`, `1`).
    pub fn is_on(&self, name: &str) -> bool {
        let on = |value: &OsStr| ["TRUE", "ON", "1", "YES"].iter().any(|word| value == *word);
        self.value(name).is_some_and(on)
    }
}

/// A name as it is kept: lower case, words joined by `_`.
pub(super) fn normal(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase().replace('-', "_")
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
