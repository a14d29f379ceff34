//! Which option files may be read: those that nobody but root can have written.
//!
//! A path is walked from `/` on, symlinks resolved one by one, and each directory on the way must be
//! one in which only root can put something else in the next name's place. The file that is read is
//! the one that was opened and looked at, reached without symlinks. What lies in an encrypted location
//! is under rules of its own: there, owners are not asked.

use super::option_file::{Error as FileError, Files};
use crate::sys::symlinks;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// Longest option file that is read, in bytes.
pub const MAX_FILE: u64 = 1 << 20;

/// What `fstatfs` tells of `/proc`, wherever it is mounted.
const PROC_MAGIC: u64 = 0x9fa0;

/// Why an option file may not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something about it, or on the way to it, lets others than root decide what is read.
    #[error("option file {} is refused: {} {reason}", path.display(), culprit.display())]
    Refused {
        /// The file as it was named.
        path: PathBuf,
        /// What is at fault: itself, where it leads, or a directory on the way.
        culprit: PathBuf,
        /// What is wrong with that, and what mends it.
        reason: Reason,
    },
    /// It could not be read.
    #[error("option file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What is wrong with a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Below `/proc` or `/dev`.
    #[error("is not a file on a disk: name a regular file")]
    Special,
    /// A directory, pipe, socket or device.
    #[error("is not a regular file: name one")]
    NotRegular,
    /// On the way to a file, or to be listed.
    #[error("is not a directory: name one")]
    NotDirectory,
    /// Not root's.
    #[error("belongs to user {0}: chown it to root, or encrypt it")]
    Owner(u32),
    /// Writable by its group or by others.
    #[error("can be written by others than root: chmod go-w it")]
    Writable,
    /// Encrypted, and not opened to the guard.
    #[error("is encrypted: a rule must let guard and server read it")]
    NoRule,
    /// Symlinks without an end.
    #[error("leads through too many symlinks: name the file itself")]
    Links,
    /// Not from `/` on.
    #[error("is not a whole path: write it from / on")]
    Path,
    /// Longer than [`MAX_FILE`].
    #[error("is longer than 1 MiB: make it shorter")]
    TooLong,
}

/// Files that root alone can have written, and those in encrypted locations.
#[derive(Debug, Clone, Default)]
pub struct TrustedFiles {
    below: Vec<PathBuf>,
}

impl TrustedFiles {
    /// `below` are the real paths of directories in which owners are not asked.
    pub fn new(below: Vec<PathBuf>) -> Self {
        Self { below }
    }

    /// Opens what a path leads to; `None` when there is nothing, or nothing that this process could see.
    fn open(&self, path: &Path, flags: OFlags) -> Result<Option<(PathBuf, File, Stat)>, Error> {
        let Some(real) = self.resolve(path)? else { return Ok(None) };
        let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let opened = rustix::fs::openat2(rustix::fs::CWD, &real, flags, Mode::empty(), resolve);
        let file = match opened {
            Ok(file) => File::from(file),
            Err(Errno::ACCESS) if self.below.iter().any(|below| real.starts_with(below)) => {
                return Err(refused(path, &real, Reason::NoRule));
            }
            Err(Errno::NOENT | Errno::ACCESS) => return Ok(None),
            Err(Errno::NXIO) => return Err(refused(path, &real, Reason::NotRegular)),
            Err(error) => return Err(unreadable(path, error)),
        };
        let stat = rustix::fs::fstat(&file).map_err(|error| unreadable(path, error))?;
        let on = rustix::fs::fstatfs(&file).map_err(|error| unreadable(path, error))?;
        if u64::try_from(on.f_type) == Ok(PROC_MAGIC) {
            return Err(refused(path, &real, Reason::Special));
        }
        Ok(Some((real, file, stat)))
    }

    /// The path without symlinks, every directory on the way looked at.
    fn resolve(&self, path: &Path) -> Result<Option<PathBuf>, Error> {
        let mut walk = Walk { path, left: Vec::new(), at: PathBuf::from("/"), links: 0 };
        walk.push(path)?;
        let mut doubts = Vec::new();
        let mut parent = look(Path::new("/")).map_err(|error| unreadable(path, error))?;
        while let Some(name) = walk.left.pop() {
            if name == ".." {
                walk.at.pop();
                parent = look(&walk.at).map_err(|error| unreadable(path, error))?;
                continue;
            }
            let next = walk.at.join(&name);
            if ["/proc", "/dev"].iter().any(|special| next.starts_with(special)) {
                return Err(refused(path, &next, Reason::Special));
            }
            let entry = match look(&next) {
                Ok(entry) => entry,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => return Ok(None),
                Err(error) => return Err(unreadable(path, error)),
            };
            doubts.extend(doubt(&parent, &entry).map(|reason| (walk.at.clone(), reason)));
            if FileType::from_raw_mode(entry.st_mode) == FileType::Symlink {
                walk.follow(&next)?;
                parent = look(&walk.at).map_err(|error| unreadable(path, error))?;
            } else {
                walk.at = next;
                parent = entry;
            }
        }
        match doubts.first() {
            Some((culprit, reason)) if !self.is_below(&walk.at) => {
                Err(refused(path, culprit, *reason))
            }
            _ => Ok(Some(walk.at)),
        }
    }

    fn is_below(&self, real: &Path) -> bool {
        self.below.iter().any(|directory| real.starts_with(directory))
    }

    /// Refuses what others than root own or can write, itself.
    fn own(&self, path: &Path, real: &Path, stat: &Stat) -> Result<(), Error> {
        match fault(stat) {
            Some(reason) if !self.is_below(real) => Err(refused(path, real, reason)),
            _ => Ok(()),
        }
    }

    fn content(&self, path: &Path) -> Result<Option<Vec<u8>>, Error> {
        let Some((real, file, stat)) = self.open(path, OFlags::RDONLY)? else { return Ok(None) };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(refused(path, &real, Reason::NotRegular));
        }
        self.own(path, &real, &stat)?;
        let mut content = Vec::new();
        let read = file.take(MAX_FILE + 1).read_to_end(&mut content);
        read.map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        if content.len() as u64 > MAX_FILE {
            return Err(refused(path, &real, Reason::TooLong));
        }
        Ok(Some(content))
    }

    fn entries(&self, path: &Path) -> Result<Option<Vec<PathBuf>>, Error> {
        let Some((real, file, stat)) = self.open(path, OFlags::RDONLY)? else { return Ok(None) };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Err(refused(path, &real, Reason::NotDirectory));
        }
        self.own(path, &real, &stat)?;
        let entries = rustix::fs::Dir::new(file).map_err(|error| unreadable(path, error))?;
        let mut paths = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(path, error))?;
            let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
            if name != "." && name != ".." {
                paths.push(path.join(name));
            }
        }
        Ok(Some(paths))
    }
}

impl Files for TrustedFiles {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        Ok(self.content(path)?)
    }

    fn list(&self, directory: &Path) -> Result<Vec<PathBuf>, FileError> {
        let entries = self.entries(directory)?;
        entries.ok_or_else(|| FileError::MissingDirectory { path: directory.to_owned() })
    }
}

/// The way to a file, as far as it was gone.
struct Walk<'a> {
    path: &'a Path,
    left: Vec<OsString>,
    at: PathBuf,
    links: usize,
}

impl Walk<'_> {
    /// Puts the parts of a path before what is left.
    fn push(&mut self, path: &Path) -> Result<(), Error> {
        let mut parts = Vec::new();
        for component in path.components() {
            match component {
                Component::RootDir => self.at = PathBuf::from("/"),
                Component::CurDir => {}
                Component::Normal(name) => parts.push(name.to_owned()),
                Component::ParentDir => parts.push("..".into()),
                Component::Prefix(_) => return Err(refused(self.path, path, Reason::Path)),
            }
        }
        if !path.is_absolute() && self.links == 0 {
            return Err(refused(self.path, path, Reason::Path));
        }
        self.left.extend(parts.into_iter().rev());
        Ok(())
    }

    fn follow(&mut self, link: &Path) -> Result<(), Error> {
        self.links += 1;
        if self.links > symlinks::MOST {
            return Err(refused(self.path, link, Reason::Links));
        }
        let target = std::fs::read_link(link);
        let target =
            target.map_err(|source| Error::Unreadable { path: self.path.to_owned(), source })?;
        self.push(&target)
    }
}

fn look(path: &Path) -> Result<Stat, Errno> {
    rustix::fs::lstat(path)
}

/// Whether somebody else than root could put something else in an entry's place.
fn doubt(directory: &Stat, entry: &Stat) -> Option<Reason> {
    let sticky = Mode::from_raw_mode(directory.st_mode).contains(Mode::SVTX);
    if sticky && directory.st_uid == 0 {
        // Nobody may remove there what is not theirs.
        return (entry.st_uid != 0).then_some(Reason::Owner(entry.st_uid));
    }
    fault(directory)
}

fn fault(stat: &Stat) -> Option<Reason> {
    let others = Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH);
    match stat.st_uid {
        0 => others.then_some(Reason::Writable),
        owner => Some(Reason::Owner(owner)),
    }
}

fn refused(path: &Path, culprit: &Path, reason: Reason) -> Error {
    Error::Refused { path: path.to_owned(), culprit: culprit.to_owned(), reason }
}

fn unreadable(path: &Path, error: Errno) -> Error {
    Error::Unreadable { path: path.to_owned(), source: error.into() }
}

#[cfg(test)]
#[path = "option_file_trust_tests.rs"]
mod tests;
