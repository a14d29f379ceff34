//! The last part of what `--verbose --help` prints: the values that the server would run with.
//!
//! A value may hold line breaks, and what follows one then looks like an entry. Such lines cannot
//! hide an entry of the server's own, so it is enough to refuse two values of one option and whatever
//! is no entry.

use super::{Effective, Error, normal};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

const NO_VALUE: &[u8] = b"(No default value)";

impl Effective {
    /// Reads the table of values out of what `--verbose --help` printed on standard output; an error
    /// names the line or option that cannot be relied on.
    pub fn from_help(output: &[u8]) -> Result<Self, Error> {
        let lines: Vec<&[u8]> = output.split(|byte| *byte == b'\n').collect();
        let ruler = lines.iter().position(|line| is_ruler(line)).ok_or(Error::Table)?;
        let width = lines[ruler].iter().take_while(|byte| **byte == b'-').count();
        let end = end_of_table(&lines, ruler);
        let mut values = BTreeMap::new();
        for (at, line) in lines.iter().enumerate().take(end).skip(ruler + 1) {
            let (name, value) = entry(line, width).ok_or(Error::Entry { line: at + 1 })?;
            let value = (value != NO_VALUE).then(|| OsStr::from_bytes(value).to_owned());
            if values.get(&name).is_some_and(|other| *other != value) {
                return Err(Error::TwoValues { name });
            }
            values.insert(name, value);
        }
        Ok(Self::new(values))
    }
}

/// Two runs of dashes.
fn is_ruler(line: &[u8]) -> bool {
    let mut runs = line.split(|byte| *byte == b' ');
    let mut is_run =
        || runs.next().is_some_and(|run| run.len() > 3 && run.iter().all(|b| *b == b'-'));
    is_run() && is_run()
}

/// The last empty line with text behind it ends the table; an earlier one is within a value.
fn end_of_table(lines: &[&[u8]], ruler: usize) -> usize {
    let text = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |at| at + 1);
    let blank = lines[..text].iter().rposition(|line| line.is_empty());
    blank.filter(|blank| *blank > ruler).unwrap_or(text)
}

fn entry(line: &[u8], width: usize) -> Option<(String, &[u8])> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let end = line.iter().position(|byte| !is_name(byte)).unwrap_or(line.len());
    if end == 0 || !line[end..].iter().take((width + 1).saturating_sub(end)).all(|b| *b == b' ') {
        return None;
    }
    let value = line.get(end.max(width) + 1..).unwrap_or_default();
    (end < width || line.get(end).is_none_or(|b| *b == b' ')).then(|| (normal(&line[..end]), value))
}
