//! `--args`: what a process must have been started with.

use std::ffi::OsStr;
use std::fmt;

/// A pattern over the arguments behind the program's name. Two are equal when written the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    text: String,
}

impl Arguments {
    /// Whether a process with these arguments, the program's name left out, was started so.
    pub fn matches<S: AsRef<OsStr>>(&self, arguments: &[S]) -> bool {
        // Placeholder until the pattern is read: matches nothing.
        let _ = arguments;
        false
    }
}

impl fmt::Display for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
