//! Owner, mode, times and extended attributes: reading, setting, comparing.
//!
//! ACLs, capabilities and security labels are extended attributes to the kernel and are treated as
//! such. File flags (`chattr`), quotas and project ids are not carried.

use super::error::{At, Error, Result, Trait};
use super::scan::Entry;
use super::side::Item;
use rustix::buffer::spare_capacity;
use rustix::fs::{
    AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags, chmodat, chownat, fchmod, fchown,
    fgetxattr, flistxattr, fremovexattr, fsetxattr, futimens, lgetxattr, llistxattr, lremovexattr,
    lsetxattr, utimensat,
};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Label that the kernel gives to whatever is created; absent where the source has none.
const LABEL: &[u8] = b"security.selinux";

/// Extended attributes by name.
pub(super) type Xattrs = BTreeMap<OsString, Vec<u8>>;

/// Reads the extended attributes; none where the filesystem has no such thing.
pub(super) fn xattrs(item: &Item, shown: &Path) -> Result<Xattrs> {
    let mut found = Xattrs::new();
    for name in xattr_names(item).at("list the extended attributes of", shown)? {
        match xattr(item, &name) {
            Err(Errno::NODATA) => {}
            other => {
                let value = other.at("read an extended attribute of", shown)?;
                found.insert(name, value);
            }
        }
    }
    Ok(found)
}

/// Gives `item`, which only we can reach, the attributes of an entry.
pub(super) fn apply(item: &Item, entry: &Entry, wanted: &Xattrs, shown: &Path) -> Result<()> {
    // Changing the owner clears setuid and capabilities, and an ACL contains the mode: this order.
    set_owner(item, entry).at("set the owner of", shown)?;
    set_mode(item, entry).at("set the mode of", shown)?;
    let present = xattrs(item, shown)?;
    for name in present.keys().filter(|name| !wanted.contains_key(*name)) {
        match remove_xattr(item, name) {
            Err(_) if name.as_bytes() == LABEL => {}
            other => other.at("remove an extended attribute of", shown)?,
        }
    }
    for (name, value) in wanted.iter().filter(|(name, value)| present.get(*name) != Some(value)) {
        set_xattr(item, name, value).at("set an extended attribute of", shown)?;
    }
    set_times(item, entry).at("set the times of", shown)
}

/// Compares the attributes of an entry and its copy.
pub(super) fn compare(source: &Entry, copy: &Entry) -> std::result::Result<(), Trait> {
    if source.file_type != copy.file_type {
        Err(Trait::FileType)
    } else if source.owner != copy.owner {
        Err(Trait::Owner)
    } else if source.mode != copy.mode {
        Err(Trait::Mode)
    } else if source.modified != copy.modified || source.accessed != copy.accessed {
        Err(Trait::Times)
    } else {
        Ok(())
    }
}

/// Compares extended attributes, apart from a label that only the copy has.
pub(super) fn compare_xattrs(source: &Xattrs, mut copy: Xattrs, shown: &Path) -> Result<()> {
    let label = OsStr::from_bytes(LABEL);
    if !source.contains_key(label) {
        copy.remove(label);
    }
    let what = Trait::Xattrs;
    if *source == copy { Ok(()) } else { Err(Error::Differs { path: shown.to_owned(), what }) }
}

fn set_owner(item: &Item, entry: &Entry) -> rustix::io::Result<()> {
    let owner = Some(Uid::from_raw(entry.owner.0));
    let group = Some(Gid::from_raw(entry.owner.1));
    match item {
        Item::Open(file) => fchown(file, owner, group),
        Item::Named(above, name) => chownat(above, name, owner, group, AtFlags::SYMLINK_NOFOLLOW),
    }
}

fn set_mode(item: &Item, entry: &Entry) -> rustix::io::Result<()> {
    let mode = Mode::from_raw_mode(entry.mode);
    match item {
        Item::Open(file) => fchmod(file, mode),
        Item::Named(..) if entry.file_type.is_symlink() => Ok(()),
        Item::Named(above, name) => chmodat(above, name, mode, AtFlags::empty()),
    }
}

/// Sets access and modification time.
pub(super) fn set_times(item: &Item, entry: &Entry) -> rustix::io::Result<()> {
    let time = |(seconds, nanoseconds): (i64, u32)| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds.into(),
    };
    let times =
        Timestamps { last_access: time(entry.accessed), last_modification: time(entry.modified) };
    match item {
        Item::Open(file) => futimens(file, &times),
        Item::Named(above, name) => utimensat(above, name, &times, AtFlags::SYMLINK_NOFOLLOW),
    }
}

/// The name by which calls without a descriptor form reach it.
fn by_name(above: &OwnedFd, name: &OsStr) -> PathBuf {
    Path::new("/proc/self/fd").join(above.as_raw_fd().to_string()).join(name)
}

fn xattr_names(item: &Item) -> rustix::io::Result<Vec<OsString>> {
    let list = read_all(|buffer| match item {
        Item::Open(file) => flistxattr(file, spare_capacity(buffer)),
        Item::Named(above, name) => llistxattr(by_name(above, name), spare_capacity(buffer)),
    });
    let list = match list {
        Err(Errno::OPNOTSUPP) => Vec::new(),
        other => other?,
    };
    let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| OsStr::from_bytes(name).to_owned()).collect())
}

fn xattr(item: &Item, name: &OsStr) -> rustix::io::Result<Vec<u8>> {
    read_all(|buffer| match item {
        Item::Open(file) => fgetxattr(file, name, spare_capacity(buffer)),
        Item::Named(above, file) => lgetxattr(by_name(above, file), name, spare_capacity(buffer)),
    })
}

fn set_xattr(item: &Item, name: &OsStr, value: &[u8]) -> rustix::io::Result<()> {
    let flags = XattrFlags::empty();
    match item {
        Item::Open(file) => fsetxattr(file, name, value, flags),
        Item::Named(above, file) => lsetxattr(by_name(above, file), name, value, flags),
    }
}

fn remove_xattr(item: &Item, name: &OsStr) -> rustix::io::Result<()> {
    match item {
        Item::Open(file) => fremovexattr(file, name),
        Item::Named(above, file) => lremovexattr(by_name(above, file), name),
    }
}

/// Calls `read` with more and more room until the answer fits; the kernel's limit is 64 KiB.
fn read_all(
    mut read: impl FnMut(&mut Vec<u8>) -> rustix::io::Result<usize>,
) -> rustix::io::Result<Vec<u8>> {
    let mut room = 1024;
    loop {
        let mut buffer = Vec::with_capacity(room);
        match read(&mut buffer) {
            Err(Errno::RANGE) if room < 1 << 20 => room *= 8,
            Err(error) => return Err(error),
            Ok(_) => return Ok(buffer),
        }
    }
}
