//! Undoes what web pages and word processors do to commands: dashes that became en dashes, quotes
//! that became curly, and a rule that the shell then took apart.
//!
//! Works on the raw arguments, before anything is parsed, and keeps every byte that it has no reason
//! to change. After a `--` it changes nothing; a real file whose name begins with an en dash or a
//! curly quote is reached as `./–x`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What people's tools put where a hyphen was typed.
const DASHES: [char; 10] = [
    '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2212}', '\u{fe58}',
    '\u{fe63}', '\u{ff0d}',
];
/// Dashes that stand for one hyphen even when nothing follows.
const SINGLE_DASHES: [char; 4] = ['\u{2010}', '\u{2011}', '\u{2212}', '\u{fe63}'];
/// Curly quotes by family. Either of a family opens or closes, as some tools use one for both.
const QUOTES: [&[char]; 2] = [
    &['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}'],
    &['\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'],
];

/// Mends all arguments but the first, the program's name.
///
/// `names` lists the working directory; it is called only where the shell may have put that list in
/// the place of a rule's `*`.
pub fn mend(args: Vec<OsString>, names: &dyn Fn() -> Vec<OsString>) -> Vec<OsString> {
    let mut mended = Vec::with_capacity(args.len());
    let mut args = args.into_iter();
    mended.extend(args.next());
    let mut rest: Vec<OsString> = args.collect();
    while !rest.is_empty() {
        if rest[0] == "--" {
            break;
        }
        if let Some((argument, used)) = unquoted(&rest, names) {
            mended.push(argument);
            rest.drain(..used);
            continue;
        }
        let argument = with_hyphens(&rest.remove(0));
        let ends = argument == "--";
        mended.push(argument);
        if ends {
            break;
        }
    }
    mended.extend(rest);
    mended
}

/// One rule out of words that the shell separated. Where it also put the names of the working
/// directory in the place of a bare `*`, the `*` is put back.
pub fn joined_rule(words: &[OsString], names: &dyn Fn() -> Vec<OsString>) -> OsString {
    let mut words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
    if is_rule(&words) {
        let mut names = names();
        names.sort();
        let after = 2 + names.len();
        // At least the process has to follow.
        if !names.is_empty() && words.len() > after {
            let mut found = words[2..after].to_vec();
            found.sort();
            if found == names {
                words.splice(2..after, [OsStr::new("*")]);
            }
        }
    }
    words.join(OsStr::new(" "))
}

/// The names in the working directory that a shell's `*` stands for; none when it cannot be read.
pub fn names_here() -> Vec<OsString> {
    let entries = std::fs::read_dir(".").into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).filter(|n| !n.as_bytes().starts_with(b".")).collect()
}

fn is_rule(words: &[&OsStr]) -> bool {
    words.len() > 2
        && (words[0].eq_ignore_ascii_case("ALLOW") || words[0].eq_ignore_ascii_case("DENY"))
        && words[1].as_bytes().starts_with(b"@")
}

/// The argument without its curly quotes and how many words it was split into, when the first of
/// `words` opens such quotes and one of them closes them.
fn unquoted(words: &[OsString], names: &dyn Fn() -> Vec<OsString>) -> Option<(OsString, usize)> {
    let first = words[0].as_bytes();
    let (family, opened) = QUOTES.iter().find_map(|family| {
        family.iter().find_map(|quote| Some((*family, strip_start(first, *quote)?)))
    })?;
    if let Some(inner) = strip_end(opened, family) {
        return Some((OsStr::from_bytes(inner).to_owned(), 1));
    }
    let last = 1 + words[1..]
        .iter()
        .take_while(|word| *word != "--")
        .position(|word| strip_end(word.as_bytes(), family).is_some())?;
    let closed = strip_end(words[last].as_bytes(), family)?;
    let mut inner = vec![OsStr::from_bytes(opened).to_owned()];
    inner.extend_from_slice(&words[1..last]);
    inner.push(OsStr::from_bytes(closed).to_owned());
    Some((joined_rule(&inner, names), last + 1))
}

/// The argument with plain hyphens, where it begins with something that was meant as one.
fn with_hyphens(argument: &OsStr) -> OsString {
    let mut rest = argument.as_bytes();
    let (mut hyphens, mut odd) = (0_usize, None);
    while let Some((after, dash)) = strip_dash(rest) {
        rest = after;
        hyphens += 1;
        odd = odd.or(dash);
    }
    let end = rest.iter().position(|byte| *byte == b'=').unwrap_or(rest.len());
    let (name, value) = rest.split_at(end);
    let is_name = name.first().is_none_or(u8::is_ascii_alphabetic);
    let count = match (odd, hyphens) {
        (_, 0) => return argument.to_owned(),
        (Some(_), _) if !is_name => return argument.to_owned(),
        (None, _) => hyphens,
        (Some(_), 2..) => 2,
        (Some(dash), 1) if name.is_empty() => 2 - usize::from(SINGLE_DASHES.contains(&dash)),
        (Some(_), 1) => 1 + usize::from(name.len() > 1),
    };
    let mut mended = vec![b'-'; count];
    mended.extend(inner_hyphens(name));
    mended.extend_from_slice(value);
    OsString::from_vec(mended)
}

/// Plain hyphens inside an option's name.
fn inner_hyphens(name: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(name) {
        Ok(name) => name.replace(DASHES, "-").into_bytes(),
        Err(_) => name.to_vec(),
    }
}

fn strip_dash(bytes: &[u8]) -> Option<(&[u8], Option<char>)> {
    if let Some(rest) = bytes.strip_prefix(b"-") {
        return Some((rest, None));
    }
    DASHES.iter().find_map(|dash| Some((strip_start(bytes, *dash)?, Some(*dash))))
}

fn strip_start(bytes: &[u8], first: char) -> Option<&[u8]> {
    bytes.strip_prefix(first.encode_utf8(&mut [0; 4]).as_bytes())
}

fn strip_end<'a>(bytes: &'a [u8], family: &[char]) -> Option<&'a [u8]> {
    family.iter().find_map(|quote| bytes.strip_suffix(quote.encode_utf8(&mut [0; 4]).as_bytes()))
}

#[cfg(test)]
#[path = "typography_tests.rs"]
mod tests;
