//! For the fuzzers: files of the log, and what is told of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::line::{self, Envelope, Fields, Head};
use super::verify::{Expected, Part, verify};
use super::{Report, Sealer, lines, read, scan, seal};
use crate::crypto::Key;
use serde_json::json;
use std::fs::File;
use std::io::Write;
use std::sync::OnceLock;

const TIME: &str = "2026-01-02T03:04:05Z";

/// Runs the target. After a `c`: two bytes that tell how much of the end is cut off, then changes of
/// three bytes each (where, modulo the length; what is XORed in). Else: files, zero bytes between them.
pub fn run(bytes: &[u8]) {
    match bytes {
        [b'c', low, high, changes @ ..] => {
            changed(usize::from(u16::from_le_bytes([*low, *high])), changes);
        }
        _ => any_files(bytes),
    }
}

/// What was changed or cut is told as tampering, and what was not is not.
fn changed(cut: usize, changes: &[u8]) {
    let Written { bytes: original, last, seals, lines } = written();
    let mut bytes = original.clone();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] ^= change[2];
    }
    bytes.truncate(bytes.len().saturating_sub(cut % 4));
    let report = verified(&[&bytes], Some(*last));
    if bytes == *original {
        assert_eq!((report.alarm, report.seals, report.lines), (false, *seals, *lines));
        assert!(report.findings.is_empty());
    } else if bytes == original[..original.len() - 1] {
        // The last line is whole without its newline: as after a crash.
        assert!(!report.alarm && !report.findings.is_empty());
    } else {
        assert!(report.alarm, "a changed log passes: {report:?}");
    }
}

fn any_files(bytes: &[u8]) {
    let files: Vec<&[u8]> = bytes.split(|&byte| byte == 0).take(4).collect();
    let report = verified(&files, None);
    assert_eq!(report.seals, 0, "a seal that nobody made holds");
    assert!(report.findings.len() <= 1000);
    for file in files {
        let mut rest = file;
        let mut length = 0;
        while let Some(found) = lines::next(&mut rest).unwrap() {
            assert_eq!(found.hash, line::hash(&found.bytes));
            length += found.bytes.len() + usize::from(found.ended);
            let _ = read::read(&found.bytes);
            written_again(&found.bytes);
        }
        assert_eq!(length, file.len(), "bytes that are in no line");
        scan::scan(&file_of(file), Some(7)).unwrap();
    }
}

/// What is read of a line is what is read of it when it is written again.
fn written_again(bytes: &[u8]) {
    let (Some(envelope), Some(fields)) = (line::parse(bytes), line::fields(bytes)) else { return };
    let Envelope { sequence, time, event, prev } = envelope;
    let Some(before) = sequence.checked_sub(1) else { return };
    let again = line::encode(&Head { sequence: before, hash: prev }, time, event, &fields);
    assert_eq!(line::parse(again.as_bytes()), Some(envelope), "{again}");
    assert!(line::fields(again.as_bytes()).is_some() && !again.contains('\n'));
}

fn verified(files: &[&[u8]], known: Option<Head>) -> Report {
    let part = |bytes: &&[u8]| Part {
        name: "log".into(),
        file: Some(file_of(bytes)),
        length: bytes.len() as u64,
    };
    let expected = Expected { sealer: Some(sealer().duplicate()), known, exactly: known.is_some() };
    verify(files.iter().map(part).collect(), &expected)
}

fn file_of(bytes: &[u8]) -> File {
    let memory = rustix::fs::memfd_create(c"log", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let mut file = File::from(memory);
    file.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

struct Written {
    bytes: Vec<u8>,
    last: Head,
    seals: u64,
    lines: u64,
}

fn written() -> &'static Written {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let mut log = Written { bytes: Vec::new(), last: Head::default(), seals: 0, lines: 0 };
        for number in 0..9 {
            if number % 3 == 2 {
                let fields = sealer().fields(&log.last, TIME).unwrap();
                log.append(seal::EVENT, &fields);
                log.seals += 1;
            } else {
                let fields = json!({ "path": "/a/ü\n", "number": number });
                log.append("denied", fields.as_object().unwrap());
            }
        }
        log
    })
}

impl Written {
    fn append(&mut self, event: &str, fields: &Fields) {
        let text = line::encode(&self.last, TIME, event, fields);
        self.last = Head { sequence: self.last.sequence + 1, hash: line::hash(text.as_bytes()) };
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'\n');
        self.lines += 1;
    }
}

fn sealer() -> &'static Sealer {
    static SEALER: OnceLock<Sealer> = OnceLock::new();
    SEALER.get_or_init(|| Sealer::new(Key::random().unwrap(), [2; 16]))
}
