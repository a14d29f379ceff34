//! The text of one option file, cut into lines that mean something.
//!
//! Works on bytes as the server does: a line is at most [`LONGEST`] bytes, what is longer goes on as
//! a line of its own, and a zero byte ends a line's text.

use super::Fault;

/// A longer line is read as several.
const LONGEST: usize = 4094;

/// A line that is neither empty nor a comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1, as the server counts.
    pub number: usize,
    pub entry: Result<Entry, Fault>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Group(Vec<u8>),
    Option(Setting),
    Include(Result<Vec<u8>, Fault>),
    IncludeDirectory(Result<Vec<u8>, Fault>),
}

/// An option as it stands in the file: looked at only where its group is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting(Vec<u8>);

pub(super) fn lines(content: &[u8]) -> impl Iterator<Item = Line> {
    let pieces =
        content.split_inclusive(|byte| *byte == b'\n').flat_map(|line| line.chunks(LONGEST));
    pieces.enumerate().filter_map(|(at, piece)| {
        let text = piece.split(|byte| *byte == 0).next().unwrap_or_default();
        Some(Line { number: at + 1, entry: entry(trim_start(text)).transpose()? })
    })
}

fn entry(text: &[u8]) -> Result<Option<Entry>, Fault> {
    Ok(match text {
        [] | [b'#' | b';', ..] => None,
        [b'!', directive @ ..] => include(trim_start(directive)),
        [b'[', name @ ..] => {
            let end = name.iter().position(|byte| *byte == b']').ok_or(Fault::OpenGroup)?;
            Some(Entry::Group(trim_end(&name[..end]).to_vec()))
        }
        option => Some(Entry::Option(Setting(option.to_vec()))),
    })
}

fn include(directive: &[u8]) -> Option<Entry> {
    let behind = |keyword: &[u8]| {
        directive.strip_prefix(keyword).filter(|rest| rest.first().is_some_and(is_space))
    };
    let directory = behind(b"includedir").map(|rest| Entry::IncludeDirectory(named(rest)));
    directory.or_else(|| behind(b"include").map(|rest| Entry::Include(named(rest))))
}

/// The server drops the last byte without looking, which is wrong where the file ends without a line
/// break: there the name that is meant is not the one that is read.
fn named(rest: &[u8]) -> Result<Vec<u8>, Fault> {
    let name = trim_end(trim_start(rest).strip_suffix(b"\n").ok_or(Fault::NoPath)?);
    if name.is_empty() { Err(Fault::NoPath) } else { Ok(name.to_vec()) }
}

impl Setting {
    /// The option as `--name` or `--name=value`.
    pub fn word(&self) -> Result<Vec<u8>, Fault> {
        let text = without_comment(&self.0);
        let equals = text.iter().position(|byte| *byte == b'=');
        let name = trim_end(&text[..equals.unwrap_or(text.len())]);
        if name.is_empty() {
            return Err(Fault::NoName);
        }
        let mut word = [b"--", name].concat();
        if let Some(equals) = equals {
            word.push(b'=');
            word.extend(value(trim_end(trim_start(&text[equals + 1..]))));
        }
        Ok(word)
    }
}

/// Up to the first `#` that is not in quotes; quotes that a backslash protects do not count.
fn without_comment(text: &[u8]) -> &[u8] {
    let (mut quote, mut protected) = (None, false);
    for (at, byte) in text.iter().enumerate() {
        match (byte, quote) {
            (b'\'' | b'"', None) if !protected => quote = Some(*byte),
            (byte, Some(open)) if *byte == open && !protected => quote = None,
            (b'#', None) => return &text[..at],
            _ => {}
        }
        protected = quote.is_some() && *byte == b'\\' && !protected;
    }
    text
}

/// Without quotes around it, escapes resolved.
fn value(text: &[u8]) -> Vec<u8> {
    let text = match text {
        [first @ (b'\'' | b'"'), inner @ .., last] if first == last => inner,
        text => text,
    };
    let mut value = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'\\', [escaped, tail @ ..]) => {
                match escape(*escaped) {
                    Some(byte) => value.push(byte),
                    None => value.extend([b'\\', *escaped]),
                }
                tail
            }
            _ => {
                value.push(*first);
                tail
            }
        };
    }
    value
}

fn escape(byte: u8) -> Option<u8> {
    Some(match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b's' => b' ',
        b'"' | b'\'' | b'\\' => byte,
        _ => return None,
    })
}

/// White space of the server's character set, the no-break space among it.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ' | 0xa0)
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_space(byte));
    &text[start.unwrap_or(text.len())..]
}

fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !is_space(byte));
    &text[..end.map_or(0, |at| at + 1)]
}
