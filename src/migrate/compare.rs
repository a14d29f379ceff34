//! Comparing a copy with its source, byte for byte and attribute for attribute.

use super::attributes;
use super::content::Content;
use super::context::Context;
use super::copy::Meter;
use super::crew::{self, News, Teller, threads_for};
use super::error::{At, Error, Result, Trait};
use super::pieces::{CHUNK, piece};
use super::scan::{Entry, Manifest};
use super::side::{Item, Side};
use crate::format::geometry::MAX_SIZE;
use crate::storage::with_buffer;
use crate::volume;
use rustix::fs::readlinkat;
use std::ops::Range;
use std::path::PathBuf;

/// Bytes of a file that one thread compares: about 64 MiB.
const PART: u64 = 64 * CHUNK;

/// Parts of one file at most.
const MAX_PARTS: u64 = 1024;

/// Reads both trees and fails with [`Error::Differs`] at the first difference. `manifest` is the
/// source's, from before the copy.
pub(super) fn compare(
    from: &Side,
    to: &Side,
    manifest: &Manifest,
    context: &mut Context<'_>,
) -> Result<()> {
    let copy = Manifest::of(to)?;
    let differs = |path: PathBuf, what| Error::Differs { path, what };
    if manifest.entries.len() != copy.entries.len() {
        return Err(differs(from.original.clone(), Trait::Names));
    }
    let mut parts = Vec::new();
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
            parts.extend(Part::all_of(source, copy));
        }
    }
    let mut meter = Meter::new(manifest.data(), from, context);
    let threads = threads_for(manifest.data());
    crew::work(&parts, threads, &mut |news| meter.hear(news), &|part, teller| {
        compare_part(from, to, part, teller)
    })
}

/// What one thread compares: an entry, or a range of the contents of a large file.
struct Part<'m> {
    source: &'m Entry,
    copy: &'m Entry,
    range: Range<u64>,
}

impl<'m> Part<'m> {
    fn all_of(source: &'m Entry, copy: &'m Entry) -> impl Iterator<Item = Self> {
        let size = if source.is_file() { source.size.max(copy.size) } else { 0 };
        ranges(size).map(move |range| Self { source, copy, range })
    }
}

/// Ranges that are compared by themselves: at least one, from 0 to [`MAX_SIZE`].
fn ranges(size: u64) -> impl Iterator<Item = Range<u64>> {
    let size = size.min(MAX_SIZE);
    // Of files with large holes not too many.
    let part = PART.max(size.div_ceil(MAX_PARTS).next_multiple_of(CHUNK));
    let count = size.div_ceil(part).max(1);
    (0..count).map(move |n| n * part..if n + 1 == count { MAX_SIZE } else { (n + 1) * part })
}

fn compare_part(from: &Side, to: &Side, part: &Part<'_>, teller: Teller<'_, '_>) -> Result<()> {
    let Part { source, copy, range } = part;
    let shown = from.shown(&source.path);
    let (old, new) = (from.item(source)?, to.item(copy)?);
    if range.start == 0 {
        let found = attributes::xattrs(&new, &shown)?;
        attributes::compare_xattrs(&attributes::xattrs(&old, &shown)?, found, &shown)?;
    }
    let what = match (&old, &new) {
        (Item::Open(old), Item::Open(new)) if source.is_file() => {
            to.forget_cached(new, range);
            let (old, new) = (from.content(source, old)?, to.content(copy, new)?);
            let difference = contents(&old, &new, range, teller);
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
    range: &Range<u64>,
    teller: Teller<'_, '_>,
) -> volume::Result<Option<Trait>> {
    let size = old.size()?;
    if size != new.size()? {
        return Ok(Some(Trait::Size));
    }
    let (mut at, end) = (range.start, range.end.min(size));
    while at < end {
        // Where both have a hole, both read as zeros.
        let data = [old.seek_data(at)?, new.seek_data(at)?];
        let Some(start) = data.into_iter().flatten().min().filter(|start| *start < end) else {
            break;
        };
        let length = piece(start, end);
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
        teller(News::Bytes(length));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_each_other_to_the_end() {
        for size in [0, 1, PART, PART + 1, 10 * PART, 1 << 50, MAX_SIZE - 1, MAX_SIZE, u64::MAX] {
            let ranges: Vec<_> = ranges(size).collect();
            assert!((1..=MAX_PARTS as usize).contains(&ranges.len()), "{size}");
            assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, MAX_SIZE), "{size}");
            assert!(ranges.iter().all(|range| !range.is_empty()), "{size}");
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{size}");
        }
        assert_eq!(ranges(PART + 1).count(), 2);
    }
}
