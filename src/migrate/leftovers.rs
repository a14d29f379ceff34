//! Plaintext that interrupted runs left beside original paths, found without the journal: whoever has no secret to
//! open it, or has put an older one back, must learn of it too.

use super::beneath;
use super::site::is_work_name;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, StatxFlags, statx};
use std::collections::BTreeSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The private directories in `directories` that have plaintext in them. Nothing is followed, and what
/// cannot be looked at is left out.
pub fn plaintext_left(directories: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in directories {
        let Ok(directory) = beneath::open_absolute(path) else { continue };
        let names = beneath::names(&directory).unwrap_or_default();
        for name in names.into_iter().filter(|name| is_work_name(name)) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let opened = beneath::open(&directory, Path::new(&name), flags, Mode::empty());
            if opened.is_ok_and(|private| is_ours(&private) && has_plaintext(&private)) {
                found.push(path.join(name));
            }
        }
    }
    found
}

/// Whether nobody else can have filled the directory.
pub(super) fn is_ours(private: &OwnedFd) -> bool {
    statx(private, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS).is_ok_and(|stat| {
        stat.stx_uid == rustix::process::geteuid().as_raw() && stat.stx_mode & 0o077 == 0
    })
}

/// Whether there is anything but symlinks: our own, and those by which an exchange is tried out.
fn has_plaintext(private: &OwnedFd) -> bool {
    let is_symlink = |name: &_| {
        let stat = beneath::stat(private, name).ok().flatten();
        stat.is_none_or(|stat| beneath::file_type(&stat) == FileType::Symlink)
    };
    beneath::names(private).is_ok_and(|names| !names.iter().all(|name| is_symlink(name)))
}

/// The directories that hold original paths, as far as the storage directory tells: beside which plaintext may have
/// been left. Plaintext is swapped away only when the ciphertext is in its place.
pub fn directories_of_originals(storage: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for category in entries(storage).filter(|name| !name.as_encoded_bytes().starts_with(b".")) {
        let mut pending = vec![(storage.join(category), PathBuf::from("/"))];
        while let Some((stored, original)) = pending.pop() {
            for name in entries(&stored) {
                let (stored, path) = (stored.join(&name), original.join(&name));
                // On an original path is a symlink or nothing, so this ends there; unless a decryption could not
                // remove its ciphertext, when both trees are gone through.
                if is_directory(&stored) && is_directory(&path) {
                    pending.push((stored, path));
                }
            }
            found.insert(original);
        }
    }
    found
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn entries(directory: &Path) -> impl Iterator<Item = std::ffi::OsString> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.flatten().map(|entry| entry.file_name())
}
