//! Who has something below a path open: what `fuser` and `lsof` tell, as far as encrypting in place
//! needs it.
//!
//! A file is recognised by device and inode number, which mount namespaces, renames and `..` cannot
//! disguise, and by its path, which finds deleted and new files. In another mount namespace the same
//! path may lead elsewhere, to a container's own: what is found by its path alone must be what is there
//! for us, too, or at least be on the same filesystem. It asks the kernel's caches only, and our own mount
//! not even for a name, so neither that nor a hung network filesystem can stop it. It does not see
//! descriptors in flight on a socket, files registered with io_uring, or threads with a descriptor table
//! of their own.

use super::caller::Process;
use super::mountinfo;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags, openat2, statx};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often it is looked again whether a child of ours has run its program, and how long lies between.
const LOOKS: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(10);

/// A file's identity while it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Inode {
    /// Major and minor number of the filesystem's device.
    pub device: (u32, u32),
    /// Number within the filesystem.
    pub number: u64,
}

/// What a process does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// It has a descriptor of it.
    Open,
    /// It has it mapped into memory.
    Mapped,
    /// It runs it.
    Executing,
    /// It is its working directory.
    WorkingDirectory,
    /// It is its root directory.
    RootDirectory,
    /// The kernel swaps to it.
    Swap,
    /// The kernel serves it as a block device.
    LoopDevice,
}

/// One use of one file by one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process; `None` for the kernel.
    pub pid: Option<u32>,
    /// Its name as `ps` shows it.
    pub process: OsString,
    /// The file, as the process sees it.
    pub path: PathBuf,
    /// What it does with it.
    pub usage: Use,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "{} (pid {pid}): {:?}", self.process.display(), self.path),
            None => write!(f, "{}: {:?}", self.process.display(), self.path),
        }
    }
}

/// Finds every use of a file whose path is `below` or beneath it, or whose inode is in `inodes`, by
/// any process but the calling one, and by the kernel (swap, loop devices). Of a path on our own mount
/// there are no `inodes`: names are looked up only where there are some.
///
/// Each process and file is told once. Processes that end meanwhile are passed over, and so are children
/// of ours that are about to run a program.
///
/// # Errors
/// When `/proc` cannot be listed.
pub fn holders(below: &Path, inodes: &HashSet<Inode>) -> io::Result<Vec<Holder>> {
    let numbers = inodes.iter().map(|inode| inode.number).collect();
    let devices = if inodes.is_empty() {
        mountinfo::fuse_at(below, &fs::read("/proc/self/mountinfo")?)
    } else {
        inodes.iter().map(|inode| inode.device).collect()
    };
    let wanted = Wanted { below, inodes, numbers, devices };
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if pid != std::process::id() {
            wanted.of_process(pid, &mut found);
        }
    }
    wanted.of_kernel(&mut found);
    Ok(found)
}

/// Undoes the octal escapes (`\040` and the like) of `/proc/self/mountinfo`, `/proc/swaps` and
/// `/proc/PID/maps`.
pub fn unescape(text: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match after {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] if *first == b'\\' => {
                bytes.push(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'));
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes)
}

/// Whether a process is a child of ours, or has ended and may have been one.
fn is_child(pid: u32) -> bool {
    let status = Process::open(pid).and_then(|process| process.status());
    !status.is_ok_and(|status| status.parent != std::process::id())
}

struct Wanted<'a> {
    below: &'a Path,
    inodes: &'a HashSet<Inode>,
    /// Their numbers alone, because the device of a mapping may not be the one that `stat` tells.
    numbers: HashSet<u64>,
    /// Where files of that path can be; anywhere when there is none.
    devices: Vec<(u32, u32)>,
}

impl Wanted<'_> {
    fn of_process(&self, pid: u32, found: &mut Vec<Holder>) {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let mut uses = self.uses(&process);
        // Until it runs its program, a process that another thread of ours forked has all that we have.
        for _ in 0..LOOKS {
            if uses.is_empty() || !is_child(pid) {
                break;
            }
            std::thread::sleep(BETWEEN);
            uses = self.uses(&process);
        }
        if uses.is_empty() {
            return;
        }
        let name = fs::read(process.join("comm")).unwrap_or_default();
        let name = OsString::from_vec(name.trim_ascii_end().to_vec());
        let mut seen = HashSet::new();
        uses.retain(|(path, _)| seen.insert(path.clone()));
        found.extend(uses.into_iter().map(|(path, usage)| Holder {
            pid: Some(pid),
            process: name.clone(),
            path,
            usage,
        }));
    }

    fn uses(&self, process: &Path) -> Vec<(PathBuf, Use)> {
        let mut uses = Vec::new();
        let links =
            [("exe", Use::Executing), ("cwd", Use::WorkingDirectory), ("root", Use::RootDirectory)];
        for (name, usage) in links {
            uses.extend(self.link(&process.join(name)).map(|path| (path, usage)));
        }
        for entry in fs::read_dir(process.join("fd")).into_iter().flatten().flatten() {
            uses.extend(self.link(&entry.path()).map(|path| (path, Use::Open)));
        }
        uses.extend(self.mappings(process).into_iter().map(|path| (path, Use::Mapped)));
        uses
    }

    fn of_kernel(&self, found: &mut Vec<Holder>) {
        let mut add = |path: PathBuf, process: &OsStr, usage| {
            if self.has_path(&path) || self.has_inode(&path) {
                found.push(Holder { pid: None, process: process.to_owned(), path, usage });
            }
        };
        for line in fs::read("/proc/swaps").unwrap_or_default().split(|byte| *byte == b'\n') {
            if let Some(field) = line.split(|byte| *byte == b' ').next() {
                add(unescape(field).into(), OsStr::new("swap"), Use::Swap);
            }
        }
        for device in fs::read_dir("/sys/block").into_iter().flatten().flatten() {
            if let Ok(file) = fs::read(device.path().join("loop/backing_file")) {
                let file = OsStr::from_bytes(file.trim_ascii_end());
                add(file.into(), &device.file_name(), Use::LoopDevice);
            }
        }
    }

    /// Where a link of `/proc` leads, if that is wanted.
    fn link(&self, link: &Path) -> Option<PathBuf> {
        let path = fs::read_link(link).ok()?;
        let is_file = path.is_absolute();
        (is_file && (self.is_at(&path, link) || self.has_inode(link))).then_some(path)
    }

    fn mappings(&self, process: &Path) -> Vec<PathBuf> {
        let Ok(maps) = fs::File::open(process.join("maps")) else { return Vec::new() };
        let mut found: Vec<PathBuf> = Vec::new();
        for line in BufReader::new(maps).split(b'\n').map_while(Result::ok) {
            let Some(mapping) = Mapping::parse(&line) else { continue };
            if found.last() == Some(&mapping.path) {
                continue;
            }
            let likely = self.numbers.contains(&mapping.inode);
            let file = process.join("map_files").join(mapping.range);
            if self.is_at(&mapping.path, &file) || (likely && self.has_inode(&file)) {
                found.push(mapping.path);
            }
        }
        found
    }

    fn has_path(&self, path: &Path) -> bool {
        path.starts_with(self.below) || {
            let bytes = path.as_os_str().as_bytes();
            let whole = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
            Path::new(OsStr::from_bytes(whole)).starts_with(self.below)
        }
    }

    /// Whether what a link of `/proc` leads to, which is shown at `path`, is there in our mount namespace;
    /// where that cannot be told it is.
    fn is_at(&self, path: &Path, link: &Path) -> bool {
        if !self.has_path(path) {
            return false;
        }
        let Some(held) = inode(CWD, link) else { return true };
        let here = if self.inodes.is_empty() { None } else { inode_at(path) };
        // Nothing is there of what was deleted.
        let may_be_there = || self.devices.is_empty() || self.devices.contains(&held.device);
        here.map_or_else(may_be_there, |here| here == held)
    }

    fn has_inode(&self, path: &Path) -> bool {
        !self.inodes.is_empty()
            && inode(CWD, path).is_some_and(|inode| self.inodes.contains(&inode))
    }
}

/// What is behind a path, or a descriptor when that is empty, as the kernel has it in memory.
fn inode(at: impl AsFd, path: &Path) -> Option<Inode> {
    let flags = AtFlags::STATX_DONT_SYNC | AtFlags::EMPTY_PATH;
    let stat = statx(at, path, flags, StatxFlags::INO).ok()?;
    Some(Inode { device: (stat.stx_dev_major, stat.stx_dev_minor), number: stat.stx_ino })
}

/// What is at a path without symlinks: one may lead into our own mount.
fn inode_at(path: &Path) -> Option<Inode> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let there = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS).ok()?;
    inode(there, Path::new(""))
}

/// One line of `/proc/PID/maps` that belongs to a file.
struct Mapping {
    range: OsString,
    inode: u64,
    path: PathBuf,
}

impl Mapping {
    fn parse(line: &[u8]) -> Option<Self> {
        let mut rest = line;
        let mut field = || {
            let end = rest.iter().position(|byte| *byte == b' ')?;
            let (field, after) = rest.split_at(end);
            rest = after.trim_ascii_start();
            Some(field)
        };
        let range = OsStr::from_bytes(field()?).to_owned();
        let (_permissions, _offset, _device) = (field()?, field()?, field()?);
        let inode = std::str::from_utf8(field()?).ok()?.parse().ok()?;
        let path = PathBuf::from(unescape(rest));
        path.is_absolute().then_some(Self { range, inode, path })
    }
}

#[cfg(test)]
#[path = "open_files_tests.rs"]
mod tests;
