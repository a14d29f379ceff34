//! TTLV, KMIP's encoding: tag, type, length, value, each value padded to eight bytes.
//!
//! A reader walks over bytes that a stranger sent: it never goes deeper by itself, allocates nothing, and
//! cannot leave what it was given. Knows no message.

use zeroize::Zeroizing;

/// Bytes before each value.
pub const HEADER: usize = 8;

/// The types that are used here, by the standard's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Items.
    Structure = 1,
    /// 32 bits, signed.
    Integer = 2,
    /// 32 bits that name something.
    Enumeration = 5,
    /// UTF-8.
    Text = 7,
    /// Bytes.
    Bytes = 8,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It ends within an item.
    #[error("it ends too early")]
    Short,
    /// The item that must come next does not.
    #[error("{0:06x} is missing")]
    Missing(u32),
    /// An item is of another type than its tag says.
    #[error("{0:06x} is of another type")]
    Type(u32),
    /// A number or text of an impossible length, or text that is none.
    #[error("{0:06x} has a value that cannot be")]
    Value(u32),
    /// More than anybody could mean.
    #[error("it is too long")]
    Long,
    /// It is about several things; one was asked for.
    #[error("it answers several questions, and one was asked")]
    Several,
}

/// One item.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    /// What it is.
    pub tag: u32,
    kind: u8,
    value: &'a [u8],
}

impl<'a> Item<'a> {
    fn is(&self, kind: Kind) -> Result<(), Malformed> {
        if self.kind == kind as u8 { Ok(()) } else { Err(Malformed::Type(self.tag)) }
    }

    /// The items within.
    ///
    /// # Errors
    /// When it is no structure.
    pub fn items(&self) -> Result<Items<'a>, Malformed> {
        self.is(Kind::Structure)?;
        Ok(Items { rest: self.value })
    }

    /// A number that names something.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn enumeration(&self) -> Result<u32, Malformed> {
        self.is(Kind::Enumeration)?;
        self.word()
    }

    /// A number.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn integer(&self) -> Result<u32, Malformed> {
        self.is(Kind::Integer)?;
        self.word()
    }

    fn word(&self) -> Result<u32, Malformed> {
        let word = self.value.try_into().map_err(|_| Malformed::Value(self.tag))?;
        Ok(u32::from_be_bytes(word))
    }

    /// Text.
    ///
    /// # Errors
    /// When it is of another type, or no UTF-8.
    pub fn text(&self) -> Result<&'a str, Malformed> {
        self.is(Kind::Text)?;
        std::str::from_utf8(self.value).map_err(|_| Malformed::Value(self.tag))
    }

    /// Bytes.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn bytes(&self) -> Result<&'a [u8], Malformed> {
        self.is(Kind::Bytes)?;
        Ok(self.value)
    }
}

/// Items one after the other.
#[derive(Clone, Copy)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    /// The items that a message consists of.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next one, if any.
    ///
    /// # Errors
    /// When the bytes end before it does.
    pub fn next(&mut self) -> Result<Option<Item<'a>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (header, rest) = self.rest.split_first_chunk::<HEADER>().ok_or(Malformed::Short)?;
        let length = value_length(header);
        let padded = length.checked_next_multiple_of(8).ok_or(Malformed::Long)?;
        let (value, rest) = rest.split_at_checked(padded).ok_or(Malformed::Short)?;
        self.rest = rest;
        let [high, middle, low, kind, ..] = *header;
        let tag = u32::from_be_bytes([0, high, middle, low]);
        Ok(Some(Item { tag, kind, value: value.get(..length).ok_or(Malformed::Short)? }))
    }

    /// The first item with this tag from here on; those before it are passed over.
    ///
    /// # Errors
    /// When the bytes end before it does.
    pub fn find(&mut self, tag: u32) -> Result<Option<Item<'a>>, Malformed> {
        while let Some(item) = self.next()? {
            if item.tag == tag {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// The same, where it must be.
    ///
    /// # Errors
    /// When there is none.
    pub fn need(&mut self, tag: u32) -> Result<Item<'a>, Malformed> {
        self.find(tag)?.ok_or(Malformed::Missing(tag))
    }
}

/// The length that the header of an item tells, without padding.
pub fn value_length(header: &[u8; HEADER]) -> usize {
    let [.., a, b, c, d] = *header;
    usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX)
}

/// Writes a structure, whose items `inside` writes.
pub fn structure(
    out: &mut Zeroizing<Vec<u8>>,
    tag: u32,
    inside: impl FnOnce(&mut Zeroizing<Vec<u8>>),
) {
    header(out, tag, Kind::Structure, 0);
    let start = out.len();
    inside(out);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start - 4..start) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// Writes a number: an integer or an enumeration.
pub fn number(out: &mut Zeroizing<Vec<u8>>, tag: u32, kind: Kind, value: u32) {
    primitive(out, tag, kind, &value.to_be_bytes());
}

/// Writes text.
pub fn text(out: &mut Zeroizing<Vec<u8>>, tag: u32, text: &str) {
    primitive(out, tag, Kind::Text, text.as_bytes());
}

fn primitive(out: &mut Zeroizing<Vec<u8>>, tag: u32, kind: Kind, value: &[u8]) {
    header(out, tag, kind, u32::try_from(value.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(value);
    let padded = out.len().next_multiple_of(8);
    out.resize(padded, 0);
}

fn header(out: &mut Zeroizing<Vec<u8>>, tag: u32, kind: Kind, length: u32) {
    let [_, tag @ ..] = tag.to_be_bytes();
    out.extend_from_slice(&tag);
    out.push(kind as u8);
    out.extend_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
#[path = "ttlv_tests.rs"]
mod tests;
