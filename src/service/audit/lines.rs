//! Reading a file line by line, whatever is in it: memory for one line is bounded, its hash is not cut.

use sha2::{Digest, Sha256};
use std::io::{self, BufRead};

/// The longest line that is kept in memory. Longer ones are none of ours.
const LONGEST: usize = 1 << 20;

/// One line.
pub struct Line {
    /// Its bytes without the newline; of one that is too long, the beginning.
    pub bytes: Vec<u8>,
    /// SHA-256 of all its bytes.
    pub hash: [u8; 32],
    /// Whether a newline ends it.
    pub ended: bool,
}

/// Reads the next line; none at the end.
///
/// # Errors
/// The reader's.
pub fn next(reader: &mut impl BufRead) -> io::Result<Option<Line>> {
    let (mut bytes, mut hasher, mut some) = (Vec::new(), Sha256::new(), false);
    loop {
        let buffer = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let newline = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..newline.unwrap_or(buffer.len())];
        let at_end = buffer.is_empty();
        hasher.update(part);
        bytes.extend_from_slice(&part[..part.len().min(LONGEST.saturating_sub(bytes.len()))]);
        let used = part.len() + usize::from(newline.is_some());
        reader.consume(used);
        some |= used > 0;
        if newline.is_some() || at_end {
            let line = Line { bytes, hash: hasher.finalize().into(), ended: newline.is_some() };
            return Ok(some.then_some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::hash;
    use super::*;
    use std::io::BufReader;

    #[test]
    fn lines_come_with_their_hashes_and_whether_they_ended() {
        let long = "x".repeat(LONGEST + 5);
        let text = format!("a\n\n{long}\nrest");
        let mut reader = BufReader::with_capacity(7, text.as_bytes());
        let mut found = Vec::new();
        while let Some(line) = next(&mut reader).unwrap() {
            found.push((line.bytes.len(), line.hash, line.ended));
        }
        let expected = [
            (1, hash(b"a"), true),
            (0, hash(b""), true),
            (LONGEST, hash(long.as_bytes()), true),
            (4, hash(b"rest"), false),
        ];
        assert_eq!(found, expected);
    }
}
