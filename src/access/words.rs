//! The text of a rule, cut into words that know their column.
//!
//! Knows quotes, escapes and white space, typed or typographic, and nothing of what the words mean.
//! A double or single quote in any of its forms opens a word (or the value behind `=` of a
//! parameter) and the next one of its kind closes it; within, white space is ordinary. A backslash
//! makes the next character ordinary, and `\xHH` stands for one byte. Quotes around the whole rule
//! are taken off.

use super::parse_error::{Expected, ParseError};

/// One character of a word after quotes and escapes were understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// As typed; may have a meaning of its own.
    Plain(char),
    /// Stands for itself.
    Escaped(char),
    /// A byte of a name, 0x80 and up, given as `\xHH`.
    Byte(u8),
}

/// A word and where it stands.
#[derive(Debug)]
pub(super) struct Word {
    /// Column of its first character, from 1.
    pub column: usize,
    /// As typed, quotes included.
    pub raw: String,
    /// What it says.
    pub units: Vec<Unit>,
    /// The column of each unit, and the one behind the last.
    pub columns: Vec<usize>,
}

impl Word {
    /// The word as bytes, escapes resolved.
    pub fn bytes(&self) -> Vec<u8> {
        bytes(&self.units)
    }

    /// An error that points at this word.
    pub fn unlike(&self, expected: Expected) -> ParseError {
        ParseError { column: self.column, word: self.raw.clone(), expected }
    }
}

/// The bytes that units stand for.
pub(super) fn bytes(units: &[Unit]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(units.len());
    for unit in units {
        match *unit {
            Unit::Plain(c) | Unit::Escaped(c) => push(&mut bytes, c),
            Unit::Byte(byte) => bytes.push(byte),
        }
    }
    bytes
}

/// Appends a character in UTF-8.
pub(super) fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Whether the character separates words, also where it has no width.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// Whether the character is a dash that a text processor may have made of `-` or `--`.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
}

/// The two kinds of quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    Double,
    Single,
}

/// The kind of quote that the character is a form of.
pub(super) fn quote(c: char) -> Option<Quote> {
    match c {
        '"' | '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{ff02}' => Some(Quote::Double),
        '\'' | '\u{2018}'..='\u{201b}' | '\u{2039}' | '\u{203a}' | '\u{ff07}' => {
            Some(Quote::Single)
        }
        _ => None,
    }
}

/// Cuts a rule into its words.
pub(super) fn split(text: &str) -> Result<Vec<Word>, ParseError> {
    let chars: Vec<char> = text.chars().collect();
    let (begin, end) = inside_quotes(&chars)?;
    let mut lexer = Lexer { chars: &chars[..end], at: begin };
    let mut words = Vec::new();
    while let Some(word) = lexer.next_word()? {
        words.push(word);
    }
    Ok(words)
}

/// The range without outer white space and without quotes around the whole rule. Those are told
/// from quotes around the first word by the white space before their end: no effect has any.
fn inside_quotes(chars: &[char]) -> Result<(usize, usize), ParseError> {
    let (mut begin, mut end) = (0, chars.len());
    loop {
        while begin < end && is_space(chars[begin]) {
            begin += 1;
        }
        while begin < end
            && is_space(chars[end - 1])
            && !(end - begin > 1 && chars[end - 2] == '\\')
        {
            end -= 1;
        }
        let Some(kind) = chars[begin..end].first().and_then(|&c| quote(c)) else {
            return Ok((begin, end));
        };
        let ends_word = |c: char| is_space(c) || quote(c) == Some(kind);
        let first = chars[begin + 1..end].iter().position(|&c| ends_word(c));
        // A quote right behind the first is no end of an empty word but one more pair of quotes.
        if first.is_some_and(|at| at > 0 && !is_space(chars[begin + 1 + at])) {
            return Ok((begin, end));
        }
        if end - begin < 2 || quote(chars[end - 1]) != Some(kind) {
            let word = chars[begin].to_string();
            return Err(ParseError { column: begin + 1, word, expected: Expected::ClosingQuote });
        }
        (begin, end) = (begin + 1, end - 1);
    }
}

struct Lexer<'a> {
    chars: &'a [char],
    at: usize,
}

impl Lexer<'_> {
    fn next_word(&mut self) -> Result<Option<Word>, ParseError> {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        let start = self.at;
        let (mut units, mut columns) = (Vec::new(), Vec::new());
        let mut end = None;
        while let Some(c) = self.peek().filter(|&c| !is_space(c)) {
            match quote(c) {
                Some(kind) if self.at == start || self.behind_equals(start) => {
                    self.quoted(kind, &mut units, &mut columns)?;
                    end = Some(self.at);
                }
                Some(_) => return Err(self.wrong(self.at, self.at + 1, Expected::EscapedQuote)),
                None => {
                    columns.push(self.at + 1);
                    units.push(self.unit()?);
                }
            }
        }
        if self.at == start {
            return Ok(None);
        }
        // A closing quote is the last character, and no part of what is said.
        columns.push(end.unwrap_or(self.at + 1));
        let raw = self.chars[start..self.at].iter().collect();
        Ok(Some(Word { column: start + 1, raw, units, columns }))
    }

    fn quoted(
        &mut self,
        kind: Quote,
        units: &mut Vec<Unit>,
        columns: &mut Vec<usize>,
    ) -> Result<(), ParseError> {
        let open = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(self.wrong(open, self.at, Expected::ClosingQuote)),
                Some(c) if quote(c) == Some(kind) => break,
                Some(_) => {
                    columns.push(self.at + 1);
                    units.push(self.unit()?);
                }
            }
        }
        self.at += 1;
        match self.peek() {
            Some(c) if !is_space(c) => Err(self.wrong(self.at, self.at + 1, Expected::Space)),
            _ => Ok(()),
        }
    }

    fn unit(&mut self) -> Result<Unit, ParseError> {
        let start = self.at;
        let c = self.take();
        if c != Some('\\') {
            return c.map(Unit::Plain).ok_or_else(|| self.wrong(start, start, Expected::Escape));
        }
        match self.take() {
            None => Err(self.wrong(start, self.at, Expected::Escape)),
            Some('x') => self.byte(start),
            Some(c) => Ok(Unit::Escaped(c)),
        }
    }

    fn byte(&mut self, start: usize) -> Result<Unit, ParseError> {
        let mut digit = || self.take().and_then(|c| c.to_digit(16));
        let value = digit().zip(digit()).map(|(high, low)| high * 16 + low);
        match value.and_then(|value| u8::try_from(value).ok()) {
            Some(byte) if byte.is_ascii() => Ok(Unit::Escaped(char::from(byte))),
            Some(byte) => Ok(Unit::Byte(byte)),
            None => Err(self.wrong(start, self.at, Expected::Escape)),
        }
    }

    /// Whether this is where the value of a parameter begins, as in `--args="a b"`.
    fn behind_equals(&self, start: usize) -> bool {
        let typed = &self.chars[start..self.at];
        typed.last() == Some(&'=')
            && is_dash(self.chars[start])
            && typed.iter().filter(|&&c| c == '=').count() == 1
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn wrong(&self, start: usize, end: usize, expected: Expected) -> ParseError {
        let word = self.chars[start..end].iter().collect();
        ParseError { column: start + 1, word, expected }
    }
}
