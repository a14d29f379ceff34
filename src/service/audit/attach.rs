//! Finding out where the chain goes on: at the start, and whenever the file is not as it was left.

use super::line::Head;
use super::rotate;
use super::scan::{FirstLine, Scan, scan};
use super::writer::{News, OpenFile, Writer};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

impl Writer {
    /// Notices when the file is not the one, or not as long, as it was left.
    pub(super) fn look(&mut self) {
        let Some(open) = &self.file else { return };
        match fs::symlink_metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == open.identity => {
                if found.len() != open.size {
                    // Somebody else wrote or cut: what is there now is read anew.
                    self.detach();
                }
            }
            _ => {
                self.to_sync.push(open.file.clone());
                self.file = None;
                self.announce("log_replaced");
            }
        }
    }

    /// Has the next line be the first of a file.
    pub(super) fn announce(&mut self, event: &'static str) {
        if !matches!(self.news.front(), Some(News::NewFile(_))) {
            self.news.push_front(News::NewFile(event));
        }
    }

    pub(super) fn detach(&mut self) {
        (self.attached, self.file) = (false, None);
    }

    /// Finds out where the chain goes on.
    pub(super) fn attach(&mut self) -> bool {
        self.attached = self.try_attach().is_ok();
        self.attached
    }

    fn try_attach(&mut self) -> io::Result<()> {
        let opened = match open(&self.path) {
            Err(error) => match fs::symlink_metadata(&self.path) {
                Ok(other) if !other.is_file() => {
                    self.announce("log_replaced");
                    None
                }
                Ok(_) => return Err(error),
                Err(_) => None,
            },
            Ok(file) => Some(file),
        };
        let asked = self.known.map(|known| known.sequence);
        let scanned = opened.as_ref().map(|file| scan(file, asked)).transpose()?;
        let scanned = scanned.unwrap_or_default();
        self.place(&scanned)?;
        self.take_note(&scanned);
        self.file = opened.map(|file| opened_file(file, scanned.open_end)).transpose()?;
        self.partial = false;
        Ok(())
    }

    /// Takes over which line is the newest, and which files there are.
    fn place(&mut self, scanned: &Scan) -> io::Result<()> {
        let (mut newest, mut first) = (scanned.last, scanned.first.clone());
        if newest.is_none()
            && let Ok(file) = open(&rotate::former(&self.path, 1))
        {
            // Between two files when the machine stopped, or somebody took the newest one away.
            let former = scan(&file, None)?;
            (newest, first) = (former.last, former.first);
            self.announce("rotated");
        }
        let newest = newest.unwrap_or_default();
        if !self.ours {
            self.head = newest;
            if let Some(FirstLine { starts, dropped_through }) = first {
                (self.starts, self.dropped_through) = (starts, dropped_through);
            }
        }
        self.compare(&newest, scanned.asked);
        if self.starts.is_empty() {
            self.starts = vec![self.head.sequence.saturating_add(1)];
        }
        Ok(())
    }

    /// Compares with the head that is known. A chain that is cut goes on behind what was known to be
    /// there, so that no number is given twice and the gap stays to be seen.
    fn compare(&mut self, newest: &Head, asked: Option<[u8; 32]>) {
        let Some(known) = self.known else { return };
        let found = newest.sequence;
        let is_there = *newest == known
            || asked == Some(known.hash)
            || asked.is_none()
                && (known.sequence <= self.dropped_through
                    || found > known.sequence && is_in_a_former(&self.path, &known));
        // What we did not write is not gone on with either.
        let is_whole = is_there && (found == known.sequence || !self.ours);
        let told = |news: &News| matches!(news, News::Cut { known: told, .. } if *told == known);
        if !is_whole && !self.news.iter().any(told) {
            self.news.push_back(News::Cut { known, found });
        }
        if !is_whole && found <= known.sequence {
            self.head = known;
        }
    }

    /// What the next line says of those before it. What appears under a running service is no trace of
    /// a crash, and is left for `verify` to be found.
    fn take_note(&mut self, scanned: &Scan) {
        self.found.clear();
        if scanned.torn.lines > 0 && (self.partial || !self.ours) {
            self.found.insert("torn_before".into(), true.into());
            self.found.insert("torn_lines".into(), scanned.torn.lines.into());
            let hash = super::super::hex(&scanned.torn.hash());
            self.found.insert("torn_sha256".into(), hash.into());
        }
        if scanned.unsealed > 0 && !self.ours {
            self.found.insert("unsealed_before".into(), scanned.unsealed.into());
        }
    }

    /// Begins a file.
    pub(super) fn begin(&mut self) -> bool {
        let made = match create(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                put_aside(&self.path).and_then(|()| create(&self.path))
            }
            other => other,
        };
        self.file = made.and_then(|file| opened_file(file, false)).ok();
        self.file.is_some()
    }
}

fn opened_file(file: File, open_end: bool) -> io::Result<OpenFile> {
    let metadata = file.metadata()?;
    let identity = (metadata.dev(), metadata.ino());
    Ok(OpenFile { file: Arc::new(file), identity, size: metadata.len(), open_end })
}

/// Opens a file of the log for reading and appending: no symlink, no FIFO.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = options.append(true).read(true).custom_flags(flags).open(path)?;
    let regular = file.metadata()?.is_file();
    regular.then_some(file).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).read(true).create_new(true).mode(0o600);
    options.custom_flags(libc::O_CLOEXEC).open(path)
}

/// Moves away what is not ours, for whoever wants to look at it.
fn put_aside(path: &Path) -> io::Result<()> {
    let there = fs::symlink_metadata(path)?;
    if there.is_file() && there.len() == 0 {
        return fs::remove_file(path);
    }
    fs::rename(path, rotate::aside(path))
}

fn is_in_a_former(path: &Path, known: &Head) -> bool {
    (1..=rotate::KEPT).any(|number| {
        let scanned =
            open(&rotate::former(path, number)).and_then(|file| scan(&file, Some(known.sequence)));
        scanned.is_ok_and(|scan| scan.asked == Some(known.hash))
    })
}
