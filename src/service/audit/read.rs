//! Reading the log: all files, the oldest first, and what comes while somebody looks on.

use super::line::{self, Fields};
use super::{lines, rotate};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Gives the lines one by one.
pub struct Reader {
    path: PathBuf,
    /// Files that are not at their end, the oldest first. The last one is read on and on.
    sources: VecDeque<Source>,
}

struct Source {
    reader: BufReader<File>,
    /// Device and inode.
    identity: (u64, u64),
    /// Where the line begins that is read next.
    offset: u64,
    /// Nothing is written to it any more.
    closed: bool,
}

/// A line as it was read.
pub enum Read {
    /// A line of the log: its fields, and the text.
    Line(Fields, String),
    /// Something else, invalid bytes replaced.
    Foreign(String),
}

impl Reader {
    /// Begins with the oldest file.
    ///
    /// # Errors
    /// The kernel's, for a file that is there and cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let paths = rotate::existing(path);
        let sources = paths.iter().map(|path| Source::open(path)).collect::<io::Result<_>>()?;
        Ok(Self { path: path.into(), sources })
    }

    /// The next line that is there; none when there is none now. With `all`, also one that is not
    /// ended.
    ///
    /// # Errors
    /// The kernel's.
    pub fn next(&mut self, all: bool) -> io::Result<Option<Read>> {
        loop {
            let is_newest = self.sources.len() <= 1;
            let Some(source) = self.sources.front_mut() else {
                match Source::open(&self.path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    opened => self.sources.push_back(opened?),
                }
                continue;
            };
            let closed = source.closed || !is_newest;
            if let Some(bytes) = source.line(closed || all)? {
                return Ok(Some(read(&bytes)));
            }
            if !is_newest {
                self.sources.pop_front();
            } else if closed {
                let identity = source.identity;
                self.sources = self.after(identity)?;
                if self.sources.is_empty() {
                    return Ok(None);
                }
            } else if source.is_at(&self.path) {
                return Ok(None);
            } else {
                // Read once more: something may have been written before it was put aside.
                source.closed = true;
            }
        }
    }

    /// The files after this one; the newest when it is not there any more.
    fn after(&self, identity: (u64, u64)) -> io::Result<VecDeque<Source>> {
        let paths = rotate::existing(&self.path);
        let is_it = |path: &PathBuf| identity_of(path).is_ok_and(|found| found == identity);
        let next = match paths.iter().position(is_it) {
            Some(at) => &paths[at + 1..],
            None => paths.split_at(paths.len().saturating_sub(1)).1,
        };
        next.iter().map(|path| Source::open(path)).collect()
    }
}

impl Source {
    fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
        let file = options.read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        Ok(Self { reader: BufReader::new(file), identity, offset: 0, closed: false })
    }

    fn is_at(&self, path: &Path) -> bool {
        // Taken away and not made anew yet: nothing else to read.
        identity_of(path).map_or(true, |identity| identity == self.identity)
    }

    /// The next line; what is not ended is read again later, as it may be taken back.
    fn line(&mut self, unended: bool) -> io::Result<Option<Vec<u8>>> {
        match lines::next(&mut self.reader)? {
            Some(line) if line.ended || unended => {
                self.offset = self.reader.stream_position()?;
                Ok(Some(line.bytes))
            }
            _ => {
                self.offset = self.offset.min(self.reader.get_ref().metadata()?.len());
                self.reader.seek(SeekFrom::Start(self.offset))?;
                Ok(None)
            }
        }
    }
}

fn identity_of(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

pub(super) fn read(bytes: &[u8]) -> Read {
    let text = String::from_utf8_lossy(bytes).into_owned();
    match line::fields(bytes) {
        Some(fields) if line::parse(bytes).is_some() => Read::Line(fields, text),
        _ => Read::Foreign(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn told(reader: &mut Reader) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(Read::Foreign(text)) = reader.next(false).unwrap() {
            all.push(text);
        }
        all
    }

    fn append(path: &Path, text: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn lines_are_followed_across_rotations_and_none_is_given_twice() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!(told(&mut reader), [""; 0]);
        append(&path, "1\n2\nthr");
        assert_eq!(told(&mut reader), ["1", "2"]);
        append(&path, "ee\n");
        rotate::shift(&path).unwrap();
        append(&path, "4\n");
        rotate::shift(&path).unwrap();
        append(&path, "5\n6");
        assert_eq!(told(&mut reader), ["three", "4", "5"]);
        rotate::shift(&path).unwrap();
        assert_eq!(told(&mut reader), [""; 0], "no new file yet");
        append(&path, "7\n");
        assert_eq!(told(&mut reader), ["6", "7"]);
        assert_eq!(
            told(&mut Reader::open(&path).unwrap()),
            ["1", "2", "three", "4", "5", "6", "7"]
        );
    }

    #[test]
    fn what_is_taken_back_is_not_given() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        append(&path, "1\nhalf");
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!(told(&mut reader), ["1"]);
        OpenOptions::new().write(true).open(&path).unwrap().set_len(2).unwrap();
        append(&path, "other\n");
        assert_eq!(told(&mut reader), ["other"]);
        append(&path, "end");
        assert!(matches!(reader.next(true), Ok(Some(Read::Foreign(text))) if text == "end"));
    }
}
