//! Where plaintext bytes lie in a ciphertext file: arithmetic, nothing else.
//!
//! ```text
//! file := empty | header(4096) sector(4096)* tail
//! ```
//!
//! The tail is a sparse extension by as many bytes as a partial last sector holds, so that the
//! physical size alone tells the plaintext size.

use std::ops::Range;

/// Bytes of a sector, and of the header.
pub const SECTOR: u64 = 4096;
/// Plaintext bytes in a full sector.
pub const PAYLOAD: u64 = 4048;
/// The largest plaintext size: its ciphertext still fits a signed 64-bit offset.
pub const MAX_SIZE: u64 = (i64::MAX as u64 / SECTOR - 4) * PAYLOAD;

/// Number of a sector in its file, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SectorIndex(pub u64);

impl SectorIndex {
    /// The sector that holds the plaintext byte at `offset`.
    pub fn of(offset: u64) -> Self {
        Self(offset / PAYLOAD)
    }

    /// Its position in the ciphertext file, in bytes.
    pub fn position(self) -> u64 {
        SECTOR + self.0 * SECTOR
    }

    /// The plaintext offset of its first byte.
    pub fn offset(self) -> u64 {
        self.0 * PAYLOAD
    }
}

/// Number of sectors that a plaintext of `size` bytes takes.
pub fn sectors(size: u64) -> u64 {
    size.div_ceil(PAYLOAD)
}

/// Physical size of a plaintext of `size` bytes, its tail included.
pub fn ciphertext_size(size: u64) -> u64 {
    if size == 0 { 0 } else { SECTOR + sectors(size) * SECTOR + size % PAYLOAD }
}

/// What a physical size says about a file before anything was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Whole sectors after the header.
    pub sectors: u64,
    /// Plaintext bytes that the size claims for the last of them; 0 without sectors.
    pub last_length: u64,
}

impl Shape {
    /// Reads the shape off a physical size. Sizes that this format never leaves claim a full last
    /// sector; the sector itself decides when the file is opened.
    pub fn of(physical: u64) -> Self {
        let body = physical.saturating_sub(SECTOR);
        let (sectors, tail) = (body / SECTOR, body % SECTOR);
        let last_length = match (sectors, tail) {
            (0, _) => 0,
            (_, 1..PAYLOAD) => tail,
            _ => PAYLOAD,
        };
        Self { sectors, last_length }
    }

    /// The plaintext size claimed, as `stat` shows it.
    pub fn size(self) -> u64 {
        self.sectors.saturating_sub(1) * PAYLOAD + self.last_length
    }
}

/// The part of one sector that a plaintext range covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The sector.
    pub index: SectorIndex,
    /// Bytes within its payload.
    pub within: Range<usize>,
}

/// The sectors that the plaintext range of `length` bytes at `offset` touches.
pub fn touched(offset: u64, length: u64) -> Range<u64> {
    match offset.saturating_add(length) {
        end if end > offset => offset / PAYLOAD..(end - 1) / PAYLOAD + 1,
        _ => 0..0,
    }
}

/// Splits the plaintext range of `length` bytes at `offset` into spans, one a sector, in order.
pub fn spans(offset: u64, length: u64) -> impl Iterator<Item = Span> {
    let end = offset.saturating_add(length);
    touched(offset, length).map(move |index| {
        let start = index * PAYLOAD;
        let from = offset.saturating_sub(start).min(PAYLOAD) as usize;
        let to = (end - start).min(PAYLOAD) as usize;
        Span { index: SectorIndex(index), within: from..to }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_physical_size_tells_the_plaintext_size(size in 0..MAX_SIZE) {
            prop_assert_eq!(Shape::of(ciphertext_size(size)).size(), size);
        }

        #[test]
        fn any_physical_size_has_a_shape(physical: u64) {
            let shape = Shape::of(physical);
            prop_assert!(shape.last_length <= PAYLOAD);
            prop_assert!(shape.size() <= physical);
        }

        #[test]
        fn spans_cover_the_range_once_and_in_order(
            offset in 0..100_000u64,
            length in 0..100_000u64,
        ) {
            let mut next = offset;
            for span in spans(offset, length) {
                prop_assert_eq!(span.index.offset() + span.within.start as u64, next);
                prop_assert!(!span.within.is_empty());
                next += span.within.len() as u64;
            }
            prop_assert_eq!(next, offset + length);
        }
    }

    /// > The size is exactly that of the plaintext; the ciphertext takes 4096 bytes for the file
    /// > and 4096 for each 4048 bytes of it.
    #[test]
    fn sizes_around_a_sector_are_as_specified() {
        let cases = [
            (0, 0),
            (1, 8193),
            (4047, 4096 + 4096 + 4047),
            (4048, 8192),
            (4049, 4096 + 8192 + 1),
            (8096, 4096 + 8192),
        ];
        for (plain, physical) in cases {
            assert_eq!(ciphertext_size(plain), physical);
        }
    }
}
