//! A rule: who may, or may not, use which files.
//! `ALLOW|DENY  @CATEGORY  PATH  PROCESS  [PARAMETER...]`.
//!
//! A rule is text with a meaning; it is parsed from what people type or paste and shown as the
//! normalised text, which parses to the same rule. It knows no system: whether PROCESS exists, and
//! what its fingerprint is, stands in [`BoundRule`].

use super::bindings::Bindings;
use super::fingerprint::Fingerprint;
use super::parameters::Parameters;
use super::pattern::PathPattern;
use super::words::{is_space, quote};
use std::fmt::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Allows; one such rule is needed.
    Allow,
    /// Denies, whatever else allows.
    Deny,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allow => "ALLOW",
            Self::Deny => "DENY",
        })
    }
}

/// A rule as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it does.
    pub effect: Effect,
    /// The category's name, without the `@`.
    pub category: String,
    /// The original paths it is about.
    pub path: PathPattern,
    /// The executable as typed, before links are resolved; absolute.
    pub process: PathBuf,
    /// What it asks of the run besides.
    pub parameters: Parameters,
}

impl Rule {
    /// Whether the rule is about this path of this category (without the `@`).
    pub fn covers(&self, category: &str, path: &Path) -> bool {
        self.category == category && self.path.covers(path)
    }

    /// PROCESS as it stands in the rule's text, escapes included.
    pub fn process_text(&self) -> impl fmt::Display + '_ {
        Name(&self.process)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} @{} {} {}", self.effect, self.category, self.path, Name(&self.process))?;
        if self.parameters.is_empty() { Ok(()) } else { write!(f, " {}", self.parameters) }
    }
}

/// What a process must have shown besides being the rule's; whoever asks for the decision checks it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Terms {
    /// Nothing.
    #[default]
    None,
    /// To execute: under which policy it does so.
    Declaration,
    /// A command line that was approved.
    CommandLine,
}

/// A rule in force: what its process was when the rule was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundRule {
    /// The rule.
    pub rule: Rule,
    /// The executable without links, as the kernel prints it.
    pub process: PathBuf,
    /// What must still hold of it.
    pub fingerprint: Fingerprint,
    /// What the names in its parameters meant then.
    pub bindings: Bindings,
    /// What it must have shown besides.
    pub terms: Terms,
}

struct Name<'a>(&'a Path);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, self.0, |_| false)
    }
}

/// Writes a name so that it is one word of a rule, is read back as the same bytes, and holds no
/// character that a terminal acts on.
pub(super) fn write_name(
    f: &mut fmt::Formatter<'_>,
    name: &Path,
    special: impl Fn(char) -> bool,
) -> fmt::Result {
    for chunk in name.as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            write_char(f, c, special(c) || c == '\\')?;
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

/// One character as it stands in a rule, with a backslash where `special` or the lexer demands it.
pub(super) struct Escape {
    pub c: char,
    pub special: bool,
}

impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_char(f, self.c, self.special)
    }
}

/// Writes one character, escaped where `special` or the lexer demands it.
pub(super) fn write_char(f: &mut fmt::Formatter<'_>, c: char, special: bool) -> fmt::Result {
    if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            write!(f, "\\x{byte:02x}")?;
        }
        return Ok(());
    }
    if special || is_space(c) || quote(c).is_some() {
        f.write_char('\\')?;
    }
    f.write_char(c)
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
