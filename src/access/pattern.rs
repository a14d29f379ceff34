//! PATH of a rule: which original paths it covers.
//!
//! `*` covers everything of the category; an absolute path covers itself and what is below it; a
//! glob covers what it matches and what is below that. In a glob `?` and `*` stay within a
//! component, `**` as a component crosses them, and `[...]` and `{a,b}` are known. Matching is on
//! bytes: a `?` is one byte.

use super::parse::normal_path;
use super::parse_error::Expected;
use super::words::{Unit, push};
use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A pattern over original paths. Two patterns are equal when they are written the same.
#[derive(Debug, Clone)]
pub struct PathPattern(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Everything,
    Exact(PathBuf),
    Glob { text: String, matcher: GlobSet },
}

impl PathPattern {
    /// The pattern `*`.
    pub fn everything() -> Self {
        Self(Kind::Everything)
    }

    /// Covers `path` and everything below it. `path` is absolute and has no `..`.
    ///
    /// # Errors
    /// [`Expected::Path`], [`Expected::NoParent`] or [`Expected::NoZeroByte`] when it is not so.
    pub fn exactly(path: &Path) -> Result<Self, Expected> {
        normal_path(path.as_os_str().as_bytes()).map(|path| Self(Kind::Exact(path)))
    }

    /// The one path it names, when it is neither `*` nor a glob.
    pub fn literal(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Exact(path) => Some(path),
            Kind::Everything | Kind::Glob { .. } => None,
        }
    }

    /// Whether it may match something below `path`.
    pub fn may_reach_below(&self, path: &Path) -> bool {
        match &self.0 {
            Kind::Everything => true,
            Kind::Exact(top) => top.starts_with(path),
            Kind::Glob { text, .. } => {
                // What stands before the first special character, cut at its last component.
                let plain = text.split(is_special).next().unwrap_or_default();
                let fixed = Path::new(&plain[..plain.rfind('/').unwrap_or(0)]);
                fixed.starts_with(path) || path.starts_with(fixed)
            }
        }
    }

    /// Whether `path`, an absolute path without `.` and `..`, is matched or below a match.
    pub fn covers(&self, path: &Path) -> bool {
        match &self.0 {
            Kind::Everything => true,
            Kind::Exact(top) => path.starts_with(top),
            Kind::Glob { matcher, .. } => path.ancestors().any(|above| {
                matcher.is_match_candidate(&Candidate::from_bytes(above.as_os_str().as_bytes()))
            }),
        }
    }

    pub(super) fn from_units(units: &[Unit]) -> Result<Self, Expected> {
        if matches!(units, [Unit::Plain('*')] | [Unit::Plain('*'), Unit::Plain('*')]) {
            return Ok(Self::everything());
        }
        let special = |unit: &Unit| matches!(unit, Unit::Plain('*' | '?' | '[' | '{'));
        let glob = units.iter().any(special);
        let mut bytes = Vec::with_capacity(units.len());
        for unit in units {
            match *unit {
                Unit::Escaped(c) if glob && is_special(c) => {
                    bytes.push(b'\\');
                    push(&mut bytes, c);
                }
                Unit::Plain(c) | Unit::Escaped(c) => push(&mut bytes, c),
                Unit::Byte(byte) => bytes.push(byte),
            }
        }
        let path = normal_path(&bytes)?;
        if glob { Self::glob(path) } else { Ok(Self(Kind::Exact(path))) }
    }

    fn glob(path: PathBuf) -> Result<Self, Expected> {
        let text = String::from_utf8(path.into_os_string().into_vec())
            .map_err(|_| Expected::GlobOfCharacters)?;
        let refused = |error: globset::Error| Expected::Glob(error.kind().clone());
        let glob = GlobBuilder::new(&text)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(refused)?;
        // A set of one: unlike a single matcher, it reports a pattern that is too large.
        let matcher = GlobSetBuilder::new().add(glob).build().map_err(refused)?;
        Ok(Self(Kind::Glob { text, matcher }))
    }
}

/// Whether the character means something in a glob, so that a backslash before it must stay.
pub(super) fn is_special(c: char) -> bool {
    matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | ',' | '!' | '^' | '-' | '\\')
}

impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Everything, Kind::Everything) => true,
            (Kind::Exact(one), Kind::Exact(two)) => one == two,
            (Kind::Glob { text: one, .. }, Kind::Glob { text: two, .. }) => one == two,
            _ => false,
        }
    }
}

impl Eq for PathPattern {}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Everything => f.write_str("*"),
            Kind::Exact(path) => {
                super::rule::write_name(f, path, |c| matches!(c, '*' | '?' | '[' | '{'))
            }
            Kind::Glob { text, .. } => write_glob(f, text),
        }
    }
}

/// Writes a glob whose backslashes already stand where they must.
fn write_glob(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                f.write_str("\\")?;
                chars.next().map_or(Ok(()), |c| fmt::Write::write_char(f, c))?;
            }
            c => super::rule::write_char(f, c, false)?,
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
