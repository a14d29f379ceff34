//! Where a file of the log ends: what is needed to go on with it, or to compare it with what is known.

use super::line::{self, Head};
use super::{lines, seal};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader};

/// What was found in one file.
#[derive(Default)]
pub struct Scan {
    /// The first line, when it has the form of one.
    pub first: Option<FirstLine>,
    /// The last line that has the form of one.
    pub last: Option<Head>,
    /// Lines after the last seal.
    pub unsealed: u64,
    /// What follows the last line.
    pub torn: Torn,
    /// Whether the file ends within a line.
    pub open_end: bool,
    /// The hash of the line that was asked for.
    pub asked: Option<[u8; 32]>,
}

/// What the first line of a file says of the files before it.
#[derive(Clone)]
pub struct FirstLine {
    /// The first numbers of the files, the newest first.
    pub starts: Vec<u64>,
    /// The last number that rotation has removed.
    pub dropped_through: u64,
}

/// Bytes that are no line: what a crash or a full disk left of one.
#[derive(Default, Clone)]
pub struct Torn {
    /// In how many lines.
    pub lines: u64,
    hasher: Sha256,
}

impl Torn {
    /// Adds one line.
    pub fn add(&mut self, hash: &[u8; 32]) {
        self.lines += 1;
        self.hasher.update(hash);
    }

    /// SHA-256 over the SHA-256 of each line.
    pub fn hash(&self) -> [u8; 32] {
        self.hasher.clone().finalize().into()
    }
}

/// Reads a file from its beginning; `asked` is the number of a line whose hash is wanted.
///
/// # Errors
/// The kernel's.
pub fn scan(file: &File, asked: Option<u64>) -> io::Result<Scan> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut scan = Scan::default();
    while let Some(found) = lines::next(&mut reader)? {
        scan.open_end = !found.ended;
        let Some(envelope) = line::parse(&found.bytes) else {
            scan.torn.add(&found.hash);
            continue;
        };
        if scan.last.is_none() {
            scan.first = Some(first_line(&found.bytes, envelope.sequence));
        }
        scan.torn = Torn::default();
        scan.last = Some(Head { sequence: envelope.sequence, hash: found.hash });
        scan.unsealed = if envelope.event == seal::EVENT { 0 } else { scan.unsealed + 1 };
        if asked == Some(envelope.sequence) {
            scan.asked = Some(found.hash);
        }
    }
    Ok(scan)
}

fn first_line(bytes: &[u8], sequence: u64) -> FirstLine {
    let fields = line::fields(bytes).unwrap_or_default();
    let dropped_through = dropped_through(&fields).unwrap_or(0);
    let starts = fields.get("starts").and_then(|list| list.as_array());
    let starts = starts.map(|list| list.iter().filter_map(|start| start.as_u64()).collect());
    let known = starts.filter(|starts: &Vec<u64>| starts.first() == Some(&sequence));
    FirstLine { starts: known.unwrap_or_else(|| vec![sequence]), dropped_through }
}

/// What a line says of the lines that rotation has removed.
pub fn dropped_through(fields: &line::Fields) -> Option<u64> {
    fields.get("dropped_through")?.as_u64()
}
