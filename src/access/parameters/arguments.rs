//! `--args`: what a process must have been started with.
//!
//! The pattern is words as in a shell: white space separates them, quotes and backslashes make
//! characters ordinary. Each word is a [`Glob`] that one argument must fit; a last word `...` stands
//! for any more arguments.

use super::glob::Glob;
use super::glob_parse;
use crate::access::parse_error::{Expected, ParseError};
use crate::access::part::Part;
use crate::access::words::{Unit, is_dash, is_space, quote};
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// A pattern over the arguments behind the program's name. Two are equal when written the same.
#[derive(Debug, Clone)]
pub struct Arguments {
    words: Vec<Glob>,
    /// Any more may follow.
    open: bool,
    text: String,
}

/// A word of the pattern: its characters and where each stands.
#[derive(Default)]
struct Word {
    signs: Vec<Unit>,
    at: Vec<usize>,
}

impl Arguments {
    /// The pattern that only these arguments match. None of them has a zero byte.
    pub fn exactly<S: AsRef<OsStr>>(arguments: &[S]) -> Self {
        let bytes = || arguments.iter().map(|argument| argument.as_ref().as_bytes());
        let texts = bytes().map(|argument| shown(&glob_parse::text_of(argument)));
        Self {
            words: bytes().map(Glob::exactly).collect(),
            open: false,
            text: texts.collect::<Vec<_>>().join(" "),
        }
    }

    /// Whether a process with these arguments, the program's name left out, was started so.
    pub fn matches<S: AsRef<OsStr>>(&self, arguments: &[S]) -> bool {
        let enough = if self.open {
            arguments.len() >= self.words.len()
        } else {
            arguments.len() == self.words.len()
        };
        let fits = |(glob, argument): (&Glob, &S)| glob.matches(argument.as_ref().as_bytes());
        enough && self.words.iter().zip(arguments).all(fits)
    }

    pub(super) fn parse(value: &Part<'_>) -> Result<Self, ParseError> {
        let (mut words, mut texts, mut open) = (Vec::new(), Vec::new(), false);
        for word in split(value)?.into_iter().map(Word::with_hyphens) {
            let place = |from: usize, to: usize| {
                let at = |sign: usize| word.at.get(sign).copied();
                let start = at(from).or(at(0)).unwrap_or(0);
                start..to.checked_sub(1).and_then(at).map_or(start, |last| last + 1)
            };
            if open {
                let place = place(0, word.signs.len());
                return Err(value.unlike_within(place, Expected::LastEllipsis));
            }
            open = word.signs == [Unit::Plain('.'); 3];
            if open {
                texts.push("...".to_owned());
                continue;
            }
            let (glob, text) = glob_parse::parse(&word.signs).map_err(|(wrong, expected)| {
                value.unlike_within(place(wrong.start, wrong.end), expected)
            })?;
            texts.push(shown(&text));
            words.push(glob);
        }
        Ok(Self { words, open, text: texts.join(" ") })
    }
}

impl fmt::Display for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Arguments {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Arguments {}

/// A word's text where it is told from nothing and from the last `...`.
fn shown(text: &str) -> String {
    match text {
        "" => "\"\"".to_owned(),
        "..." => "\\...".to_owned(),
        text => text.to_owned(),
    }
}

/// Cuts the pattern into words. What is quoted stands for itself.
fn split(value: &Part<'_>) -> Result<Vec<Word>, ParseError> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut open = None;
    for (at, unit) in value.units().iter().enumerate() {
        let quote = match unit {
            Unit::Plain(c) => quote(*c),
            _ => None,
        };
        match (*unit, open) {
            (_, Some((kind, _))) if quote == Some(kind) => open = None,
            (Unit::Plain(_), None) if quote.is_some() => {
                open = quote.map(|kind| (kind, at));
                word.get_or_insert_default();
            }
            (Unit::Plain(c), None) if is_space(c) => words.extend(word.take()),
            (Unit::Plain(c), Some(_)) => word.get_or_insert_default().push(Unit::Escaped(c), at),
            (unit, _) => word.get_or_insert_default().push(unit, at),
        }
    }
    if let Some((_, at)) = open {
        return Err(value.unlike_within(at..value.units().len(), Expected::ClosingQuote));
    }
    words.extend(word);
    Ok(words)
}

impl Word {
    /// An option whose hyphens became other dashes where it was pasted from gets them back.
    fn with_hyphens(mut self) -> Self {
        let dash = |sign: &Unit| matches!(sign, Unit::Plain(c) if is_dash(*c));
        let odd = |sign: &Unit| dash(sign) && *sign != Unit::Plain('-');
        let dashes = self.signs.iter().take_while(|sign| dash(sign)).count();
        let equals = self.signs.iter().position(|sign| *sign == Unit::Plain('='));
        let end = equals.unwrap_or(self.signs.len());
        if dashes == 0 || !self.signs[..end].iter().any(odd) {
            return self;
        }
        if self.signs[..dashes].iter().any(odd) {
            let at = self.at[0];
            let count = if end - dashes > 1 { 2 } else { 1 };
            self.signs.splice(..dashes, std::iter::repeat_n(Unit::Plain('-'), count));
            self.at.splice(..dashes, std::iter::repeat_n(at, count));
        }
        for sign in self.signs.iter_mut().take_while(|sign| **sign != Unit::Plain('=')) {
            if dash(sign) {
                *sign = Unit::Plain('-');
            }
        }
        self
    }

    fn push(&mut self, sign: Unit, at: usize) {
        self.signs.push(sign);
        self.at.push(at);
    }
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
