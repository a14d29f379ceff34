//! What a tree is, byte for byte and attribute for attribute, so that two can be compared.

use ezncrypt::crypto::CategoryKeys;
use ezncrypt::storage::DiskFile;
use ezncrypt::volume::file::CipherFile;
use rustix::fs::{SeekFrom, XattrFlags, seek};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
        Self::read(&top, &|path| Ok(Box::new(File::open(path).unwrap())))
            .unwrap_or_else(|why| panic!("{why}"))
    }

    /// What encrypted files at and below `top`, in the storage directory, would be as plaintext; or why they
    /// cannot all be read.
    pub fn of_ciphertext(top: &Path, keys: &Arc<CategoryKeys>) -> Result<Self, String> {
        Self::read(top, &|path| {
            let disk = DiskFile::new(File::open(path).map_err(|error| error.to_string())?.into());
            let file = CipherFile::open(disk, keys.clone());
            Ok(Box::new(file.map_err(|error| format!("{path:?}: {error}"))?))
        })
    }

    fn read(top: &Path, open: &Open<'_>) -> Result<Self, String> {
        let mut entries = BTreeMap::new();
        let mut first_links = BTreeMap::new();
        let mut todo = vec![PathBuf::new()];
        while let Some(relative) = todo.pop() {
            let path =
                if relative.as_os_str().is_empty() { top.to_owned() } else { top.join(&relative) };
            let entry = read_entry(&path, &relative, &mut first_links, open)?;
            if entry.kind == "directory" {
                let mut below: Vec<_> =
                    names(&path).iter().map(|name| relative.join(name)).collect();
                below.sort_by(|one, other| other.cmp(one));
                todo.extend(below);
            }
            entries.insert(relative, entry);
        }
        Ok(Self(entries))
    }

    /// With the times of `before` for the files whose time is later than it was there: as re-encryption leaves the
    /// file in which it is interrupted.
    pub fn forgiving_later_times(mut self, before: &Self) -> Self {
        for (path, entry) in self.0.iter_mut().filter(|(_, entry)| entry.kind == "file") {
            if let Some(before) = before.0.get(path) {
                entry.modified = entry.modified.min(before.modified);
            }
        }
        self
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
type Open<'a> = dyn Fn(&Path) -> Result<Box<dyn Bytes>, String> + 'a;

/// The contents of a file, however they are stored.
trait Bytes {
    fn size(&self) -> u64;
    /// The first data at or behind an offset, and its end.
    fn next_data(&self, at: u64, size: u64) -> Option<(u64, u64)>;
    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize, String>;
}

impl Bytes for File {
    fn size(&self) -> u64 {
        self.metadata().unwrap().len()
    }

    fn next_data(&self, at: u64, size: u64) -> Option<(u64, u64)> {
        match seek(self, SeekFrom::Data(at)) {
            Ok(from) => Some((from, seek(self, SeekFrom::Hole(from)).unwrap().min(size))),
            Err(rustix::io::Errno::NXIO) => None,
            Err(error) => panic!("SEEK_DATA at {at}: {error}"),
        }
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize, String> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(&mut buffer[filled..], offset + filled as u64).unwrap() {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }
}

impl Bytes for CipherFile {
    fn size(&self) -> u64 {
        CipherFile::size(self)
    }

    fn next_data(&self, at: u64, size: u64) -> Option<(u64, u64)> {
        let from = self.seek_data(at).unwrap()?;
        let to = self.seek_hole(from).unwrap().unwrap_or(size).min(size);
        (from < size).then_some((from, to.max(from + 1)))
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize, String> {
        self.read_at(offset, buffer).map_err(|error| error.to_string())
    }
}

fn read_entry(
    path: &Path,
    relative: &Path,
    first_links: &mut FirstLinks,
    open: &Open<'_>,
) -> Result<Entry, String> {
    let found = fs::symlink_metadata(path).map_err(|error| format!("{path:?}: {error}"))?;
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
        let content = read_content(&*open(path)?, found.nlink(), first);
        ("file", content.map_err(|why| format!("{path:?}: {why}"))?)
    } else if kind.is_fifo() {
        ("fifo", Content::None)
    } else {
        ("special", Content::None)
    };
    Ok(Entry {
        kind,
        mode: found.mode(),
        uid: found.uid(),
        gid: found.gid(),
        modified: (found.mtime(), found.mtime_nsec()),
        attributes: attributes(path),
        content,
    })
}

/// Hashes every block that is not all zero together with its offset: the same bytes give the same
/// hash wherever the holes are.
fn read_content(file: &dyn Bytes, links: u64, first_link: PathBuf) -> Result<Content, String> {
    let (mut hash, mut data) = (Sha256::new(), BTreeSet::new());
    let mut buffer = vec![0; 64 * BLOCK];
    let (mut at, mut offset, size) = (0, 0, file.size());
    while at < size {
        let Some((from, to)) = file.next_data(at, size) else { break };
        // What was read beyond the end of the data before this is hashed already.
        offset = offset.max(from - from % BLOCK as u64);
        while offset < to {
            let read = file.read(&mut buffer, offset)?;
            if read == 0 {
                return Err(format!("it ends at {offset}, before its data at {to}"));
            }
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
    Ok(Content::Bytes { size, sha256: hash.finalize().into(), data, links, first_link })
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
