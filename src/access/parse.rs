//! From the words of a rule to a [`Rule`], or to an error that points at the word.

use super::parameters::Parameters;
use super::pattern::PathPattern;
use super::rule::{Effect, Rule};
use super::words::{self, Word, is_dash};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::str::FromStr;

/// Longest rule accepted, in bytes.
pub const MAX_RULE: usize = 16 << 10;

/// Longest category name accepted, in bytes.
pub const MAX_CATEGORY: usize = 64;

/// Why a text is no rule, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ParseError {
    /// Where the word begins, in characters from 1.
    pub column: usize,
    /// The word as typed; empty where one is missing.
    pub word: String,
    /// What should have stood there.
    pub expected: Expected,
}

/// What a rule must have where something else was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// `ALLOW` or `DENY`.
    Effect,
    /// A category with its `@`.
    Category,
    /// A name of letters, digits, `-`, `_` and `.` behind the `@`.
    CategoryName,
    /// `*`, an absolute path or an absolute glob.
    Path,
    /// An absolute path of an executable.
    Process,
    /// A path without `..`.
    NoParent,
    /// A name without a zero byte.
    NoZeroByte,
    /// A glob that can be compiled.
    Glob(globset::ErrorKind),
    /// A glob of whole characters.
    GlobOfCharacters,
    /// A parameter of this version, which has none.
    KnownParameter,
    /// The end of the rule.
    End,
    /// The second of two quotes.
    ClosingQuote,
    /// A quote within a word, to be written with a backslash.
    EscapedQuote,
    /// White space behind a closing quote.
    Space,
    /// A character or `xHH` behind a backslash.
    Escape,
    /// At most [`MAX_RULE`] bytes.
    Shorter,
}

impl ParseError {
    /// Draws the rule as typed, with carets under the word: two lines, without a line break at the
    /// end. `rule` is the text that was parsed; control characters in it become spaces.
    pub fn render(&self, rule: &str) -> String {
        let shown: String = rule.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let indent = " ".repeat(self.column.saturating_sub(1));
        let carets = "^".repeat(self.word.chars().count().max(1));
        format!("{shown}\n{indent}{carets}")
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: ", self.column)?;
        let word = &self.word;
        let (name, rule) = match &self.expected {
            Expected::Effect => ("an effect", "it must be ALLOW or DENY"),
            Expected::Category => ("a category", "it must begin with @, as in @mysql"),
            Expected::CategoryName => (
                "a category",
                "behind the @ stand 1 to 64 letters, digits, '_' or '-', the first no '-'",
            ),
            Expected::Path => {
                ("a path", "it must be * or begin with /, as in /var/lib/mysql or /backup/*.sql")
            }
            Expected::Process => (
                "a process",
                "it must be the absolute path of an executable, as in /usr/sbin/mariadbd",
            ),
            Expected::NoParent => ("a usable path", "it must not contain \"..\""),
            Expected::NoZeroByte => ("a usable path", "no file name has a zero byte"),
            Expected::Glob(kind) => {
                return write!(
                    f,
                    "{word:?} is not a pattern: {kind}; \\ makes a character ordinary"
                );
            }
            Expected::GlobOfCharacters => ("a pattern", "it must be UTF-8, which \\x can break"),
            Expected::KnownParameter => {
                return write!(
                    f,
                    "{word:?}: this version does not know this parameter, nor any other"
                );
            }
            Expected::End => {
                return write!(
                    f,
                    "{word:?} is one word too many: a path that has spaces needs quotes around it"
                );
            }
            Expected::ClosingQuote => return write!(f, "the quote before {word:?} is not closed"),
            Expected::EscapedQuote => {
                return write!(f, "{word} stands within a word: put \\ before a quote in a name");
            }
            Expected::Space => {
                return write!(f, "{word:?} follows a closing quote without a space");
            }
            Expected::Escape => {
                ("an escape", "behind \\ stands a character, or x and two hex digits")
            }
            Expected::Shorter => return write!(f, "the rule is longer than {MAX_RULE} bytes"),
        };
        if word.is_empty() {
            write!(f, "{name} is missing: {rule}")
        } else {
            write!(f, "{word:?} is not {name}: {rule}")
        }
    }
}

impl FromStr for Rule {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX_RULE {
            return Err(ParseError { column: 1, word: String::new(), expected: Expected::Shorter });
        }
        let end = text.trim_end_matches(words::is_space).chars().count();
        let missing = |expected| ParseError { column: end + 1, word: String::new(), expected };
        let mut words = words::split(text)?.into_iter();
        let mut next = |expected| words.next().ok_or_else(|| missing(expected));
        let rule = Self {
            effect: effect(&next(Expected::Effect)?)?,
            category: category(&next(Expected::Category)?)?,
            path: pattern(&next(Expected::Path)?)?,
            process: process(&next(Expected::Process)?)?,
            parameters: Parameters::default(),
        };
        match words.next() {
            None => Ok(rule),
            Some(word) if word.raw.starts_with(is_dash) => {
                Err(word.unlike(Expected::KnownParameter))
            }
            Some(word) => Err(word.unlike(Expected::End)),
        }
    }
}

fn effect(word: &Word) -> Result<Effect, ParseError> {
    match word.bytes().to_ascii_uppercase().as_slice() {
        b"ALLOW" => Ok(Effect::Allow),
        b"DENY" => Ok(Effect::Deny),
        _ => Err(word.unlike(Expected::Effect)),
    }
}

fn category(word: &Word) -> Result<String, ParseError> {
    let text = String::from_utf8(word.bytes()).map_err(|_| word.unlike(Expected::Category))?;
    let name = text.strip_prefix('@').ok_or_else(|| word.unlike(Expected::Category))?;
    if is_category_name(name) {
        Ok(name.to_owned())
    } else {
        Err(word.unlike(Expected::CategoryName))
    }
}

/// Whether `name`, without its `@`, can be a category in a rule.
pub fn is_category_name(name: &str) -> bool {
    name.len() <= MAX_CATEGORY
        && !name.is_empty()
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn pattern(word: &Word) -> Result<PathPattern, ParseError> {
    PathPattern::from_units(&word.units).map_err(|expected| word.unlike(expected))
}

fn process(word: &Word) -> Result<PathBuf, ParseError> {
    normal_path(&word.bytes()).map_err(|expected| {
        word.unlike(if expected == Expected::Path { Expected::Process } else { expected })
    })
}

/// An absolute path without empty components and `.`; one with `..` is refused, since what it
/// names depends on links.
pub(super) fn normal_path(bytes: &[u8]) -> Result<PathBuf, Expected> {
    if !bytes.starts_with(b"/") {
        return Err(Expected::Path);
    }
    if bytes.contains(&0) {
        return Err(Expected::NoZeroByte);
    }
    let mut normal = Vec::with_capacity(bytes.len());
    for component in bytes.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => return Err(Expected::NoParent),
            name => {
                normal.push(b'/');
                normal.extend_from_slice(name);
            }
        }
    }
    if normal.is_empty() {
        normal.push(b'/');
    }
    Ok(OsString::from_vec(normal).into())
}
