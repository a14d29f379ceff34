//! The chain as it is written: which file, which number, which hash comes next.
//!
//! What cannot be written leaves no part of a line behind, is counted, and is told by the next line that
//! can be written. Before every line the file is looked at: somebody may have taken it away, put another
//! one in its place, or changed its length.

use super::line::{self, Fields, Head};
use super::seal::{self, Sealer};
use super::syslog::Syslog;
use super::verify::{Expected, Part};
use super::{Settings, attach, rotate};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A seal follows after so many lines.
pub const SEAL_LINES: u64 = 256;

/// How much is written on before a rotation that failed is tried again.
const ROTATE_AGAIN: u64 = 1 << 20;

/// See the module.
pub struct Writer {
    pub(super) path: PathBuf,
    rotate_at: u64,
    /// Raised when a rotation fails.
    rotate_next: u64,
    seal_after: Duration,
    sealer: Option<Sealer>,
    syslog: Syslog,
    /// Whether it is known where the chain goes on.
    pub(super) attached: bool,
    /// Whether this process has written a line.
    pub(super) ours: bool,
    /// A part of a line could not be taken back.
    pub(super) partial: bool,
    pub(super) file: Option<OpenFile>,
    pub(super) head: Head,
    /// What the chain must hold, as far as is known: the kept head, or our own.
    pub(super) known: Option<Head>,
    /// The first numbers of the files, the newest first.
    pub(super) starts: Vec<u64>,
    pub(super) dropped_through: u64,
    unsealed: u64,
    unsealed_since: Option<Instant>,
    lost: u64,
    /// Lines that come before the next one.
    pub(super) news: VecDeque<News>,
    /// Fields of the next line: what was found before it.
    pub(super) found: Fields,
    pub(super) to_sync: Vec<Arc<File>>,
}

/// The file that lines go to.
pub(super) struct OpenFile {
    pub(super) file: Arc<File>,
    /// Device and inode.
    pub(super) identity: (u64, u64),
    pub(super) size: u64,
    /// It ends within a line, which is to be ended first.
    pub(super) open_end: bool,
}

/// What is told before the next line.
pub(super) enum News {
    /// The first line of a file, with this event.
    NewFile(&'static str),
    /// What is known of the chain is not there.
    Cut { known: Head, found: u64 },
}

/// What is to be synced, and the head that is durable then.
pub struct Unsynced {
    /// Files that were written.
    pub files: Vec<Arc<File>>,
    /// The newest line; none when that is not known.
    pub head: Option<Head>,
}

impl Writer {
    /// Looks at what there is, and goes on with it.
    pub fn new(settings: Settings) -> Self {
        let Settings { path, syslog, sealer, kept, rotate_at, seal_after } = settings;
        let mut writer = Self {
            path,
            rotate_at,
            rotate_next: rotate_at,
            seal_after,
            sealer: Some(sealer),
            syslog: Syslog::new(&syslog),
            attached: false,
            ours: false,
            partial: false,
            file: None,
            head: Head::default(),
            known: kept,
            starts: Vec::new(),
            dropped_through: 0,
            unsealed: 0,
            unsealed_since: None,
            lost: 0,
            news: VecDeque::new(),
            found: Fields::new(),
            to_sync: Vec::new(),
        };
        writer.attach();
        writer
    }

    /// Writes one line, or counts it as lost.
    pub fn write(&mut self, event: &str, mut fields: Fields) {
        if !self.advance() {
            self.lost += 1;
            return;
        }
        self.add_found(&mut fields);
        if !self.put(&now(), event, &fields) {
            self.lost += 1;
            return;
        }
        self.forget_found();
        if self.unsealed >= SEAL_LINES {
            self.seal();
        }
    }

    /// Seals when lines have waited long enough.
    pub fn seal_when_due(&mut self, now: Instant) {
        let waited = |since| now.saturating_duration_since(since);
        let due = self.unsealed_since.is_some_and(|since| waited(since) >= self.seal_after);
        if due && self.advance() {
            self.seal();
        }
    }

    /// Seals with the key so far, writes a line that tells of the new one, and seals with that.
    pub fn rekey(&mut self, sealer: Sealer, event: &str, fields: Fields) {
        if self.sealer.is_none() {
            return self.write(event, fields);
        }
        if self.unsealed > 0 && self.advance() {
            self.seal();
        }
        self.sealer = Some(sealer);
        self.write(event, fields);
        self.seal();
    }

    /// Seals what is not sealed, and forgets the key.
    pub fn finish(&mut self) {
        if self.unsealed > 0 && self.advance() {
            self.seal();
        }
        self.sealer = None;
    }

    /// What was written and is not synced.
    pub fn take_unsynced(&mut self) -> Unsynced {
        let mut files = std::mem::take(&mut self.to_sync);
        files.extend(self.file.as_ref().map(|open| open.file.clone()));
        Unsynced { files, head: self.head() }
    }

    /// What seals wait to be synced.
    pub fn take_seals(&mut self) -> Vec<Arc<File>> {
        std::mem::take(&mut self.to_sync)
    }

    /// The newest line, when that is known, and what was known before is told.
    pub fn head(&self) -> Option<Head> {
        let told = !self.news.iter().any(|news| matches!(news, News::Cut { .. }));
        (self.attached && told && self.head.sequence > 0).then_some(self.head)
    }

    /// The files as they are now.
    pub fn parts(&self) -> Vec<Part> {
        let part = |path: PathBuf| {
            let file = attach::open(&path).ok();
            let length = file.as_ref().and_then(|file| Some(file.metadata().ok()?.len()));
            let name = path.to_string_lossy().into_owned();
            Part { name, file, length: length.unwrap_or(0) }
        };
        rotate::existing(&self.path).into_iter().map(part).collect()
    }

    /// What they must hold.
    pub fn expected(&self) -> Expected {
        let sealer = self.sealer.as_ref().map(Sealer::duplicate);
        Expected { sealer, known: self.known, exactly: self.ours }
    }

    /// Lines that could not be written since the last one that was.
    #[cfg(test)]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Makes ready for one more line: the right file, and what must be told before.
    fn advance(&mut self) -> bool {
        self.look();
        if !self.attached && !self.attach() {
            return false;
        }
        if self.file.as_ref().is_some_and(|open| open.size >= self.rotate_next) {
            self.rotate();
        }
        if self.file.is_none() && !self.begin() {
            return false;
        }
        while let Some(news) = self.news.front() {
            let (event, mut fields, starts, dropped) = self.told(news);
            self.add_found(&mut fields);
            if !self.put(&now(), event, &fields) {
                return false;
            }
            self.forget_found();
            (self.starts, self.dropped_through) = (starts, dropped);
            self.news.pop_front();
        }
        true
    }

    /// The line for a piece of news, and the files and lines that are there once it is written.
    fn told(&self, news: &News) -> (&'static str, Fields, Vec<u64>, u64) {
        let (mut starts, mut dropped) = (self.starts.clone(), self.dropped_through);
        let mut fields = Fields::new();
        let event = match news {
            News::NewFile(event) => {
                if *event == "log_replaced" && !starts.is_empty() {
                    starts.remove(0);
                }
                starts.insert(0, self.head.sequence.saturating_add(1));
                if starts.len() > rotate::KEPT + 1 {
                    starts.truncate(rotate::KEPT + 1);
                    dropped = starts.last().map_or(dropped, |first| first.saturating_sub(1));
                }
                fields.insert("dropped_through".into(), dropped.into());
                fields.insert("starts".into(), starts.clone().into());
                event
            }
            News::Cut { known, found } => {
                fields.insert("known_through".into(), known.sequence.into());
                fields.insert("known_hash".into(), super::super::hex(&known.hash).into());
                fields.insert("found_through".into(), (*found).into());
                "log_cut"
            }
        };
        (event, fields, starts, dropped)
    }

    fn add_found(&self, fields: &mut Fields) {
        fields.extend(self.found.clone());
        if self.lost > 0 {
            fields.insert("lines_lost_before".into(), self.lost.into());
        }
    }

    fn forget_found(&mut self) {
        self.found.clear();
        self.lost = 0;
    }

    fn rotate(&mut self) {
        self.seal();
        let Some(open) = &self.file else { return };
        self.to_sync.push(open.file.clone());
        if rotate::shift(&self.path).is_ok() {
            self.file = None;
            self.rotate_next = self.rotate_at;
            self.announce("rotated");
        } else {
            self.rotate_next = open.size.saturating_add(ROTATE_AGAIN);
        }
    }

    fn seal(&mut self) {
        let time = now();
        let fields = self.sealer.as_ref().and_then(|sealer| sealer.fields(&self.head, &time));
        // What was found is told by a line of its own first.
        let may = self.unsealed > 0 && self.found.is_empty();
        let Some(fields) = fields.filter(|_| may) else { return };
        if self.put(&time, seal::EVENT, &fields) {
            (self.unsealed, self.unsealed_since) = (0, None);
            self.to_sync.extend(self.file.as_ref().map(|open| open.file.clone()));
        }
    }

    /// Appends one line whole, or nothing.
    fn put(&mut self, time: &str, event: &str, fields: &Fields) -> bool {
        let Some(open) = &mut self.file else { return false };
        let line = line::encode(&self.head, time, event, fields);
        let mut bytes = Vec::with_capacity(line.len() + 2);
        bytes.extend(open.open_end.then_some(b'\n'));
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        if (&*open.file).write_all(&bytes).is_err() {
            if open.file.set_len(open.size).is_err() {
                self.partial = true;
                self.detach();
            }
            return false;
        }
        open.size += bytes.len() as u64;
        open.open_end = false;
        let sequence = self.head.sequence.saturating_add(1);
        self.head = Head { sequence, hash: line::hash(line.as_bytes()) };
        (self.known, self.ours) = (Some(self.head), true);
        self.unsealed += 1;
        self.unsealed_since.get_or_insert_with(Instant::now);
        self.syslog.send(event, &line);
        true
    }
}

fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}
