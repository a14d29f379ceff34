//! Copying a tree from one form into the other.

use super::attributes;
use super::content::Content;
use super::context::{Context, Step};
use super::error::{At, Error, Result};
use super::scan::{Entry, Manifest};
use super::side::{Item, Side};
use crate::format::geometry::PAYLOAD;
use crate::storage::with_buffer;
use crate::volume;
use rustix::fs::{AtFlags, Mode, linkat, mkdirat, mknodat, readlinkat, symlinkat};
use std::path::Path;

/// Bytes moved at once: about 1 MiB, in whole sectors so that none is sealed twice.
pub(super) const CHUNK: u64 = 256 * PAYLOAD;

/// The length of the next piece of `start..end`, which ends on a multiple of [`CHUNK`].
pub(super) fn piece(start: u64, end: u64) -> usize {
    (CHUNK - start % CHUNK).min(end - start) as usize
}

/// Counts bytes and tells of them.
pub(super) struct Meter {
    done: u64,
    total: u64,
}

impl Meter {
    pub(super) fn new(total: u64) -> Self {
        Self { done: 0, total }
    }

    pub(super) fn add(&mut self, bytes: usize, context: &mut Context<'_>) {
        // The total is an estimate; the bar must not run past its end.
        self.done = self.total.min(self.done + bytes as u64);
        context.tell(Step::Bytes { done: self.done, total: self.total });
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
    let mut meter = Meter::new(manifest.data());
    for entry in &manifest.entries {
        context.tell(Step::Copying { path: from.shown(&entry.path) });
        match entry.link_to {
            Some(first) => link(to, &manifest.entries[first].path, &entry.path)?,
            None if entry.is_directory() => {
                to.make(&entry.path, |above, name| mkdirat(above, name, Mode::RWXU))?;
            }
            None if entry.is_file() => file(from, to, entry, &mut meter, context)?,
            None => named(from, to, entry)?,
        }
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

fn file(
    from: &Side,
    to: &Side,
    entry: &Entry,
    meter: &mut Meter,
    context: &mut Context<'_>,
) -> Result<()> {
    let shown = from.shown(&entry.path);
    let source = from.item(entry)?;
    let Item::Open(opened) = &source else { return Err(Error::Changed(shown)) };
    let created = to.create(&entry.path)?;
    let contents = from.content(entry, opened)?;
    let copied = contents_of(&contents, &to.content(entry, &created)?, meter, context);
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
    meter: &mut Meter,
    context: &mut Context<'_>,
) -> volume::Result<bool> {
    from.must_be_written()?;
    let size = from.size()?;
    let mut at = 0;
    while at < size {
        let Some(start) = from.seek_data(at)?.filter(|start| *start < size) else { break };
        let end = from.seek_hole(start)?.unwrap_or(size).clamp(start + 1, size);
        at = start;
        while at < end {
            let length = piece(at, end);
            let whole = with_buffer(length, |buffer| {
                if from.read_at(at, buffer)? < length {
                    return Ok(false);
                }
                to.write_at(at, buffer).map(|()| true)
            })?;
            if !whole {
                return Ok(false);
            }
            at += length as u64;
            meter.add(length, context);
        }
    }
    if to.size()? < size {
        to.set_size(size)?;
    }
    Ok(true)
}

fn directory_attributes(from: &Side, to: &Side, entry: &Entry) -> Result<()> {
    let shown = from.shown(&entry.path);
    let source = from.item(entry)?;
    let path = to.path(&entry.path);
    let copy = super::beneath::open_directory(&to.base, &path).at("open", &shown)?;
    let wanted = attributes::xattrs(&source, &shown)?;
    attributes::apply(&Item::Open(copy), entry, &wanted, &shown)
}
