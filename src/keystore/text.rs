//! How bytes stand in the keystore's JSON: identities, hashes and keys in hex, paths with `%XX` for
//! every byte that is not printable ASCII, since names need not be UTF-8.
//!
//! Hex of keys is wiped, and no error repeats what it could not read.

use crate::crypto::Key;
use serde::de::{Deserializer, Error, Visitor};
use serde::ser::{Error as _, Serializer};
use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Lower-case hex, in memory that is wiped.
pub(super) fn to_hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Reads exactly `N` bytes of lower-case hex.
fn from_hex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    if text.len() != N * 2 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

/// `#[serde(with)]` for identities and hashes.
pub mod hex {
    use super::*;

    /// Writes lower-case hex.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<const N: usize, S: Serializer>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(bytes))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is anything else, or of another length.
    pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        read(deserializer, "lower-case hex of the right length", from_hex).map(|bytes| *bytes)
    }
}

/// `#[serde(with)]` for keys.
pub(super) mod key {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(
        key: &&Key,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(key.expose()))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Key, D::Error> {
        read(deserializer, "64 lower-case hex digits", from_hex)
            .map(|mut bytes| Key::take(&mut bytes))
    }
}

/// `#[serde(with)]` for paths.
pub(super) mod path {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(
        path: &Path,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&escape(path).map_err(S::Error::custom)?)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<PathBuf, D::Error> {
        read(deserializer, "a path in printable ASCII, other bytes as %XX", unescape)
    }
}

fn escape(path: &Path) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b' '..=b'~' if *byte != b'%' => text.push(char::from(*byte)),
            _ => write!(text, "%{byte:02x}")?,
        }
    }
    Ok(text)
}

fn unescape(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            b' '..=b'~' => byte,
            _ => return None,
        });
    }
    Some(OsString::from_vec(bytes).into())
}

/// Reads a string by `parse`.
fn read<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct Text<T>(&'static str, fn(&str) -> Option<T>);

    impl<T> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(self.0)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            (self.1)(text).ok_or_else(|| E::custom(format_args!("expected {}", self.0)))
        }
    }

    deserializer.deserialize_str(Text(expected, parse))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_path_comes_back(bytes in proptest::collection::vec(1u8.., 0..64)) {
            let path = PathBuf::from(OsString::from_vec(bytes));
            let text = escape(&path).unwrap();
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(unescape(&text), Some(path));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".{0,40}") {
            let _ = unescape(&text);
            let _ = from_hex::<16>(&text);
        }

        #[test]
        fn hex_comes_back(bytes: [u8; 16]) {
            prop_assert_eq!(*from_hex::<16>(&to_hex(&bytes)).unwrap(), bytes);
        }
    }

    #[test]
    fn half_an_escape_and_odd_hex_are_refused() {
        assert_eq!(unescape("/a%"), None);
        assert_eq!(unescape("/a%4"), None);
        assert_eq!(unescape("/a%4G"), None);
        assert_eq!(unescape("/\u{e9}"), None);
        assert!(from_hex::<2>("001").is_none());
        assert!(from_hex::<2>("00AA").is_none());
        assert!(from_hex::<2>("0é0").is_none());
    }
}
