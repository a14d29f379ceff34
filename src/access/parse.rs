//! From the words of a rule to a [`Rule`], or to an error that points at the word.

use super::parameters;
use super::parse_error::{Expected, ParseError};
use super::pattern::PathPattern;
use super::rule::{Effect, Rule};
use super::words::{self, Word};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::str::FromStr;

/// Longest rule accepted, in bytes, as typed and as it is shown.
pub const MAX_RULE: usize = 16 << 10;

/// Longest category name accepted, in bytes.
pub const MAX_CATEGORY: usize = 64;

impl FromStr for Rule {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let too_long =
            || Err(ParseError { column: 1, word: String::new(), expected: Expected::Shorter });
        if text.len() > MAX_RULE {
            return too_long();
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
            parameters: parameters::parse(words)?,
        };
        // What is shown is what is kept, and must be a rule when it is read again; escapes made it longer.
        if rule.to_string().len() > MAX_RULE { too_long() } else { Ok(rule) }
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
