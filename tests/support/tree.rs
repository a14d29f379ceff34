//! What a tree is, byte for byte and attribute for attribute, so that two can be compared.

use rustix::fs::{SeekFrom, XattrFlags, seek};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Holes are compared at this grain: encryption may round a hole to its sectors.
const GRAIN: u64 = 1 << 20;
const BLOCK: usize = 4096;

/// Everything that must survive encryption and decryption of one file, directory or symlink.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    kind: &'static str,
    mode: u32,
    uid: u32,
    gid: u32,
    modified: (i64, i64),
    attributes: BTreeMap<OsString, Vec<u8>>,
    content: Content,
}

#[derive(Debug, PartialEq, Eq)]
enum Content {
    None,
    Target(PathBuf),
    Bytes { size: u64, sha256: [u8; 32], data: BTreeSet<u64>, links: u64, first_link: PathBuf },
}

/// A tree by relative path; the top is the empty path.
#[derive(PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, Entry>);

impl Snapshot {
    /// Reads everything at and below `top`. A symlink at the top itself is followed.
    #[track_caller]
    pub fn of(top: &Path) -> Self {
        let top =
            fs::canonicalize(top).unwrap_or_else(|error| panic!("{}: {error}", top.display()));
        let mut entries = BTreeMap::new();
        let mut first_links = BTreeMap::new();
        let mut todo = vec![PathBuf::new()];
        while let Some(relative) = todo.pop() {
            let path =
                if relative.as_os_str().is_empty() { top.clone() } else { top.join(&relative) };
            let entry = read_entry(&path, &relative, &mut first_links);
            if entry.kind == "directory" {
                let mut below: Vec<_> =
                    names(&path).iter().map(|name| relative.join(name)).collect();
                below.sort_by(|one, other| other.cmp(one));
                todo.extend(below);
            }
            entries.insert(relative, entry);
        }
        Self(entries)
    }

    /// How many entries there are, the top included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Fails the test, naming the first differences, unless the other tree is the same.
    #[track_caller]
    pub fn assert_same(&self, other: &Self, when: &str) {
        let paths: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let differences: Vec<String> = paths
            .into_iter()
            .filter(|path| self.0.get(*path) != other.0.get(*path))
            .take(10)
            .map(|path| {
                let (before, after) = (self.0.get(path), other.0.get(path));
                format!("{path:?}\n    before {before:?}\n    after  {after:?}")
            })
            .collect();
        assert!(differences.is_empty(), "{when}, the tree differs:\n{}", differences.join("\n"));
    }
}

/// The names in a directory.
#[track_caller]
pub fn names(directory: &Path) -> Vec<OsString> {
    fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().file_name())
        .collect()
}

/// How many entries are below a directory, tolerating that it changes meanwhile.
pub fn count_below(directory: &Path) -> usize {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    entries
        .flatten()
        .map(|entry| {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            1 + if is_directory { count_below(&entry.path()) } else { 0 }
        })
        .sum()
}

type FirstLinks = BTreeMap<(u64, u64), PathBuf>;

#[track_caller]
fn read_entry(path: &Path, relative: &Path, first_links: &mut FirstLinks) -> Entry {
    let found = fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let kind = found.file_type();
    let (kind, content) = if kind.is_dir() {
        ("directory", Content::None)
    } else if kind.is_symlink() {
        ("symlink", Content::Target(fs::read_link(path).unwrap()))
    } else if kind.is_file() {
        let first = first_links
            .entry((found.dev(), found.ino()))
            .or_insert_with(|| relative.to_owned())
            .clone();
        ("file", read_content(path, found.len(), found.nlink(), first))
    } else if kind.is_fifo() {
        ("fifo", Content::None)
    } else {
        ("special", Content::None)
    };
    Entry {
        kind,
        mode: found.mode(),
        uid: found.uid(),
        gid: found.gid(),
        modified: (found.mtime(), found.mtime_nsec()),
        attributes: attributes(path),
        content,
    }
}

/// Hashes every block that is not all zero together with its offset: the same bytes give the same
/// hash wherever the holes are.
fn read_content(path: &Path, size: u64, links: u64, first_link: PathBuf) -> Content {
    let file = File::open(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let (mut hash, mut data) = (Sha256::new(), BTreeSet::new());
    let mut buffer = vec![0; 64 * BLOCK];
    let mut at = 0;
    while let Some((from, to)) = next_data(&file, at, size) {
        let mut offset = from - from % BLOCK as u64;
        while offset < to {
            let read = read_full(&file, &mut buffer, offset);
            assert!(read > 0, "{path:?} ends at {offset}, before its data at {to}");
            for (index, block) in buffer[..read].chunks(BLOCK).enumerate() {
                if block.iter().any(|&byte| byte != 0) {
                    hash.update((offset + (index * BLOCK) as u64).to_le_bytes());
                    hash.update(block);
                }
            }
            offset += read as u64;
        }
        data.extend(from / GRAIN..to.div_ceil(GRAIN));
        at = to;
    }
    Content::Bytes { size, sha256: hash.finalize().into(), data, links, first_link }
}

fn next_data(file: &File, at: u64, size: u64) -> Option<(u64, u64)> {
    if at >= size {
        return None;
    }
    match seek(file, SeekFrom::Data(at)) {
        Ok(from) => Some((from, seek(file, SeekFrom::Hole(from)).unwrap().min(size))),
        Err(rustix::io::Errno::NXIO) => None,
        Err(error) => panic!("SEEK_DATA at {at}: {error}"),
    }
}

fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> usize {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64).unwrap() {
            0 => break,
            read => filled += read,
        }
    }
    filled
}

fn attributes(path: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let mut list = vec![0; 64 << 10];
    let length = rustix::fs::llistxattr(path, &mut list[..]).unwrap();
    list[..length]
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let mut value = vec![0; 64 << 10];
            let length = rustix::fs::lgetxattr(path, name, &mut value[..])
                .unwrap_or_else(|error| panic!("{path:?}, {name:?}: {error}"));
            value.truncate(length);
            (OsString::from_vec(name.to_vec()), value)
        })
        .collect()
}

/// Sets an extended attribute.
pub fn set_attribute(path: &Path, name: &str, value: &[u8]) {
    rustix::fs::lsetxattr(path, name, value, XattrFlags::empty()).unwrap();
}
