//! A server's command line, read as the server reads it.
//!
//! A server reads its words several times over: for a few early options, for its own, and for each
//! plugin's. Each reading knows its own options only and leaves the other words to the next. So a
//! word that one reading takes for a value is an option to another, and each reading swallows one
//! `--`. Here all words are read once, over all options; what that leaves open is settled by
//! `strip`, which writes values so that every reading takes them for values. Knows no policy.

mod leading;
mod reading;

use std::ffi::OsString;

pub use leading::Leading;
pub use reading::parse;

/// One option, positional word or terminator of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The words it was written as, unchanged: one, or two when the value is a word of its own; none
    /// when letters stand in one word, for all but the last of them.
    pub words: Vec<OsString>,
    /// What the server takes it for.
    pub meaning: Meaning,
}

/// What the server takes an item for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// An option of the server.
    Option {
        /// Its full name, lower case, words joined by `_`.
        name: String,
        /// Its value: behind `=`, the next word, or behind a letter.
        value: Option<OsString>,
        /// Prefixes before the name (`skip`, `disable`, `enable`, `maximum`, `loose`, `autoset`), in
        /// order.
        prefixes: Vec<String>,
    },
    /// A name that no option has: a plugin's variable, or an error.
    Unknown {
        /// As written, without prefixes: lower case, words joined by `_`; a letter by itself.
        name: String,
        /// Behind `=`.
        value: Option<OsString>,
    },
    /// An abbreviation of several options: the server refuses it.
    Ambiguous {
        /// The options' full names.
        names: Vec<String>,
        /// As written, without prefixes: lower case, words joined by `_`.
        written: String,
    },
    /// A word that is no option.
    Word,
    /// `--`: said to end the options, but one reading of several swallows it, so that what stands
    /// behind it is read as options here as well.
    End,
}

#[cfg(test)]
#[path = "command_line_tests.rs"]
pub(in crate::guard) mod tests;
