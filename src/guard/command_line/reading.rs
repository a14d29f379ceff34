//! From words to items.

use super::{Item, Meaning};
use crate::guard::server::{Arity, Flavour, Server, normal};
use std::ffi::{OsStr, OsString};
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;

const PREFIXES: [&str; 6] = ["skip", "disable", "enable", "maximum", "loose", "autoset"];

/// Reads the words behind the leading options; all words are in the items, in order.
pub fn parse(args: &[OsString], server: &Server) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = args;
    while let [word, behind @ ..] = rest {
        let next = behind.first();
        let mut read = match word.as_bytes() {
            b"--" => vec![(Meaning::End, false)],
            [b'-', b'-', long @ ..] => vec![long_option(long, next, server)],
            [b'-', letters @ ..] if !letters.is_empty() => cluster(letters, next, server),
            _ => vec![(Meaning::Word, false)],
        };
        let taken = 1 + usize::from(read.last().is_some_and(|(_, takes_next)| *takes_next));
        let last = read.pop();
        items.extend(read.into_iter().map(|(meaning, _)| Item { words: Vec::new(), meaning }));
        let (words, after) = rest.split_at(taken);
        items.extend(last.map(|(meaning, _)| Item { words: words.to_vec(), meaning }));
        rest = after;
    }
    items
}

/// What an option means, and whether the next word is its value.
type Read = (Meaning, bool);

/// An option behind `--`.
fn long_option(text: &[u8], next: Option<&OsString>, server: &Server) -> Read {
    let text = without_key(text);
    let equals = text.iter().position(|byte| *byte == b'=');
    let value = equals.map(|at| OsStr::from_bytes(&text[at + 1..]).to_owned());
    let written = &text[..equals.unwrap_or(text.len())];
    let mut prefixes: Vec<String> = Vec::new();
    let mut rest = normal(written);
    loop {
        match find(&rest, server) {
            Found::One(name, arity) => {
                let next = next.filter(|_| value.is_none() && takes_next(arity, &prefixes));
                let takes_next = next.is_some();
                let value = value.or(next.cloned());
                return (Meaning::Option { name, value, prefixes }, takes_next);
            }
            Found::Many(names) => return (Meaning::Ambiguous { names, written: rest }, false),
            Found::None => {}
        }
        let Some((prefix, behind)) = split_prefix(&rest) else {
            return (Meaning::Unknown { name: rest, value }, false);
        };
        prefixes.push(prefix.to_owned());
        rest = behind;
    }
}

/// Without what stands before a first dot, as in `--cache.key_buffer_size=1`: of any option.
fn without_key(text: &[u8]) -> &[u8] {
    let equals = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    let dot = text.iter().skip(1).position(|byte| *byte == b'.').map(|at| at + 1);
    dot.filter(|dot| dot + 1 < equals).map_or(text, |dot| &text[dot + 1..])
}

fn split_prefix(name: &str) -> Option<(&'static str, String)> {
    PREFIXES.into_iter().find_map(|prefix| {
        let rest = name.strip_prefix(prefix)?.strip_prefix('_')?;
        Some((prefix, rest.to_owned()))
    })
}

/// Whether an option that has no value behind `=` takes the next word: not when a prefix right before
/// its name switches it, or `autoset` stands anywhere.
fn takes_next(arity: Arity, prefixes: &[String]) -> bool {
    let switches = |prefix: &String| ["skip", "disable", "enable"].contains(&prefix.as_str());
    arity == Arity::Required
        && !prefixes.last().is_some_and(switches)
        && !prefixes.iter().any(|prefix| prefix == "autoset")
}

impl Item {
    /// Whether it is an option that needs the next word for its value, and there is none.
    pub(in crate::guard) fn lacks_value(&self, server: &Server) -> bool {
        match &self.meaning {
            Meaning::Option { name, value: None, prefixes } => {
                server.options.get(name).is_some_and(|arity| takes_next(*arity, prefixes))
            }
            _ => false,
        }
    }
}

enum Found {
    None,
    One(String, Arity),
    Many(Vec<String>),
}

fn find(written: &str, server: &Server) -> Found {
    if let Some(arity) = server.options.get(written) {
        return Found::One(written.to_owned(), *arity);
    }
    if server.flavour == Flavour::MySql {
        return Found::None;
    }
    let behind = server.options.range::<str, _>((Bound::Excluded(written), Bound::Unbounded));
    let mut found = behind.take_while(|(name, _)| name.starts_with(written));
    match (found.next(), found.next()) {
        (None, _) => Found::None,
        (Some((name, arity)), None) => Found::One(name.clone(), *arity),
        (Some((first, _)), Some((second, _))) => {
            let names = [first, second].into_iter().chain(found.map(|(name, _)| name));
            Found::Many(names.cloned().collect())
        }
    }
}

/// Letters behind `-`. A `-` among them makes what follows a long option: a reading that does not
/// know this letter leaves the rest, from there on, to the next one.
fn cluster(letters: &[u8], next: Option<&OsString>, server: &Server) -> Vec<Read> {
    let mut read = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        let rest = &letters[at + 1..];
        let known = server.letters.get(letter);
        let known = known.and_then(|name| Some((name.clone(), *server.options.get(name)?)));
        let Some((name, arity)) = known else {
            read.push(match letter {
                b'-' if rest.is_empty() => (Meaning::End, false),
                b'-' => long_option(rest, next, server),
                _ => (unknown_letter(*letter), false),
            });
            break;
        };
        let attached = (!rest.is_empty()).then(|| OsStr::from_bytes(rest).to_owned());
        let (value, takes_next) = match arity {
            Arity::None => (None, false),
            Arity::Optional => (attached, false),
            Arity::Required if attached.is_some() => (attached, false),
            Arity::Required => (next.cloned(), next.is_some()),
        };
        read.push((Meaning::Option { name, value, prefixes: Vec::new() }, takes_next));
        if arity != Arity::None {
            break;
        }
    }
    read
}

fn unknown_letter(letter: u8) -> Meaning {
    Meaning::Unknown { name: String::from_utf8_lossy(&[letter]).into_owned(), value: None }
}
