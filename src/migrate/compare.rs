//! Comparing a copy with its source, byte for byte and attribute for attribute.

use super::attributes;
use super::content::Content;
use super::context::Context;
use super::copy::{Meter, piece};
use super::error::{At, Error, Result, Trait};
use super::scan::{Entry, Manifest};
use super::side::{Item, Side};
use crate::storage::with_buffer;
use crate::volume;
use rustix::fs::readlinkat;
use std::path::PathBuf;

/// Reads both trees and fails with [`Error::Differs`] at the first difference. `manifest` is the
/// source's, from before the copy.
pub(super) fn compare(
    from: &Side,
    to: &Side,
    manifest: &Manifest,
    context: &mut Context<'_>,
) -> Result<()> {
    let copy = Manifest::of(to)?;
    let mut meter = Meter::new(manifest.data());
    let differs = |path: PathBuf, what| Error::Differs { path, what };
    if manifest.entries.len() != copy.entries.len() {
        return Err(differs(from.original.clone(), Trait::Names));
    }
    for (source, copy) in manifest.entries.iter().zip(&copy.entries) {
        let shown = from.shown(&source.path);
        if source.path != copy.path {
            return Err(differs(shown, Trait::Names));
        }
        if source.link_to != copy.link_to {
            return Err(differs(shown, Trait::HardLinks));
        }
        attributes::compare(source, copy).map_err(|what| differs(shown, what))?;
        if source.link_to.is_none() {
            entry(from, to, source, copy, &mut meter, context)?;
        }
    }
    Ok(())
}

fn entry(
    from: &Side,
    to: &Side,
    source: &Entry,
    copy: &Entry,
    meter: &mut Meter,
    context: &mut Context<'_>,
) -> Result<()> {
    let shown = from.shown(&source.path);
    let (old, new) = (from.item(source)?, to.item(copy)?);
    let found = attributes::xattrs(&new, &shown)?;
    attributes::compare_xattrs(&attributes::xattrs(&old, &shown)?, found, &shown)?;
    let what = match (&old, &new) {
        (Item::Open(old), Item::Open(new)) if source.is_file() => {
            Side::forget_cached(new);
            let (old, new) = (from.content(source, old)?, to.content(copy, new)?);
            let difference = contents(&old, &new, meter, context);
            difference.map_err(|source| Error::Volume { path: shown.clone(), source })?
        }
        (Item::Named(above, name), Item::Named(above_new, name_new))
            if source.file_type.is_symlink() =>
        {
            let old = readlinkat(above, name, Vec::new()).at("read", &shown)?;
            let target = readlinkat(above_new, name_new, Vec::new()).at("read", &shown)?;
            // Reading a symlink changes its access time, and there is no way not to.
            attributes::set_times(&new, source).at("set the times of", &shown)?;
            (old != target).then_some(Trait::Target)
        }
        _ => None,
    };
    what.map_or(Ok(()), |what| Err(Error::Differs { path: shown, what }))
}

fn contents(
    old: &Content,
    new: &Content,
    meter: &mut Meter,
    context: &mut Context<'_>,
) -> volume::Result<Option<Trait>> {
    let size = old.size()?;
    if size != new.size()? {
        return Ok(Some(Trait::Size));
    }
    let mut at = 0;
    while at < size {
        // Where both have a hole, both read as zeros.
        let data = [old.seek_data(at)?, new.seek_data(at)?];
        let Some(start) = data.into_iter().flatten().min().filter(|start| *start < size) else {
            break;
        };
        let length = piece(start, size);
        let same = with_buffer(length, |old_bytes| {
            with_buffer(length, |new_bytes| {
                let read = (old.read_at(start, old_bytes)?, new.read_at(start, new_bytes)?);
                Ok::<_, volume::Error>(read == (length, length) && old_bytes == new_bytes)
            })
        })?;
        if !same {
            return Ok(Some(Trait::Contents));
        }
        at = start + length as u64;
        meter.add(length, context);
    }
    Ok(None)
}
