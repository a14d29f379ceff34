//! Which loader an ELF program asks for (`PT_INTERP`, System V gABI chapter 5).
//!
//! Reads the file header, the program headers and one name, each bounded; whatever is odd about them
//! is an error. Nothing else of ELF is known here.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Program headers that are looked at; real programs have about a dozen.
const MOST_HEADERS: u64 = 512;
/// Longest name of a loader, in bytes.
const LONGEST_NAME: u64 = 4096;
/// `p_type` of the header that names the loader.
const PT_INTERP: u64 = 3;

/// Why the loader of a file cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No ELF file of this machine's byte order.
    #[error("it is no ELF program")]
    NotElf,
    /// Offsets or sizes that lead nowhere.
    #[error("its ELF headers are damaged")]
    Damaged,
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// Where the fields stand in one of the two classes.
struct Class {
    /// Bytes of an offset or size.
    word: usize,
    phoff: usize,
    phentsize: usize,
    phnum: usize,
    p_offset: usize,
    p_filesz: usize,
    header: usize,
}

const BITS_32: Class =
    Class { word: 4, phoff: 28, phentsize: 42, phnum: 44, p_offset: 4, p_filesz: 16, header: 32 };
const BITS_64: Class =
    Class { word: 8, phoff: 32, phentsize: 54, phnum: 56, p_offset: 8, p_filesz: 32, header: 56 };

/// The loader that the program asks for; none when it is static. `read_at` fills the whole buffer
/// from an offset, or fails.
///
/// # Errors
/// [`Error`].
pub fn loader(
    read_at: impl Fn(u64, &mut [u8]) -> io::Result<()>,
) -> Result<Option<PathBuf>, Error> {
    let read = |offset: u64, length: u64| {
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| Error::Damaged)?];
        read_at(offset, &mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Damaged,
            _ => Error::Unreadable(error),
        })?;
        Ok::<_, Error>(bytes)
    };
    let ident = read(0, 16).map_err(|error| match error {
        Error::Damaged => Error::NotElf,
        other => other,
    })?;
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    if !ident.starts_with(b"\x7fELF") || ident[5] != order {
        return Err(Error::NotElf);
    }
    let (class, size) = match ident[4] {
        1 => (BITS_32, 52),
        2 => (BITS_64, 64),
        _ => return Err(Error::NotElf),
    };
    let file = read(0, size)?;
    let entry = number(&file, class.phentsize, 2)?;
    let count = number(&file, class.phnum, 2)?;
    let offset = number(&file, class.phoff, class.word)?;
    if count == 0 {
        return Ok(None);
    }
    if count > MOST_HEADERS || entry < class.header as u64 || entry > 1024 {
        return Err(Error::Damaged);
    }
    let headers = read(offset, entry * count)?;
    for header in headers.chunks_exact(usize::try_from(entry).map_err(|_| Error::Damaged)?) {
        if number(header, 0, 4)? != PT_INTERP {
            continue;
        }
        let length = number(header, class.p_filesz, class.word)?;
        if !(2..=LONGEST_NAME).contains(&length) {
            return Err(Error::Damaged);
        }
        return name(read(number(header, class.p_offset, class.word)?, length)?).map(Some);
    }
    Ok(None)
}

fn number(bytes: &[u8], at: usize, width: usize) -> Result<u64, Error> {
    let field = bytes.get(at..at + width).ok_or(Error::Damaged)?;
    let mut value = [0; 8];
    if cfg!(target_endian = "little") {
        value[..width].copy_from_slice(field);
        Ok(u64::from_le_bytes(value))
    } else {
        value[8 - width..].copy_from_slice(field);
        Ok(u64::from_be_bytes(value))
    }
}

/// The name without the zero byte that ends it.
fn name(mut bytes: Vec<u8>) -> Result<PathBuf, Error> {
    if bytes.pop() != Some(0) || bytes.contains(&0) || bytes.first() != Some(&b'/') {
        return Err(Error::Damaged);
    }
    Ok(OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::FileExt;

    fn of(bytes: &[u8]) -> Result<Option<PathBuf>, Error> {
        loader(|offset, buffer| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let end = start.checked_add(buffer.len());
            let part = end.and_then(|end| bytes.get(start..end));
            buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    /// A 64-bit program with these program headers' types, the last one's name behind them.
    fn program(types: &[u32], name: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = types.len().try_into().unwrap();
        let names = 64 + 56 * types.len();
        for kind in types {
            let mut header = [0; 56];
            header[..4].copy_from_slice(&kind.to_le_bytes());
            header[8..16].copy_from_slice(&(names as u64).to_le_bytes());
            header[32..40].copy_from_slice(&(name.len() as u64).to_le_bytes());
            bytes.extend(header);
        }
        bytes.extend(name);
        bytes
    }

    #[test]
    fn the_loader_is_named_or_there_is_none() {
        assert_eq!(of(&program(&[6, 3], b"/lib/ld.so\0")).unwrap(), Some("/lib/ld.so".into()));
        assert_eq!(of(&program(&[1, 1], b"")).unwrap(), None);
        assert_eq!(of(&program(&[], b"")).unwrap(), None);
    }

    #[test]
    fn this_very_program_has_a_loader_that_exists() {
        let file = std::fs::File::open("/bin/sh").unwrap();
        let found = loader(|offset, buffer| file.read_exact_at(buffer, offset)).unwrap();
        assert!(found.unwrap().exists());
    }

    #[test]
    fn what_is_no_program_or_damaged_is_told() {
        for bytes in
            [&b""[..], b"#!/bin/sh\n", b"\x7fELF", &[0; 64], b"\x7fELF\x03\x01aaaaaaaaaaaa"]
        {
            assert!(matches!(of(bytes), Err(Error::NotElf)), "{bytes:?}");
        }
        for name in [&b"ld.so\0"[..], b"/ld.so", b"/a\0b\0", b"\0", b""] {
            assert!(matches!(of(&program(&[3], name)), Err(Error::Damaged)), "{name:?}");
        }
        let cut = program(&[3], b"/lib/ld.so\0");
        assert!(matches!(of(&cut[..70]), Err(Error::Damaged)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..300),
            header: bool,
            class in 1u8..=2,
        ) {
            if header && bytes.len() > 6 {
                bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, 1]);
            }
            let _ = of(&bytes);
        }

        #[test]
        fn any_changed_byte_is_read_without_a_panic(at in 0usize..190, to: u8) {
            let mut bytes = program(&[6, 3], b"/lib64/ld-linux.so.2\0");
            let length = bytes.len();
            bytes[at % length] = to;
            let _ = of(&bytes);
        }
    }
}
