//! One argument's pattern, and whether an argument fits it.
//!
//! Matching is on bytes and takes a time of pattern times argument at most, whatever they are. A
//! wildcard stands for no `/` and for no byte of a `..` that would lead up.

use std::collections::BTreeSet;

/// A pattern: some alternatives, one of which must fit.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    /// Never empty.
    pub alternatives: Vec<Vec<Token>>,
}

/// What one or more bytes of an argument must be.
#[derive(Debug, Clone)]
pub(super) enum Token {
    /// This one.
    Byte(u8),
    /// Any one.
    One,
    /// Any number of any.
    Many,
    /// One of these.
    Class(BTreeSet<u8>),
}

impl Glob {
    /// The pattern that only `argument` fits.
    pub fn exactly(argument: &[u8]) -> Self {
        Self { alternatives: vec![argument.iter().copied().map(Token::Byte).collect()] }
    }

    /// Whether `argument` fits.
    pub fn matches(&self, argument: &[u8]) -> bool {
        let literal = literal_only(argument);
        self.alternatives.iter().any(|tokens| fits(tokens, argument, &literal))
    }
}

/// Follows all ways to fit at once: `now[i]` says that the tokens before `i` fit what was read.
fn fits(tokens: &[Token], argument: &[u8], literal: &[bool]) -> bool {
    let mut now = vec![false; tokens.len() + 1];
    let mut next = now.clone();
    now[0] = true;
    skip_many(tokens, &mut now);
    for (&byte, &literal) in argument.iter().zip(literal) {
        next.fill(false);
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| now[*at]) {
            match token {
                Token::Byte(wanted) => next[at + 1] |= *wanted == byte,
                Token::One => next[at + 1] |= !literal,
                Token::Class(set) => next[at + 1] |= !literal && set.contains(&byte),
                Token::Many => next[at] |= !literal,
            }
        }
        skip_many(tokens, &mut next);
        if !next.contains(&true) {
            return false;
        }
        std::mem::swap(&mut now, &mut next);
    }
    now.last() == Some(&true)
}

/// [`Token::Many`] may stand for nothing.
fn skip_many(tokens: &[Token], reached: &mut [bool]) {
    for (at, token) in tokens.iter().enumerate() {
        if reached[at] && matches!(token, Token::Many) {
            reached[at + 1] = true;
        }
    }
}

/// Which bytes only themselves fit: `/`, and both dots of a component `..`.
fn literal_only(argument: &[u8]) -> Vec<bool> {
    let is_option = argument.first() == Some(&b'-');
    let mut literal: Vec<bool> = argument.iter().map(|byte| *byte == b'/').collect();
    for at in 0..argument.len().saturating_sub(1) {
        let begins = match at.checked_sub(1).map(|before| argument[before]) {
            None => true,
            Some(before) => b"/=:,;".contains(&before) || is_option && before != b'.',
        };
        let ends = matches!(argument.get(at + 2), None | Some(b'/' | b':' | b',' | b';'));
        if &argument[at..at + 2] == b".." && begins && ends {
            literal[at] = true;
            literal[at + 1] = true;
        }
    }
    literal
}
