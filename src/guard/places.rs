//! Files and directories as the judgement asks about them: where a path leads, and who can change it.
//!
//! All answers are of one moment. It must not know what is asked for, or what follows from it.

use crate::sys::symlinks;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

/// The file that names libraries for every program.
pub const PRELOAD: &str = "/etc/ld.so.preload";

/// A symlink, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it is.
    pub at: PathBuf,
    /// What it leads to; without symlinks if that exists.
    pub to: PathBuf,
}

/// Answers about files.
pub trait Places {
    /// Where a path leads, without symlinks; the last component need not exist.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;

    /// Whether only root can change what an absolute path leads to, and what leads there.
    fn is_roots_alone(&self, path: &Path) -> io::Result<bool>;

    /// The SHA-256 of a regular file.
    fn sha256(&self, path: &Path) -> io::Result<[u8; 32]>;

    /// Whether the loader puts libraries into every program (`ld.so(8)`).
    fn preloads(&self) -> io::Result<bool>;

    /// The symlinks right in a directory, given without symlinks, that lead out of it.
    fn links_out_of(&self, dir: &Path) -> io::Result<Vec<Link>>;
}

/// This machine's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl Places for Machine {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut path = path.to_path_buf();
        for _ in 0..symlinks::MOST {
            match path.canonicalize() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                answer => return answer,
            }
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
                return Err(io::ErrorKind::NotFound.into());
            };
            let parent = parent.canonicalize()?;
            let there = parent.join(name);
            // A link that leads to nothing yet: what matters is the file that will be made.
            match fs::read_link(&there) {
                Ok(target) => path = parent.join(target),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(there),
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from_raw_os_error(libc::ELOOP))
    }

    fn is_roots_alone(&self, path: &Path) -> io::Result<bool> {
        let mut ahead = steps(path);
        let (mut at, mut links) = (PathBuf::from("/"), 0);
        if !is_roots(&fs::symlink_metadata(&at)?) {
            return Ok(false);
        }
        while let Some(step) = ahead.pop_front() {
            if step == ".." {
                at.pop();
                continue;
            }
            at.push(&step);
            let found = fs::symlink_metadata(&at)?;
            if found.is_symlink() {
                links += 1;
                if links > symlinks::MOST {
                    return Err(io::Error::from_raw_os_error(libc::ELOOP));
                }
                let target = fs::read_link(&at)?;
                at.pop();
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                steps(&target).into_iter().rev().for_each(|step| ahead.push_front(step));
            } else if !is_roots(&found) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn sha256(&self, path: &Path) -> io::Result<[u8; 32]> {
        // A FIFO would keep a blocking open waiting.
        let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        digest(&mut file)
    }

    fn preloads(&self) -> io::Result<bool> {
        match fs::read(PRELOAD) {
            Ok(text) => Ok(text.iter().any(|byte| !byte.is_ascii_whitespace())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn links_out_of(&self, dir: &Path) -> io::Result<Vec<Link>> {
        let mut links = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_symlink() {
                let at = entry.path();
                let raw = dir.join(fs::read_link(&at)?);
                let to = self.resolve(&at).unwrap_or(raw);
                if !to.starts_with(dir) || to.components().any(|part| part == Component::ParentDir)
                {
                    links.push(Link { at, to });
                }
            }
        }
        Ok(links)
    }
}

fn digest(file: &mut File) -> io::Result<[u8; 32]> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// The names of a path one by one, `..` among them.
fn steps(path: &Path) -> VecDeque<OsString> {
    let name = |part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::new("..").to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(name).collect()
}

fn is_roots(found: &Metadata) -> bool {
    found.uid() == 0 && found.mode() & 0o022 == 0
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
