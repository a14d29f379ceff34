//! Where bytes are kept that are overwritten, or that nothing can be done about.
//!
//! For each repair that has such there is a directory: `report.json`, and for each file a sparse copy of its
//! ciphertext, with the header and the damaged stretches at their places and nothing else.

use crate::format::header::HEADER_LEN;
use crate::service::Paths;
use crate::service::protocol::Failure;
use crate::storage::DiskFile;
use crate::volume::file::Keep;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes that are copied in one go.
const STEP: usize = 1 << 20;

/// Directories of one second, at most.
const SAME_SECOND: u32 = 1000;

/// The directory of one repair.
pub struct Quarantine {
    path: PathBuf,
}

impl Quarantine {
    /// Makes the directory, with a report of what is going to be done. Both are durable when this returns.
    ///
    /// # Errors
    /// No space, or failed when it cannot be made.
    pub fn make(paths: &Paths, report: &[u8]) -> Result<Self, Failure> {
        let above = paths.quarantine();
        let cannot = |error: &io::Error| super::cannot_write(&above, error);
        let path = make_directory(&above).map_err(|error| cannot(&error))?;
        let written = || {
            let file = create(&path.join("report.json"))?;
            file.write_all_at(report, 0)?;
            file.sync_all()?;
            sync_directory(&path)?;
            sync_directory(&above)?;
            sync_directory(paths.state())
        };
        written().map_err(|error| cannot(&error))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The copy of a file, which is made when the first bytes are kept.
    pub fn copy_of(&self, category: &str, original: &Path, source: DiskFile) -> Copy {
        let below = original.strip_prefix("/").unwrap_or(original);
        Copy {
            top: self.path.clone(),
            below: Path::new(category).join(below),
            source,
            file: None,
            bytes: 0,
        }
    }
}

/// The copy of one file.
pub struct Copy {
    top: PathBuf,
    below: PathBuf,
    /// Its ciphertext.
    source: DiskFile,
    file: Option<File>,
    bytes: u64,
}

impl Copy {
    /// Keeps a stretch of the file as it is, as far as it is there and can be read; no more than `most` bytes
    /// in all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_stretch(&mut self, at: u64, length: u64, most: u64) -> io::Result<()> {
        let mut buffer = vec![0; STEP];
        let mut done = 0;
        while done < length && self.bytes < most {
            let step = STEP.min(usize::try_from(length - done).unwrap_or(STEP));
            let read = self.source.read_at(&mut buffer[..step], at + done).unwrap_or(0);
            if read > 0 {
                self.keep(at + done, &buffer[..read])?;
            }
            done += step as u64;
        }
        Ok(())
    }

    fn file(&mut self) -> io::Result<&File> {
        if self.file.is_none() {
            self.file = Some(self.begin()?);
        }
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Makes the copy with the header, which tells the keys of what follows.
    fn begin(&self) -> io::Result<File> {
        let mut directory = self.top.clone();
        for name in self.below.parent().into_iter().flat_map(Path::components) {
            let above = directory.clone();
            directory.push(name);
            match DirBuilder::new().mode(0o700).create(&directory) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => sync_directory(&above)?,
            }
        }
        let file = create(&self.top.join(&self.below))?;
        sync_directory(&directory)?;
        let mut header = vec![0; HEADER_LEN];
        let length = self.source.read_at(&mut header, 0)?;
        file.write_all_at(&header[..length], 0)?;
        file.set_len(self.source.size()?)?;
        Ok(file)
    }
}

impl Keep for Copy {
    fn keep(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.file()?.write_all_at(bytes, position)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.file()?.sync_all()
    }
}

fn make_directory(above: &Path) -> io::Result<PathBuf> {
    match DirBuilder::new().mode(0o700).create(above) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    for number in 1..SAME_SECOND {
        let name = if number == 1 { now.clone() } else { format!("{now}-{number}") };
        let path = above.join(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| path),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).custom_flags(libc::O_CLOEXEC).open(path)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
