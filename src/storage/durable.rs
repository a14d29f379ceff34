//! Replacing a small file so that a crash at any point leaves the old one or the new one, whole.
//!
//! | step | a crash after it leaves |
//! | --- | --- |
//! | write a temporary file beside it, sync, read back | the old file, a temporary file |
//! | link the old file to its [`previous`] name | the old file under two names, a temporary file |
//! | rename the temporary file over it | the old file or the new one, and the old one as previous |
//! | sync the directory | the new file, the old one as previous |
//! | unlink the previous one | the new file; perhaps the old one as previous |
//!
//! Temporary files and previous ones that a crash left are removed by the next replacement. An error
//! leaves the old file in place. One writer at a time: the caller holds a lock. Nothing here knows
//! what the bytes mean.

use super::names;
use rustix::fs::{self, Advice, Mode, RenameFlags};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Why a file was not replaced. Unless the variant says otherwise, the old one is in place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is such a file already, and it was not to be replaced.
    #[error("{path} exists", path = .0.display())]
    Exists(PathBuf),
    /// The path has no directory or no name.
    #[error("{path} does not name a file", path = .0.display())]
    NotAFileName(PathBuf),
    /// What was written did not read back the same.
    #[error("{path} did not read back as it was written; check the disk", path = .0.display())]
    ReadBack(PathBuf),
    /// The kernel refused a step.
    #[error("cannot {step} {path}: {source}", path = path.display())]
    Io {
        /// What was to be done.
        step: Step,
        /// To which file.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The new file is in place, perhaps not durably, and the old one could not be put back.
    #[error("{path} was replaced but not synced, and could not be put back: {source}", path = path.display())]
    NotPutBack {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
}

impl Error {
    /// Whether the disk, or the user's share of it, is full.
    pub fn is_no_space(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// The steps of a replacement, as errors name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Making, writing or syncing the temporary file.
    Write,
    /// Removing what an earlier crash left, or the previous file.
    Remove,
    /// Giving the old file its second name.
    KeepPrevious,
    /// Renaming the new file into place.
    Rename,
    /// Syncing the directory.
    SyncDirectory,
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Write => "write a new file beside",
            Self::Remove => "remove what an earlier save left of",
            Self::KeepPrevious => "keep the previous version of",
            Self::Rename => "replace",
            Self::SyncDirectory => "sync the directory of",
        })
    }
}

/// A result of this module.
pub type Result<T> = std::result::Result<T, Error>;

/// The name under which the old file is kept until the new one is durable: `keystore.previous`.
pub fn previous(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".previous");
    name.into()
}

/// Replaces the file at `path`, or makes it, with `bytes` and exactly the permissions `mode`.
///
/// When this returns, the new file is durable and was read back.
///
/// # Errors
/// As [`Error`] says; all but [`Error::NotPutBack`] leave the old file, or none, in place.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let target = Target::new(path)?;
    target.clear_temporaries()?;
    let staged = target.stage(bytes, mode)?;
    let kept = target.keep_previous()?;
    target.put_in_place(staged, RenameFlags::empty()).inspect_err(|_| {
        if kept {
            target.drop_previous();
        }
    })?;
    target.sync_directory().map_err(|error| target.put_back(kept, error))?;
    target.drop_previous();
    Ok(())
}

/// Replaces the file at `path`, or makes it, as [`replace`] does, without giving the old one a second name:
/// for a place that need not know hard links (FAT), and where [`previous`] may be somebody else's file.
///
/// # Errors
/// As [`Error`] says; after one of [`Step::SyncDirectory`] the old file or the new one is in place, whole.
pub fn replace_unkept(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let target = Target::new(path)?;
    target.clear_temporaries()?;
    let staged = target.stage(bytes, mode)?;
    target.put_in_place(staged, RenameFlags::empty())?;
    target.sync_directory()
}

/// Makes the file at `path` with `bytes` and exactly the permissions `mode`, durably.
///
/// # Errors
/// [`Error::Exists`] when there is a file, link or anything else of that name, which stays as it is.
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let target = Target::new(path)?;
    target.clear_temporaries()?;
    let staged = target.stage(bytes, mode)?;
    target.put_in_place(staged, RenameFlags::NOREPLACE)?;
    target.sync_directory().map_err(|error| target.put_back(false, error))
}

/// The file to replace, and the names beside it.
struct Target<'a> {
    path: &'a Path,
    previous: PathBuf,
    directory: &'a Path,
    prefix: OsString,
}

const SUFFIX: &str = ".new";

impl<'a> Target<'a> {
    fn new(path: &'a Path) -> Result<Self> {
        let not_a_name = || Error::NotAFileName(path.into());
        let name = path.file_name().ok_or_else(not_a_name)?;
        let directory = match path.parent().ok_or_else(not_a_name)? {
            bare if bare.as_os_str().is_empty() => Path::new("."),
            directory => directory,
        };
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        Ok(Self { path, previous: previous(path), directory, prefix })
    }

    /// Removes the temporary files that crashed replacements of this file left.
    fn clear_temporaries(&self) -> Result<()> {
        let failed = |source| self.failed(Step::Remove, source);
        for entry in std::fs::read_dir(self.directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.as_bytes();
            if name.starts_with(self.prefix.as_bytes()) && name.ends_with(SUFFIX.as_bytes()) {
                names::remove(&entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Writes the temporary file, makes it durable and compares what the disk gives back.
    fn stage(&self, bytes: &[u8], mode: u32) -> Result<NamedTempFile> {
        let failed = |source| self.failed(Step::Write, source);
        let mut temporary = tempfile::Builder::new();
        temporary.prefix(&self.prefix).suffix(SUFFIX);
        // Opened here: the library would name the temporary file in its error, which says which file it is about as it
        // is.
        let open = |path: &Path| {
            File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
        };
        let staged = names::other(|| temporary.make_in(self.directory, open)).map_err(failed)?;
        // The umask may have taken bits away.
        fs::fchmod(staged.as_file(), Mode::from_raw_mode(mode)).map_err(|e| failed(e.into()))?;
        names::write(staged.as_file(), staged.path(), bytes).map_err(failed)?;
        names::sync(staged.as_file(), staged.path()).map_err(failed)?;
        if reads_back(staged.as_file(), bytes).map_err(failed)? {
            Ok(staged)
        } else {
            Err(Error::ReadBack(self.path.into()))
        }
    }

    /// Gives the old file its second name; false when there is no old file, and then what is kept
    /// under that name stays.
    fn keep_previous(&self) -> Result<bool> {
        match fs::lstat(self.path) {
            Ok(_) => {}
            Err(Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(self.failed(Step::KeepPrevious, errno.into())),
        }
        names::remove(&self.previous).map_err(|source| self.failed(Step::Remove, source))?;
        names::link(self.path, &self.previous)
            .map_err(|source| self.failed(Step::KeepPrevious, source))?;
        Ok(true)
    }

    fn put_in_place(&self, staged: NamedTempFile, flags: RenameFlags) -> Result<()> {
        let (file, mut temporary) = staged.into_parts();
        let mut moved = names::rename(&temporary, self.path, flags);
        let unknown = |error: &io::Error| error.raw_os_error() == Some(Errno::INVAL.raw_os_error());
        if moved.as_ref().is_err_and(unknown) && flags == RenameFlags::NOREPLACE {
            // NFS does not know the flag. A link is never made over anything either.
            moved = names::link(&temporary, self.path).and_then(|()| names::remove(&temporary));
        }
        match moved {
            Ok(()) => {
                temporary.disable_cleanup(true);
                drop(file);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::Exists(self.path.into()))
            }
            Err(error) => Err(self.failed(Step::Rename, error)),
        }
    }

    fn sync_directory(&self) -> Result<()> {
        names::sync_directory(self.directory)
            .map_err(|source| self.failed(Step::SyncDirectory, source))
    }

    /// Undoes the rename because of `error`, and says which error is to be reported.
    fn put_back(&self, kept: bool, error: Error) -> Error {
        let undone = match kept {
            true => names::rename(&self.previous, self.path, RenameFlags::empty()),
            false => names::remove(self.path),
        };
        match undone {
            Ok(()) => error,
            Err(source) => Error::NotPutBack { path: self.path.into(), source },
        }
    }

    /// A previous file that stays does no harm, and the next replacement removes it.
    fn drop_previous(&self) {
        let _ = names::remove(&self.previous);
    }

    fn failed(&self, step: Step, source: io::Error) -> Error {
        Error::Io { step, path: self.path.into(), source }
    }
}

/// Reads the synced file again, from the disk if the kernel agrees to forget its pages.
fn reads_back(file: &File, bytes: &[u8]) -> io::Result<bool> {
    let _ = fs::fadvise(file, 0, None, Advice::DontNeed);
    let mut found = vec![0; bytes.len()];
    names::other(|| file.read_exact_at(&mut found, 0))?;
    Ok(found == bytes && file.metadata()?.len() == bytes.len() as u64)
}

#[cfg(test)]
#[path = "durable_tests.rs"]
pub(crate) mod tests;
