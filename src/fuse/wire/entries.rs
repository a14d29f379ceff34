//! The entries of a directory, one after another in the kernel's buffer.

use super::abi::{Dirent, EntryOut};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use zerocopy::IntoBytes;

/// What an entry is said to be.
pub struct Named<'n> {
    pub ino: u64,
    /// Where the one after it is.
    pub next: u64,
    /// The type bits of its mode, shifted down (`DT_REG` and so on).
    pub kind: u32,
    pub name: &'n OsStr,
}

/// A buffer that entries are put into.
pub struct Entries<'b> {
    buffer: &'b mut [u8],
    used: usize,
}

impl<'b> Entries<'b> {
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, used: 0 }
    }

    /// Bytes that the entries take.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Adds an entry; `false` when there is no room for it.
    #[must_use]
    pub fn add(&mut self, named: &Named<'_>) -> bool {
        self.put(&[], named)
    }

    /// Adds an entry with what a lookup of it would give; `false` when there is no room for it.
    #[must_use]
    pub fn add_looked_up(&mut self, entry: &EntryOut, named: &Named<'_>) -> bool {
        self.put(entry.as_bytes(), named)
    }

    fn put(&mut self, before: &[u8], named: &Named<'_>) -> bool {
        let name = named.name.as_bytes();
        let Ok(name_len) = u32::try_from(name.len()) else { return false };
        let entry = Dirent { ino: named.ino, next: named.next, name_len, kind: named.kind };
        let parts = [before, entry.as_bytes(), name];
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let room = &mut self.buffer[self.used..];
        if length.next_multiple_of(8) > room.len() {
            return false;
        }
        let mut at = 0;
        for part in parts {
            room[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        room[at..at.next_multiple_of(8)].fill(0);
        self.used += at.next_multiple_of(8);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_none_is_cut() {
        let mut buffer = [0xEE; 24 + 8 + 24 + 8 + 31];
        let mut entries = Entries::new(&mut buffer);
        let name = |name| Named { ino: 5, next: 9, kind: 8, name: OsStr::new(name) };
        assert!(entries.add(&name("abc")));
        assert!(entries.add(&name("abcdefgh")));
        assert!(!entries.add(&name("x")));
        assert_eq!(entries.used(), 64);
        assert_eq!(
            &buffer[..32],
            b"\x05\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x03\0\0\0\x08\0\0\0abc\0\0\0\0\0"
        );
        assert_eq!(&buffer[56..65], b"abcdefgh\xEE");
    }

    #[test]
    fn an_entry_with_attributes_is_behind_them() {
        let mut buffer = [0xEE; 160];
        let mut entries = Entries::new(&mut buffer);
        let looked_up = EntryOut { node: 3, ..EntryOut::default() };
        assert!(
            entries.add_looked_up(
                &looked_up,
                &Named { ino: 3, next: 1, kind: 4, name: OsStr::new("d") }
            )
        );
        assert_eq!((entries.used(), buffer[0], buffer[128], buffer[152]), (160, 3, 3, b'd'));
    }
}
