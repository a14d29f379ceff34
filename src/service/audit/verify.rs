//! Compares the files with what must be in them, and says what differs.
//!
//! Any bytes may be in the files. What is told and what cannot be told stands in `docs/audit.md`.

use super::finding::{Finding, Report, What};
use super::line::{self, Envelope, Head};
use super::scan::{Torn, dropped_through};
use super::{Sealer, lines, seal};
use std::fs::File;
use std::io::{BufReader, Read};

/// Findings that are listed at most; more are counted.
const MAX_FINDINGS: usize = 1000;

/// One file, as long as it was when verifying began.
pub struct Part {
    /// Its name, for the report.
    pub name: String,
    /// The file; none when it cannot be opened.
    pub file: Option<File>,
    /// How much of it is looked at.
    pub length: u64,
}

/// What the files must hold.
pub struct Expected {
    /// Checks the seals; without one they are only counted.
    pub sealer: Option<Sealer>,
    /// A line that must be there.
    pub known: Option<Head>,
    /// Whether that line is the last one: known by who wrote it.
    pub exactly: bool,
}

/// Reads all parts, the oldest first.
pub fn verify(parts: Vec<Part>, expected: &Expected) -> Report {
    let mut check = Check {
        report: Report::default(),
        expected,
        last: None,
        torn: Torn::default(),
        torn_lines: Vec::new(),
        first_at: None,
        file: String::new(),
        line: 0,
        known_seen: false,
        sealed_by: 0,
    };
    for Part { name, file, length } in parts {
        (check.file, check.line) = (name, 0);
        match file {
            Some(file) => check.file(file, length),
            None => check.find(None, What::Unreadable),
        }
    }
    check.finish()
}

struct Check<'a> {
    report: Report,
    expected: &'a Expected,
    last: Option<Head>,
    /// What is not a line, since the last one; the next one may tell of it.
    torn: Torn,
    torn_lines: Vec<(String, u64)>,
    /// Where the first line is.
    first_at: Option<(String, u64)>,
    file: String,
    line: u64,
    known_seen: bool,
    /// Which of the keys made the last seal: no earlier one makes another.
    sealed_by: usize,
}

impl Check<'_> {
    fn file(&mut self, file: File, length: u64) {
        self.report.files += 1;
        let mut reader = BufReader::with_capacity(1 << 16, file.take(length));
        loop {
            self.line += 1;
            match lines::next(&mut reader) {
                Ok(None) => return,
                Err(_) => return self.find(None, What::Unreadable),
                Ok(Some(found)) => self.line(&found),
            }
        }
    }

    fn line(&mut self, found: &lines::Line) {
        let Some(envelope) = line::parse(&found.bytes) else {
            self.torn.add(&found.hash);
            if self.torn_lines.len() < MAX_FINDINGS {
                self.torn_lines.push((self.file.clone(), self.line));
            }
            return;
        };
        let sequence = envelope.sequence;
        let head = Head { sequence, hash: found.hash };
        self.report.lines += 1;
        self.report.unsealed += 1;
        self.told(&found.bytes, &envelope);
        self.follows(&envelope);
        self.known(&head);
        if envelope.event == seal::EVENT {
            let sealer = self.expected.sealer.as_ref();
            match sealer.map(|sealer| sealer.holds(&found.bytes, &envelope, self.sealed_by)) {
                Some(None) => self.find(Some(sequence), What::SealBroken),
                held => {
                    self.sealed_by = held.flatten().unwrap_or(self.sealed_by);
                    (self.report.seals, self.report.unsealed) = (self.report.seals + 1, 0);
                }
            }
        }
        if !found.ended {
            self.find(Some(sequence), What::TornEnd);
        }
        self.last = Some(head);
    }

    /// What the line says of those before it.
    fn told(&mut self, bytes: &[u8], envelope: &Envelope<'_>) {
        let interesting = bytes.windows(7).any(|part| part == b"_before")
            || matches!(envelope.event, "rotated" | "log_replaced" | "log_cut");
        let fields = if interesting { line::fields(bytes) } else { None }.unwrap_or_default();
        let number = |name: &str| fields.get(name).and_then(|value| value.as_u64()).unwrap_or(0);
        let sequence = Some(envelope.sequence);
        self.settle_torn(&fields, sequence);
        if number("unsealed_before") > 0 {
            self.find(sequence, What::FoundUnsealed { lines: number("unsealed_before") });
        }
        if number("lines_lost_before") > 0 {
            self.find(sequence, What::Lost { lines: number("lines_lost_before") });
        }
        match envelope.event {
            "log_cut" => {
                let (known, found) = (number("known_through"), number("found_through"));
                self.find(sequence, What::ToldCut { known, found });
            }
            "log_replaced" => self.find(sequence, What::ToldReplaced),
            _ => {}
        }
        if matches!(envelope.event, "rotated" | "log_replaced") {
            let dropped = dropped_through(&fields).unwrap_or(0);
            self.report.dropped_through = self.report.dropped_through.max(dropped);
        }
    }

    /// Whether the line tells of exactly the bytes before it that are no lines.
    fn settle_torn(&mut self, fields: &line::Fields, sequence: Option<u64>) {
        let text = |name: &str| fields.get(name).and_then(|value| value.as_str());
        let torn = std::mem::take(&mut self.torn);
        let places = std::mem::take(&mut self.torn_lines);
        let told = text("torn_sha256").and_then(line::digest);
        match told {
            Some(hash) if hash == torn.hash() && torn.lines > 0 => {
                self.find(sequence, What::Torn { lines: torn.lines });
            }
            // What it tells of was taken away, or changed.
            Some(_) if torn.lines == 0 => self.find(sequence, What::Changed),
            _ => self.foreign(places),
        }
    }

    fn foreign(&mut self, places: Vec<(String, u64)>) {
        for (file, line) in places {
            self.add(Finding { file, line, sequence: None, what: What::Foreign });
        }
    }

    /// Number and hash must follow those of the line before.
    fn follows(&mut self, envelope: &Envelope<'_>) {
        let sequence = envelope.sequence;
        let Some(last) = self.last else {
            self.report.first = sequence;
            self.first_at = Some((self.file.clone(), self.line));
            if sequence == 1 && envelope.prev != Head::default().hash {
                self.find(Some(sequence), What::Changed);
            }
            return;
        };
        let next = last.sequence.saturating_add(1);
        if sequence > next {
            self.find(Some(sequence), What::Missing { from: next, to: sequence - 1 });
        } else if sequence < next {
            self.find(Some(sequence), What::OutOfOrder { after: last.sequence });
        } else if envelope.prev != last.hash {
            self.find(Some(sequence), What::Changed);
        }
    }

    fn known(&mut self, head: &Head) {
        let Some(known) = self.expected.known else { return };
        if head.sequence == known.sequence {
            self.known_seen = true;
            if head.hash != known.hash {
                self.find(Some(head.sequence), What::NotAsKnown);
            }
        } else if self.expected.exactly && head.sequence > known.sequence {
            self.find(Some(head.sequence), What::Beyond { last: known.sequence });
        }
    }

    fn finish(mut self) -> Report {
        let places = std::mem::take(&mut self.torn_lines);
        match places.as_slice() {
            [(file, line)] if !self.expected.exactly => {
                let (file, line) = (file.clone(), *line);
                self.add(Finding { file, line, sequence: None, what: What::TornEnd });
            }
            _ => self.foreign(places),
        }
        let last = self.last.map_or(0, |last| last.sequence);
        self.report.last = last;
        let known = self.expected.known.map_or(0, |known| known.sequence);
        if last < known {
            self.find(None, What::CutAtEnd { from: last + 1, to: known });
        } else if known > self.report.dropped_through && !self.known_seen && last > known {
            self.find(None, What::Missing { from: known, to: known });
        }
        let begins = self.report.dropped_through.saturating_add(1);
        if let Some((file, line)) = self.first_at.take().filter(|_| self.report.first > begins) {
            let what = What::CutAtFront { from: begins, to: self.report.first - 1 };
            self.add(Finding { file, line, sequence: Some(self.report.first), what });
        }
        self.report
    }

    fn find(&mut self, sequence: Option<u64>, what: What) {
        let (file, line) = (self.file.clone(), self.line);
        self.add(Finding { file, line, sequence, what });
    }

    fn add(&mut self, finding: Finding) {
        self.report.alarm |= finding.what.is_alarm();
        if self.report.findings.len() < MAX_FINDINGS {
            self.report.findings.push(finding);
        } else {
            self.report.more += 1;
        }
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
