//! Copying a tree from one form into the other.

use super::attributes;
use super::content::Content;
use super::context::{Context, Step};
use super::crew::{self, News, Teller, threads_for};
use super::error::{At, Error, Result};
use super::pieces::{CHUNK, read_all};
use super::scan::{Entry, Manifest};
use super::side::{Item, Side};
use crate::volume;
use rustix::fs::{AtFlags, Mode, linkat, mkdirat, mknodat, readlinkat, symlinkat};
use std::cmp::Reverse;
use std::path::Path;

/// The disk is given what was copied in pieces of so many bytes, while the next one is copied.
const WRITE_OUT: u64 = 8 * CHUNK;

/// A file of so many bytes is worth a thread that reads ahead.
const LARGE: u64 = 16 * CHUNK;

/// Counts bytes and tells of them.
pub(super) struct Meter<'m, 'c> {
    done: u64,
    total: u64,
    /// Whose entries are told of.
    side: &'m Side,
    context: &'m mut Context<'c>,
}

impl<'m, 'c> Meter<'m, 'c> {
    pub(super) fn new(total: u64, side: &'m Side, context: &'m mut Context<'c>) -> Self {
        Self { done: 0, total, side, context }
    }

    pub(super) fn hear(&mut self, news: News<'_>) {
        match news {
            News::Begun(entry) => {
                self.context.tell(Step::Copying { path: self.side.shown(&entry.path) });
            }
            News::Bytes(bytes) => {
                // The total is an estimate; the bar must not run past its end.
                self.done = self.total.min(self.done + bytes as u64);
                self.context.tell(Step::Bytes { done: self.done, total: self.total });
            }
        }
    }
}

/// Makes the tree that `manifest` lists, contents and attributes, in `to`, where nothing is yet.
/// Not durable.
pub(super) fn copy(
    from: &Side,
    to: &Side,
    manifest: &Manifest,
    context: &mut Context<'_>,
) -> Result<()> {
    let (mut files, mut links) = (Vec::new(), Vec::new());
    let mut meter = Meter::new(manifest.data(), from, context);
    for entry in &manifest.entries {
        match entry.link_to {
            Some(first) => links.push((first, entry)),
            None if entry.is_file() => files.push(entry),
            None => {
                meter.hear(News::Begun(entry));
                if entry.is_directory() {
                    to.make(&entry.path, |above, name| mkdirat(above, name, Mode::RWXU))?;
                } else {
                    named(from, to, entry)?;
                }
            }
        }
    }
    let threads = threads_for(manifest.data());
    // A file that is more than one processor's share would be waited for: another one reads it.
    let share = manifest.data() / threads as u64;
    if threads > 1 {
        // The largest first, so that none of them is what all others wait for in the end.
        files.sort_by_key(|entry| Reverse(entry.data()));
    }
    crew::work(&files, threads, &mut |news| meter.hear(news), &|entry, teller| {
        file(from, to, entry, threads > 1 && entry.data() > share, teller)
    })?;
    for (first, entry) in links {
        meter.hear(News::Begun(entry));
        link(to, &manifest.entries[first].path, &entry.path)?;
    }
    context.tell(Step::Attributes);
    // After their contents, because those change the times, and a default ACL would be inherited.
    for entry in manifest.entries.iter().rev().filter(|entry| entry.is_directory()) {
        directory_attributes(from, to, entry)?;
    }
    Ok(())
}

fn link(to: &Side, first: &Path, path: &Path) -> Result<()> {
    let shown = to.shown(path);
    let full = to.path(first);
    let (above_first, first) = super::beneath::parent(&to.base, &full).at("link", &shown)?;
    to.make(path, |above, name| linkat(&above_first, first, above, name, AtFlags::empty()))?;
    Ok(())
}

fn named(from: &Side, to: &Side, entry: &Entry) -> Result<()> {
    let shown = from.shown(&entry.path);
    let source = from.item(entry)?;
    let Item::Named(above, name) = &source else { return Err(Error::Changed(shown)) };
    let copy = if entry.file_type.is_symlink() {
        let target = readlinkat(above, name, Vec::new()).at("read", &shown)?;
        to.make(&entry.path, |above, name| symlinkat(&target, above, name))?
    } else {
        let mode = Mode::RUSR | Mode::WUSR;
        to.make(&entry.path, |above, name| mknodat(above, name, entry.file_type, mode, 0))?
    };
    attributes::apply(&copy, entry, &attributes::xattrs(&source, &shown)?, &shown)
}

fn file<'a>(
    from: &Side,
    to: &Side,
    entry: &'a Entry,
    ahead: bool,
    teller: Teller<'_, 'a>,
) -> Result<()> {
    teller(News::Begun(entry));
    let shown = from.shown(&entry.path);
    let source = from.item(entry)?;
    let Item::Open(opened) = &source else { return Err(Error::Changed(shown)) };
    let created = to.create(&entry.path)?;
    let contents = from.content(entry, opened)?;
    let copied = contents_of(&contents, &to.content(entry, &created)?, ahead, teller);
    if !copied.map_err(|source| Error::Volume { path: shown.clone(), source })? {
        return Err(Error::Changed(shown));
    }
    let wanted = attributes::xattrs(&source, &shown)?;
    attributes::apply(&Item::Open(created), entry, &wanted, &shown)
}

/// Copies what is not in holes; `false` when the file became shorter meanwhile.
fn contents_of(
    from: &Content,
    to: &Content,
    ahead: bool,
    teller: Teller<'_, '_>,
) -> volume::Result<bool> {
    from.must_be_written()?;
    let size = from.size()?;
    let mut given = 0;
    let whole = read_all(from, size, ahead && size >= LARGE, &mut |at, bytes| {
        to.write_at(at, bytes)?;
        let end = at + bytes.len() as u64;
        teller(News::Bytes(bytes.len()));
        if end / WRITE_OUT > given / WRITE_OUT {
            to.begin_write_out(given..end);
            given = end;
        }
        Ok(())
    })?;
    if whole && to.size()? < size {
        to.set_size(size)?;
    }
    Ok(whole)
}

fn directory_attributes(from: &Side, to: &Side, entry: &Entry) -> Result<()> {
    let shown = from.shown(&entry.path);
    let source = from.item(entry)?;
    let path = to.path(&entry.path);
    let copy = super::beneath::open_directory(&to.base, &path).at("open", &shown)?;
    let wanted = attributes::xattrs(&source, &shown)?;
    attributes::apply(&Item::Open(copy), entry, &wanted, &shown)
}
