//! Tag, type, length, value: how KMIP writes everything (KMIP 1.4, section 9.1). Integers are big endian,
//! values are padded to 8 bytes.

use crate::crypto::SecretBytes;

/// The types that are known here, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Type {
    Structure = 1,
    Integer = 2,
    Enumeration = 5,
    Text = 7,
    Bytes = 8,
}

/// One item of a structure. The value is without its padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub tag: u32,
    pub kind: u8,
    pub value: &'a [u8],
}

/// Takes the first item off; none when there is none that is whole.
pub(super) fn split(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let tag = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
    let (value, rest) = rest.split_at_checked(length)?;
    let padding = length.next_multiple_of(8) - length;
    Some((Item { tag, kind: head[3], value }, rest.get(padding..)?))
}

impl<'a> Item<'a> {
    /// The first item of that tag in this structure; everything before it must be whole.
    pub fn find(self, tag: u32) -> Option<Item<'a>> {
        let mut rest = self.structure()?;
        while !rest.is_empty() {
            let (item, after) = split(rest)?;
            if item.tag == tag {
                return Some(item);
            }
            rest = after;
        }
        None
    }

    fn structure(self) -> Option<&'a [u8]> {
        (self.kind == Type::Structure as u8).then_some(self.value)
    }

    /// An integer's or an enumeration's value.
    pub fn number(self) -> Option<u32> {
        let known = self.kind == Type::Integer as u8 || self.kind == Type::Enumeration as u8;
        Some(u32::from_be_bytes(self.value.try_into().ok().filter(|_| known)?))
    }

    /// A text's value.
    pub fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.value).ok().filter(|_| self.kind == Type::Text as u8)
    }

    /// A byte string's value.
    pub fn bytes(self) -> Option<&'a [u8]> {
        (self.kind == Type::Bytes as u8).then_some(self.value)
    }
}

/// Writes one item.
pub(super) fn item(tag: u32, kind: Type, value: &[u8]) -> Vec<u8> {
    let mut bytes = tag.to_be_bytes()[1..].to_vec();
    bytes.push(kind as u8);
    bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// Writes a structure.
pub(super) fn structure(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    item(tag, Type::Structure, &items.concat())
}

/// Writes an integer.
pub(super) fn integer(tag: u32, value: i32) -> Vec<u8> {
    item(tag, Type::Integer, &value.to_be_bytes())
}

/// Writes an enumeration.
pub(super) fn enumeration(tag: u32, value: u32) -> Vec<u8> {
    item(tag, Type::Enumeration, &value.to_be_bytes())
}

/// How long the message is whose first 8 bytes these are.
pub(super) fn message_length(head: &[u8; 8]) -> usize {
    8 + u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize
}

/// A copy in memory that is wiped.
pub(super) fn copied(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The examples of KMIP 1.4, section 9.1.2.
    #[test]
    fn items_are_written_as_the_specification_s_examples() {
        assert_eq!(integer(0x42_0020, 8), [0x42, 0, 0x20, 2, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 0]);
        assert_eq!(
            enumeration(0x42_0020, 255),
            [0x42, 0, 0x20, 5, 0, 0, 0, 4, 0, 0, 0, 0xff, 0, 0, 0, 0]
        );
        let text = b"\x42\x00\x20\x07\0\0\0\x0bHello World\0\0\0\0\0";
        assert_eq!(item(0x42_0020, Type::Text, b"Hello World"), text);
        let bytes = b"\x42\x00\x20\x08\0\0\0\x03\x01\x02\x03\0\0\0\0\0";
        assert_eq!(item(0x42_0020, Type::Bytes, &[1, 2, 3]), bytes);
        let inner = [enumeration(0x42_0004, 254), integer(0x42_0005, 255)];
        let whole = structure(0x42_0020, &inner);
        assert_eq!(whole[..8], [0x42, 0, 0x20, 1, 0, 0, 0, 0x20]);
        let (item, rest) = split(&whole).unwrap();
        assert_eq!(item.find(0x42_0005).unwrap().number(), Some(255));
        assert!(rest.is_empty() && item.find(0x42_0006).is_none());
        assert_eq!(message_length(whole.first_chunk().unwrap()), whole.len());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
            if let Some((item, _)) = split(&bytes) {
                let _ = (item.find(0x42_0005), item.number(), item.text(), item.bytes());
            }
        }
    }
}
