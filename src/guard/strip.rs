//! Takes out of a command line what turns the grant tables off, and closes the line against what
//! was not seen.
//!
//! Afterwards no word by itself is a spelling of the option, and no value beginning with `-` is a word
//! of its own: whichever reading of the server's sees a word, it finds nothing there. All else stays
//! as it was, bytes and order.

use super::command_line::{Item, Meaning, parse};
use super::server::Server;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What turns the grant tables on for good when it comes last.
pub const MARIADB_CLOSING: &str = "--skip-grant-tables=0";

const OPTION: &str = "skip_grant_tables";

/// Shorter abbreviations are those of other options in every reading.
const SHORTEST: &str = "skip_g";

/// A command line, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stripped {
    /// What is left, in order.
    pub kept: Vec<OsString>,
    /// What was taken out, in order.
    pub removed: Vec<OsString>,
}

/// Takes out every spelling of the option that turns the grant tables off, whether it says on or off.
///
/// An option whose value is the next word and begins with `-` is kept as one word: of a plugin's
/// option the server would otherwise take the value for an option first.
pub fn strip(items: &[Item]) -> Stripped {
    let mut stripped = Stripped::default();
    for item in items {
        if is_skip_grant_tables(&item.meaning) {
            stripped.removed.extend(item.words.iter().cloned());
        } else if let [option, value] = item.words.as_slice()
            && is_like_option(value)
        {
            stripped.kept.push(joined(option, value));
        } else {
            stripped.kept.extend(item.words.iter().cloned());
        }
    }
    stripped
}

/// Inserts the closing options where they are the last that count.
///
/// That is before the first `--`, and behind everything as well, since `--` ends the options in some
/// readings only. They are said twice where the word before them may take the first one for its value,
/// and stand before a last option that lacks its value, which the server then refuses as it should.
pub fn close(args: Vec<OsString>, closing: &[OsString], server: &Server) -> Vec<OsString> {
    let items = parse(&args, server);
    let end = items.iter().position(|item| item.meaning == Meaning::End);
    let lacking = items.last().is_some_and(|item| item.lacks_value(server));
    let last = items.len() - usize::from(lacking);
    let mut closed = Vec::with_capacity(args.len() + 4 * closing.len());
    for (at, item) in items.iter().enumerate() {
        if at == last || end == Some(at) {
            insert(&mut closed, &items[..at], closing);
        }
        closed.extend(item.words.iter().cloned());
    }
    if !lacking {
        insert(&mut closed, &items, closing);
    }
    closed
}

fn insert(closed: &mut Vec<OsString>, before: &[Item], closing: &[OsString]) {
    let times = if before.last().is_some_and(may_take_next) { 2 } else { 1 };
    for _ in 0..times {
        closed.extend(closing.iter().cloned());
    }
}

fn is_skip_grant_tables(meaning: &Meaning) -> bool {
    match meaning {
        Meaning::Option { name, .. } => name == OPTION,
        // What is ambiguous over all options may be plain to a reading that knows fewer.
        Meaning::Ambiguous { names, written } => {
            written.starts_with(SHORTEST) && names.iter().any(|name| name == OPTION)
        }
        Meaning::Unknown { .. } | Meaning::Word | Meaning::End => false,
    }
}

fn is_like_option(word: &OsStr) -> bool {
    word.as_bytes().starts_with(b"-") && word.len() > 1
}

/// `--name=value`; of a letter `-bvalue`.
fn joined(option: &OsStr, value: &OsStr) -> OsString {
    let is_long = option.as_bytes().iter().skip(1).any(|byte| *byte == b'-');
    let mut word = option.to_owned();
    word.push(if is_long { "=" } else { "" });
    word.push(value);
    word
}

/// Whether some reading may take the word behind the item for its value.
fn may_take_next(item: &Item) -> bool {
    match &item.meaning {
        Meaning::Option { .. } => item.words.get(1).is_some_and(|value| is_like_option(value)),
        Meaning::Unknown { value, .. } => value.is_none(),
        Meaning::Ambiguous { .. } => true,
        Meaning::Word | Meaning::End => false,
    }
}

#[cfg(test)]
#[path = "strip_tests.rs"]
mod tests;
