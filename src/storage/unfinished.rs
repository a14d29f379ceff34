//! A file whose contents nobody else may see before it is whole: it has no name until then, where the
//! filesystem can do that, so a crash leaves nothing.
//!
//! Elsewhere, and for the moment in which it takes the place of another file, it is called
//! `.ezncrypt-unfinished-XXXXXX`. Whatever a crash left under such a name is removed by the next one in that
//! directory; one that is being written is locked, and stays.

use rustix::fs::{self, AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const PREFIX: &str = ".ezncrypt-unfinished-";

/// A file that is being written, mode 0600. Dropped before it is put in place, it is gone.
pub struct Unfinished {
    file: File,
    directory: PathBuf,
    /// The name that it has, when it has one.
    named: Option<tempfile::TempPath>,
}

impl Unfinished {
    /// Begins a file beside `path`, and removes what crashes left there.
    ///
    /// # Errors
    /// The kernel's.
    pub fn beside(path: &Path) -> io::Result<Self> {
        let directory = directory_of(path);
        clear(directory)?;
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match fs::open(directory, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => Self::locked(file.into(), directory, None),
            // Filesystems that have no such files say either, and kernels that do not know them the last.
            Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::ISDIR | Errno::NOENT) => {
                Self::with_name(directory)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    fn with_name(directory: &Path) -> io::Result<Self> {
        let (file, name) =
            tempfile::Builder::new().prefix(PREFIX).tempfile_in(directory)?.into_parts();
        Self::locked(file, directory, Some(name))
    }

    fn locked(file: File, directory: &Path, named: Option<tempfile::TempPath>) -> io::Result<Self> {
        match fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // Without locks a name is not safe from others, but its loss is noticed when it is put in place.
            Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok(Self { file, directory: directory.into(), named })
    }

    /// The file, to be written.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Makes it durable under the name `path`, which is beside the one it was begun for; with `replace` in
    /// the place of what is there.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when there is something and it is not to be replaced; else the
    /// kernel's.
    pub fn put_in_place(mut self, path: &Path, replace: bool) -> io::Result<()> {
        self.file.sync_all()?;
        match self.named.take() {
            None if !replace => self.link(path)?,
            None => {
                let name = self.link_somewhere()?;
                Self::rename(name, path, replace)?;
            }
            Some(name) => Self::rename(name, path, replace)?,
        }
        File::open(&self.directory)?.sync_all()
    }

    fn rename(name: tempfile::TempPath, path: &Path, replace: bool) -> io::Result<()> {
        let placed = match replace {
            true => name.persist(path),
            false => name.persist_noclobber(path),
        };
        placed.map_err(|error| error.error)
    }

    fn link(&self, path: &Path) -> io::Result<()> {
        // The first asks for a capability before Linux 6.10.
        match fs::linkat(&self.file, "", CWD, path, AtFlags::EMPTY_PATH) {
            Err(Errno::NOENT | Errno::PERM) => {
                let number = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                Ok(fs::linkat(CWD, number, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
            }
            linked => Ok(linked?),
        }
    }

    fn link_somewhere(&self) -> io::Result<tempfile::TempPath> {
        let made = tempfile::Builder::new()
            .prefix(PREFIX)
            .make_in(&self.directory, |name| self.link(name))?;
        Ok(made.into_temp_path())
    }
}

/// Removes what crashes left in a directory.
fn clear(directory: &Path) -> io::Result<()> {
    // A directory that can be written but not read is one where nothing was left to be found.
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if name.as_bytes().starts_with(PREFIX.as_bytes()) && is_abandoned(&path) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether it is a file that nobody writes any more.
fn is_abandoned(path: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = fs::open(path, flags, Mode::empty()) else { return false };
    let is_file = fs::fstat(&file)
        .is_ok_and(|stat| fs::FileType::from_raw_mode(stat.st_mode) == fs::FileType::RegularFile);
    is_file && fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(bare) if bare.as_os_str().is_empty() => Path::new("."),
        Some(directory) => directory,
        None => Path::new("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        let name = |entry: io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// With and without a name from the beginning on.
    fn begun(directory: &Path, with_name: bool) -> Unfinished {
        let mut file = match with_name {
            true => Unfinished::with_name(directory).unwrap(),
            false => Unfinished::beside(&directory.join("out")).unwrap(),
        };
        file.file().write_all(b"text").unwrap();
        file
    }

    #[test]
    fn it_has_its_name_when_it_is_whole_and_replaces_only_what_it_may() {
        for with_name in [false, true] {
            let place = tempfile::tempdir().unwrap();
            let out = place.path().join("out");
            let file = begun(place.path(), with_name);
            assert_eq!(names(place.path()).len(), usize::from(with_name));
            file.put_in_place(&out, false).unwrap();
            assert_eq!(std::fs::read(&out).unwrap(), b"text");
            std::fs::write(&out, "other").unwrap();
            let refused = begun(place.path(), with_name).put_in_place(&out, false);
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(std::fs::read(&out).unwrap(), b"other");
            begun(place.path(), with_name).put_in_place(&out, true).unwrap();
            assert_eq!(std::fs::read(&out).unwrap(), b"text");
            drop(begun(place.path(), with_name));
            assert_eq!(names(place.path()), ["out"]);
        }
    }

    #[test]
    fn what_a_crash_left_is_removed_and_what_is_being_written_stays() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join(".ezncrypt-unfinished-left"), "plain").unwrap();
        std::fs::write(place.path().join("other"), "plain").unwrap();
        let first = begun(place.path(), true);
        let second = begun(place.path(), false);
        assert_eq!(names(place.path()).len(), 2, "{:?}", names(place.path()));
        first.put_in_place(&place.path().join("first"), false).unwrap();
        second.put_in_place(&place.path().join("second"), false).unwrap();
        assert_eq!(names(place.path()), ["first", "other", "second"]);
    }
}
