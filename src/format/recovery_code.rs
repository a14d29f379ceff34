//! A recovery code as it is printed: 160 random bits in eight groups, each with a check character.
//!
//! A group is four characters of Crockford's base 32 (20 bits, most significant first) and one by the
//! Luhn algorithm modulo 32, begun with the group's number so that exchanged groups are noticed. It
//! notices every single wrong character and every exchange of two neighbours but that of `0` and
//! `Z`; a whole code that is wrong opens nothing anyway.
//!
//! Read back, case, spaces and dashes of any kind do not matter, `O` is `0`, `I` and `L` are `1`.

use crate::crypto::{self, SecretBytes};
use zeroize::Zeroizing;

/// Bytes of a code.
pub const LEN: usize = 20;

const GROUPS: usize = 8;
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Why text is refused as a recovery code. Groups are counted from 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum Error {
    /// It has not 40 characters.
    #[error("a recovery code has {GROUPS} groups of 5 characters; this has {0} characters")]
    Length(usize),
    /// A character that no code has.
    #[error("group {0} has a character that no recovery code has")]
    Character(usize),
    /// A group whose check character is wrong.
    #[error("group {0} is mistyped, or not in its place")]
    Check(usize),
}

/// Draws a new code.
///
/// # Errors
/// [`crypto::Error::Random`] when the kernel gives no random bytes.
pub fn generate() -> crypto::Result<SecretBytes> {
    let mut code = SecretBytes::new(vec![0; LEN]);
    crypto::fill_random(code.expose_mut())?;
    Ok(code)
}

/// A code's text, `XXXXX-XXXXX-…`, in memory that wipes itself. Bytes beyond [`LEN`] are not shown.
pub fn encode(code: &SecretBytes) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(GROUPS * 6));
    for (number, bits) in groups(code.expose()).into_iter().enumerate() {
        if number > 0 {
            text.push('-');
        }
        let group = [bits >> 15, bits >> 10, bits >> 5, bits].map(|bits| (bits & 31) as u8);
        for digit in group.into_iter().chain([check(number, group)]) {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}

/// Reads a code.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn decode(text: &[u8]) -> Result<SecretBytes, Error> {
    let text = std::str::from_utf8(text).map_err(|_| Error::Character(1))?;
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    for character in text.chars().filter(|c| !is_separator(*c)) {
        let group = digits.len() / 5 + 1;
        digits.push(digit(character).ok_or(Error::Character(group))?);
    }
    if digits.len() != GROUPS * 5 {
        return Err(Error::Length(digits.len()));
    }
    let mut code = SecretBytes::new(Vec::with_capacity(LEN));
    let (mut bits, mut held) = (0u64, 0);
    for (number, group) in digits.chunks_exact(5).enumerate() {
        let data = [group[0], group[1], group[2], group[3]];
        if check(number, data) != group[4] {
            return Err(Error::Check(number + 1));
        }
        for digit in data {
            (bits, held) = (bits << 5 | u64::from(digit), held + 5);
            if held >= 8 {
                held -= 8;
                code.expose_mut().push((bits >> held) as u8);
                bits &= (1 << held) - 1;
            }
        }
    }
    Ok(code)
}

/// The code's bits, 20 a group.
fn groups(code: &[u8]) -> Zeroizing<[u32; GROUPS]> {
    let mut groups = Zeroizing::new([0; GROUPS]);
    for (bit, byte) in
        code.iter().take(LEN).flat_map(|byte| (0..8).rev().map(move |b| byte >> b & 1)).enumerate()
    {
        groups[bit / 20] = groups[bit / 20] << 1 | u32::from(byte);
    }
    groups
}

/// Luhn modulo 32 over the group's number and its data.
fn check(number: usize, data: [u8; 4]) -> u8 {
    let digits = [number as u8, data[0], data[1], data[2], data[3]];
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (place, digit)| {
        let weighed = if place % 2 == 0 { u32::from(*digit) * 2 } else { u32::from(*digit) };
        sum + weighed / 32 + weighed % 32
    });
    ((32 - sum % 32) % 32) as u8
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn digit(character: char) -> Option<u8> {
    let character = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    DIGITS.iter().position(|digit| char::from(*digit) == character).map(|at| at as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> String {
        encode(&SecretBytes::new(bytes.to_vec())).to_string()
    }

    fn error(text: &str) -> Option<Error> {
        decode(text.as_bytes()).err()
    }

    #[test]
    fn a_code_is_eight_groups_that_can_be_read_back_however_they_are_typed() {
        let bytes: Vec<u8> = (0..20).map(|byte| byte * 13).collect();
        let code = text(&bytes);
        assert_eq!(code.len(), 47);
        assert!(code.split('-').all(|group| group.len() == 5));
        let sloppy =
            code.to_lowercase().replace('-', " \u{2013} ").replace('0', "o").replace('1', "l");
        for typed in [code.as_str(), &sloppy, &code.replace('-', "")] {
            assert_eq!(decode(typed.as_bytes()).unwrap().expose(), bytes, "{typed}");
        }
    }

    #[test]
    fn a_drawn_code_is_never_the_same_twice() {
        assert_ne!(generate().unwrap().expose(), generate().unwrap().expose());
        assert_eq!(generate().unwrap().expose().len(), LEN);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_group() {
        let code = text(&[0x5a; 20]);
        assert_eq!(error(""), Some(Error::Length(0)));
        assert_eq!(error(&code[..46]), Some(Error::Length(39)));
        assert_eq!(error(&code.replacen(&code[12..13], "U", 1)), Some(Error::Character(1)));
        let mut groups: Vec<&str> = code.split('-').collect();
        groups.swap(2, 6);
        assert_eq!(error(&groups.join("-")), Some(Error::Check(3)));
    }

    proptest! {
        #[test]
        fn any_code_comes_back(bytes in proptest::collection::vec(any::<u8>(), 20)) {
            let read = decode(text(&bytes).as_bytes()).unwrap();
            prop_assert_eq!(read.expose(), bytes);
        }

        #[test]
        fn one_wrong_character_is_noticed_in_its_group(
            bytes in proptest::collection::vec(any::<u8>(), 20), at in 0usize..40, other in 0usize..32,
        ) {
            let code: Vec<u8> = text(&bytes).bytes().filter(|byte| *byte != b'-').collect();
            prop_assume!(code[at] != DIGITS[other]);
            let mut wrong = code.clone();
            wrong[at] = DIGITS[other];
            prop_assert_eq!(decode(&wrong).err(), Some(Error::Check(at / 5 + 1)));
        }

        #[test]
        fn exchanged_neighbours_are_noticed_but_for_0_and_z(
            bytes in proptest::collection::vec(any::<u8>(), 20), group in 0usize..8, at in 0usize..4,
        ) {
            let mut code: Vec<u8> = text(&bytes).bytes().filter(|byte| *byte != b'-').collect();
            let at = group * 5 + at;
            let pair = [code[at], code[at + 1]];
            prop_assume!(pair[0] != pair[1] && pair != *b"0Z" && pair != *b"Z0");
            code.swap(at, at + 1);
            prop_assert_eq!(decode(&code).err(), Some(Error::Check(group + 1)));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".{0,60}") {
            let _ = decode(text.as_bytes());
        }
    }
}
