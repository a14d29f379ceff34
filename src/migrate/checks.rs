//! Everything that is looked at before anything is touched. What can be wrong in several places of a
//! tree is told of all of them.

use super::content::Form;
use super::context::{Context, Step};
use super::error::{At, Error, Listed, Result};
use super::mounts;
use super::protected;
use super::record::Record;
use super::scan::{Entry, Manifest};
use super::side::{Side, can_be_copied};
use super::site::Site;
use super::store::Store;
use crate::format::geometry::{MAX_SIZE, ciphertext_size};
use crate::sys::open_files::{Inode, holders};
use rustix::fs::fstatvfs;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Space that must remain beyond the estimate: 16 MiB.
const MARGIN: u64 = 16 << 20;
/// Bytes that a name, an inode and a directory's share take, generously.
const ENTRY: u64 = 1024;

/// Checks a category's name as far as it becomes the name of a directory.
pub(super) fn category(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let sound = !name.is_empty() && !name.starts_with('.') && name.chars().all(plain);
    if sound { Ok(()) } else { Err(Error::CategoryName(name.to_owned())) }
}

/// Checks where a path lies: protected, in or around a location, mount points.
pub(super) fn place(path: &Path, context: &Context<'_>) -> Result<()> {
    if let Some(reason) = protected::reason(path, context.state, context.binary) {
        return Err(Error::Protected { path: path.to_owned(), reason });
    }
    for location in context.locations {
        if location == path {
            return Err(Error::AlreadyEncrypted(path.to_owned()));
        }
        if location.starts_with(path) || path.starts_with(location) {
            let location = location.clone();
            return Err(Error::Nested { path: path.to_owned(), location });
        }
    }
    let file = Path::new("/proc/self/mountinfo");
    let mountinfo = fs::read(file).at("read", file)?;
    refuse(mounts::disturbing(path, &mountinfo), Error::MountPoints)
}

/// Checks what is in a tree that is to be encrypted.
pub(super) fn contents(manifest: &Manifest, side: &Side, context: &Context<'_>) -> Result<()> {
    let listed = |wrong: &dyn Fn(&Entry) -> bool| {
        let entries = manifest.entries.iter().filter(|entry| wrong(entry));
        entries.map(|entry| side.shown(&entry.path)).collect::<Vec<_>>()
    };
    let known =
        |entry: &Entry| entry.is_file() || entry.is_directory() || entry.file_type.is_symlink();
    refuse(listed(&|entry| !known(entry)), Error::Special)?;
    refuse(listed(&|entry| entry.fixed), Error::Immutable)?;

    let leading_out = leading_out(manifest);
    refuse(listed(&|entry| leading_out.contains(&entry.inode)), Error::HardLinks)?;

    let own = fs::metadata(context.binary).at("read", context.binary)?;
    let number = own.ino();
    let device = (rustix::fs::major(own.dev()), rustix::fs::minor(own.dev()));
    let binary = |entry: &Entry| entry.inode.number == number && entry.inode.device == device;
    match manifest.entries.iter().find(|entry| binary(entry)) {
        Some(entry) => {
            let reason = protected::Reason::OwnBinary;
            Err(Error::Protected { path: side.shown(&entry.path), reason })
        }
        None => Ok(()),
    }
}

/// Checks that no process uses anything of a tree.
pub(super) fn unused(path: &Path, manifest: &Manifest) -> Result<()> {
    let found = holders(path, &manifest.inodes()).at("look for users of", path)?;
    refuse(found, Error::InUse)
}

/// Checks that nothing changed since `manifest` was made, and that nobody uses it.
pub(super) fn untouched(side: &Side, manifest: &Manifest, moved: bool) -> Result<()> {
    let now = Manifest::of(side)?;
    manifest.check_unchanged(&now, moved, side)?;
    unused(&side.original, manifest)
}

/// Checks that what is in a tree of ciphertext can be made of plaintext.
pub(super) fn restorable(manifest: &Manifest, side: &Side) -> Result<()> {
    let entries = manifest.entries.iter().filter(|entry| !can_be_copied(entry.file_type));
    refuse(entries.map(|entry| side.shown(&entry.path)).collect(), Error::Special)?;
    // A name in another location would be left with a file of its own.
    let leading_out = leading_out(manifest);
    let linked = manifest.entries.iter().filter(|entry| leading_out.contains(&entry.inode));
    refuse(linked.map(|entry| side.shown(&entry.path)).collect(), Error::HardLinks)
}

/// The files that have more names than are in the tree.
fn leading_out(manifest: &Manifest) -> HashSet<Inode> {
    let mut names = HashMap::new();
    for entry in manifest.entries.iter().filter(|entry| !entry.is_directory()) {
        names.entry(entry.inode).or_insert((0, entry.links)).0 += 1;
    }
    names.into_iter().filter(|(_, (found, links))| links > found).map(|(inode, _)| inode).collect()
}

/// Checks that a copy in the given form fits beside what is there.
pub(super) fn space(
    manifest: &Manifest,
    form: &Form,
    directory: impl AsFd,
    shown: &Path,
) -> Result<()> {
    let disk = fstatvfs(directory).at("ask the space of", shown)?;
    let copies = || manifest.entries.iter().filter(|entry| entry.link_to.is_none());
    let bytes: u64 = copies().map(|entry| estimate(entry, form) + ENTRY).sum();
    let needed = bytes + bytes / 100 + MARGIN;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let path = shown.to_owned();
    if needed > free {
        return Err(Error::NoSpace { path, needed, free });
    }
    let (needed, free) = (copies().count() as u64 + 16, disk.f_favail);
    // Filesystems that make inodes as they go (btrfs) say 0 in all.
    if disk.f_files > 0 && needed > free {
        return Err(Error::NoInodes { path, needed, free });
    }
    Ok(())
}

fn estimate(entry: &Entry, form: &Form) -> u64 {
    if !entry.is_file() {
        return if entry.is_directory() { entry.allocated.max(4096) } else { 0 };
    }
    // A file beyond the format's limit is refused when it is copied.
    let (data, size) = (entry.data().min(MAX_SIZE / 2), entry.size.min(MAX_SIZE));
    match form {
        Form::Plain => data + 4096,
        Form::Cipher(_) if data == size => ciphertext_size(data) + 4096,
        // A piece of data between two holes may touch one sector more than it fills.
        Form::Cipher(_) => ciphertext_size(data * 2).min(ciphertext_size(size)),
    }
}

fn refuse<T>(found: Vec<T>, error: impl FnOnce(Listed<T>) -> Error) -> Result<()> {
    Listed::of(found).map_or(Ok(()), |listed| Err(error(listed)))
}

/// All checks before encrypting; the record's kind is set.
pub(super) fn before_encrypting(
    record: &mut Record,
    context: &mut Context<'_>,
) -> Result<(Site, Store, Manifest)> {
    place(&record.path, context)?;
    let site = Site::open(record, context.mount)?;
    let side = site.original()?;
    let manifest = Manifest::of(&side)?;
    contents(&manifest, &side, context)?;
    if manifest.root().is_directory() {
        record.kind = super::Kind::Directory;
    }
    unused(&record.path, &manifest)?;
    let store = Store::open(record, context.storage)?;
    if store.is_placed()? {
        return Err(Error::Exists(store.place()));
    }
    context.tell(Step::Space);
    space(&manifest, &Form::Cipher(context.keys.clone()), store.root(), context.storage)?;
    Ok((site, store, manifest))
}

/// Checks that no process uses anything at or below a path in our mount; the mount is not asked.
pub(super) fn unused_in_mount(target: &Path) -> Result<()> {
    let found = holders(target, &HashSet::new()).at("look for users of", target)?;
    refuse(found, Error::InUse)
}
