//! From the characters of one argument's pattern to its [`Glob`], and to the text that says the same.

use super::glob::{Glob, Token};
use crate::access::parse_error::Expected;
use crate::access::pattern::is_special;
use crate::access::rule::Escape;
use crate::access::words::{Unit, bytes, is_dash};
use globset::ErrorKind;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

/// Alternatives that one argument may have.
const MOST_ALTERNATIVES: usize = 64;
/// How deep braces may be nested.
const DEEPEST: usize = 8;

/// What is wrong, and where in the list of signs.
pub(super) type Wrong = (Range<usize>, Expected);

type Sequences = Vec<Vec<Token>>;

/// Reads a pattern; returns it with its normalised text.
pub(super) fn parse(signs: &[Unit]) -> Result<(Glob, String), Wrong> {
    let mut parser = Parser { signs, at: 0, text: String::new() };
    let alternatives = parser.sequences(0)?;
    Ok((Glob { alternatives }, parser.text))
}

/// The text of a pattern that only `argument` fits.
pub(super) fn text_of(argument: &[u8]) -> String {
    let mut text = String::new();
    for chunk in argument.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push(&mut text, c, is_active(c)));
        chunk.invalid().iter().for_each(|byte| push_byte(&mut text, *byte));
    }
    text
}

struct Parser<'a> {
    signs: &'a [Unit],
    at: usize,
    text: String,
}

impl Parser<'_> {
    /// All that may stand here, up to the end or, within braces, to a `,` or `}`.
    fn sequences(&mut self, depth: usize) -> Result<Sequences, Wrong> {
        let mut all: Sequences = vec![Vec::new()];
        while let Some(&sign) = self.signs.get(self.at) {
            if depth > 0 && matches!(sign, Unit::Plain(',' | '}')) {
                break;
            }
            match sign {
                Unit::Plain('{') => {
                    let options = self.braces(depth + 1)?;
                    all = self.each_with_each(all, options)?;
                }
                Unit::Plain('}') => return Err(self.glob(self.at, ErrorKind::UnopenedAlternates)),
                Unit::Plain('[') => {
                    let class = self.class()?;
                    append(&mut all, &[Token::Class(class)]);
                }
                Unit::Plain(c @ ('*' | '?')) => {
                    self.text.push(c);
                    self.at += 1;
                    append(&mut all, &[if c == '*' { Token::Many } else { Token::One }]);
                }
                literal => {
                    let literal = self.literal(literal, depth > 0)?;
                    append(&mut all, &literal);
                }
            }
        }
        Ok(all)
    }

    fn literal(&mut self, sign: Unit, in_braces: bool) -> Result<Vec<Token>, Wrong> {
        let bytes = bytes(&[sign]);
        if bytes.contains(&0) {
            return Err((self.at..self.at + 1, Expected::NoZeroByte));
        }
        self.at += 1;
        match sign {
            Unit::Plain(c) | Unit::Escaped(c) => {
                push(&mut self.text, c, is_active(c) || in_braces && c == ',');
            }
            Unit::Byte(byte) => push_byte(&mut self.text, byte),
        }
        Ok(bytes.into_iter().map(Token::Byte).collect())
    }

    fn braces(&mut self, depth: usize) -> Result<Sequences, Wrong> {
        let open = self.at;
        if depth > DEEPEST {
            return Err((open..open + 1, Expected::FewerBraces));
        }
        let mut options = Vec::new();
        loop {
            let before = if options.is_empty() { '{' } else { ',' };
            self.text.push(before);
            self.at += 1;
            options.extend(self.sequences(depth)?);
            if options.len() > MOST_ALTERNATIVES {
                return Err((open..self.at, Expected::FewerBraces));
            }
            match self.signs.get(self.at) {
                Some(Unit::Plain(',')) => {}
                Some(_) => break,
                None => return Err(self.glob(open, ErrorKind::UnclosedAlternates)),
            }
        }
        self.text.push('}');
        self.at += 1;
        Ok(options)
    }

    fn each_with_each(&self, mut all: Sequences, options: Sequences) -> Result<Sequences, Wrong> {
        if let [only] = &options[..] {
            append(&mut all, only);
            return Ok(all);
        }
        if all.len() * options.len() > MOST_ALTERNATIVES {
            return Err((0..self.at, Expected::FewerBraces));
        }
        let with = |one: &Vec<Token>| {
            let one = one.clone();
            options.iter().map(move |option| [&one[..], option].concat())
        };
        Ok(all.iter().flat_map(with).collect())
    }

    fn class(&mut self) -> Result<BTreeSet<u8>, Wrong> {
        let open = self.at;
        self.take_plain('[');
        let negated = self.take_plain('!') || self.take_plain('^');
        let mut set = BTreeSet::new();
        let mut first = true;
        while first || self.signs.get(self.at) != Some(&Unit::Plain(']')) {
            first = false;
            let start = self.at;
            let low = self.member(open)?;
            let is_range = self.signs.get(self.at) == Some(&Unit::Plain('-'))
                && !matches!(self.signs.get(self.at + 1), None | Some(Unit::Plain(']')));
            let high = if is_range && self.take_plain('-') { self.member(open)? } else { low };
            if low > high {
                let kind = ErrorKind::InvalidRange(char::from(low), char::from(high));
                return Err((start..self.at, Expected::Glob(kind)));
            }
            set.extend(low..=high);
        }
        self.take_plain(']');
        Ok(if negated { (0..=u8::MAX).filter(|byte| !set.contains(byte)).collect() } else { set })
    }

    /// One character within brackets.
    fn member(&mut self, open: usize) -> Result<u8, Wrong> {
        let here = self.at..self.at + 1;
        let byte = match self.signs.get(self.at) {
            None => return Err(self.glob(open, ErrorKind::UnclosedClass)),
            Some(Unit::Byte(byte)) => {
                push_byte(&mut self.text, *byte);
                *byte
            }
            Some(Unit::Plain(c) | Unit::Escaped(c)) => {
                let is_escaped = matches!(self.signs.get(self.at), Some(Unit::Escaped(_)));
                push(&mut self.text, *c, is_escaped && is_special(*c));
                u8::try_from(*c).ok().filter(u8::is_ascii).ok_or((here, Expected::AsciiClass))?
            }
        };
        self.at += 1;
        Ok(byte)
    }

    fn take_plain(&mut self, wanted: char) -> bool {
        let found = self.signs.get(self.at) == Some(&Unit::Plain(wanted));
        if found {
            self.text.push(wanted);
            self.at += 1;
        }
        found
    }

    /// An error about what began at `open`.
    fn glob(&self, open: usize, kind: ErrorKind) -> Wrong {
        (open..self.signs.len(), Expected::Glob(kind))
    }
}

fn append(all: &mut Sequences, tokens: &[Token]) {
    all.iter_mut().for_each(|sequence| sequence.extend_from_slice(tokens));
}

/// Whether the character means something outside brackets, or would be taken for another one.
fn is_active(c: char) -> bool {
    matches!(c, '*' | '?' | '[' | '{' | '}' | '\\') || is_dash(c) && c != '-'
}

fn push(text: &mut String, c: char, special: bool) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{}", Escape { c, special });
}

fn push_byte(text: &mut String, byte: u8) {
    let _ = write!(text, "\\x{byte:02x}");
}
