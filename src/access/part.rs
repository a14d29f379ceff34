//! A part of a word, such as the value of a parameter or an item of a list in it, which knows where
//! each of its characters stands.

use super::parse_error::{Expected, ParseError};
use super::words::{self, Unit, Word, is_space};
use std::ops::Range;

/// Some units of a word, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    word: &'a Word,
    range: Range<usize>,
}

impl<'a> Part<'a> {
    /// The units from `start` on.
    pub fn from(word: &'a Word, start: usize) -> Self {
        Self { word, range: start.min(word.units.len())..word.units.len() }
    }

    /// What it says.
    pub fn units(&self) -> &'a [Unit] {
        &self.word.units[self.range.clone()]
    }

    /// As bytes, escapes resolved.
    pub fn bytes(&self) -> Vec<u8> {
        words::bytes(self.units())
    }

    /// As text; `None` when it is no UTF-8 or holds a control character.
    pub fn text(&self) -> Option<String> {
        String::from_utf8(self.bytes()).ok().filter(|text| !text.contains(char::is_control))
    }

    /// What stands between commas, without white space around.
    pub fn items(&self) -> impl Iterator<Item = Part<'a>> {
        let word = self.word;
        let mut next = Some(self.range.start);
        let end = self.range.end;
        std::iter::from_fn(move || {
            let start = next?;
            let rest = &word.units[start..end];
            let comma = rest.iter().position(|unit| *unit == Unit::Plain(','));
            next = comma.map(|at| start + at + 1);
            let range = start..comma.map_or(end, |at| start + at);
            Some(Part { word, range }.trimmed())
        })
    }

    /// An error that points at it, or at where it would stand.
    pub fn unlike(&self, expected: Expected) -> ParseError {
        self.unlike_within(0..self.range.len(), expected)
    }

    /// An error that points at some of its units.
    pub fn unlike_within(&self, units: Range<usize>, expected: Expected) -> ParseError {
        let column = |unit: usize| {
            let at = (self.range.start + unit).min(self.word.units.len());
            self.word.columns.get(at).copied().unwrap_or(self.word.column)
        };
        let start = column(units.start);
        // Up to the character behind the last unit: escapes take more than one.
        let end = if units.is_empty() { start } else { column(units.end) };
        let typed = self.word.raw.chars().skip(start.saturating_sub(self.word.column));
        ParseError {
            column: start,
            word: typed.take(end.saturating_sub(start)).collect(),
            expected,
        }
    }

    fn trimmed(mut self) -> Self {
        let blank = |unit: Option<&Unit>| matches!(unit, Some(Unit::Plain(c)) if is_space(*c));
        while blank(self.units().first()) {
            self.range.start += 1;
        }
        while blank(self.units().last()) {
            self.range.end -= 1;
        }
        self
    }
}
