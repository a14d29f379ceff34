//! Why a text is no rule: where, what should have stood there, and how to mend it.

use super::parameters;
use super::parse::MAX_RULE;
use std::fmt;

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
    /// A parameter of this version; the one that was perhaps meant.
    KnownParameter(Option<&'static str>),
    /// The parameter once: it stands twice.
    OnlyOnce(&'static str),
    /// `=` and a value behind the parameter; how it looks.
    Value(&'static str),
    /// The parameter alone.
    NoValue(&'static str),
    /// A word between two commas.
    Item,
    /// A user's or group's name or number.
    Account,
    /// The name of an environment variable, or its beginning and a `*`.
    Variable,
    /// `--args` or `--script` besides `--env`.
    BoundStart,
    /// The name of a systemd unit.
    Unit,
    /// `read`, `write` or `exec`.
    AccessKind,
    /// `pid` or `user`.
    Namespace,
    /// An absolute path, as the value of a parameter.
    AbsolutePath,
    /// Nothing behind the `...` of a pattern of arguments.
    LastEllipsis,
    /// Fewer or less deeply nested braces in a pattern of arguments.
    FewerBraces,
    /// ASCII characters within brackets in a pattern of arguments.
    AsciiClass,
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
            Expected::KnownParameter(Some(meant)) => {
                return write!(f, "there is no parameter {word:?}: is --{meant} meant?");
            }
            Expected::KnownParameter(None) => {
                let names = parameters::names().map(|name| format!("--{name}"));
                let names = names.collect::<Vec<_>>().join(", ");
                return write!(f, "there is no parameter {word:?}; there are {names}");
            }
            Expected::OnlyOnce(name) => {
                return write!(f, "--{name} stands twice: a rule has each parameter once");
            }
            Expected::Value(example) => {
                return write!(f, "{word:?} has no value: it is written as in {example}");
            }
            Expected::NoValue(name) => {
                return write!(f, "{word:?} has a value, and --{name} takes none: leave it out");
            }
            Expected::Item => ("a value", "one stands before, between and behind commas"),
            Expected::Account => {
                ("a name", "it must be a name, as in /etc/passwd or /etc/group, or a number")
            }
            Expected::Variable => (
                "the name of a variable",
                "it must be as in MYSQL_HOME, or with a * at its end, as in BACKUP_*",
            ),
            Expected::BoundStart => {
                return f.write_str(
                    "--env is for a rule with --args or --script: without them no variable is \
                     looked at",
                );
            }
            Expected::Unit => (
                "the name of a systemd unit",
                "it must be as in mariadb.service or mariadb@*.service",
            ),
            Expected::AccessKind => ("a kind of access", "they are read, write and exec"),
            Expected::Namespace => ("a namespace", "they are pid and user"),
            Expected::AbsolutePath => ("an absolute path", "it must begin with /"),
            Expected::LastEllipsis => {
                return f.write_str(
                    "behind ... nothing can follow: it stands for all arguments that are left; an \
                     argument of three dots is written \\...",
                );
            }
            Expected::FewerBraces => {
                return f.write_str(
                    "too many braces: one argument may have 64 alternatives, nested 8 deep",
                );
            }
            Expected::AsciiClass => {
                ("a character for brackets", "only ASCII can stand there: use {a,b} instead")
            }
            Expected::End => {
                return write!(
                    f,
                    "{word:?} is one word too many: a path or value that has spaces needs quotes \
                     around it"
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
            Expected::Shorter => {
                return write!(f, "the rule, with its escapes, is longer than {MAX_RULE} bytes");
            }
        };
        if word.is_empty() {
            write!(f, "{name} is missing: {rule}")
        } else {
            write!(f, "{word:?} is not {name}: {rule}")
        }
    }
}
