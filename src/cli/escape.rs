//! Makes names safe to show: whatever a file is called, it cannot move the cursor, forge a line or
//! turn the text around.
//!
//! Escaping what is escaped already changes nothing, so it may be done at every level.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path with control characters as `\n` or `\u{1b}`, and bytes that are no UTF-8 as `\xff`.
pub fn path(path: &Path) -> String {
    bytes(path.as_os_str().as_bytes())
}

/// The same for text that may hold a path.
pub fn text(text: &str) -> String {
    bytes(text.as_bytes())
}

fn bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_harmful(character) {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// Control characters, line separators, and the marks that change the direction of writing.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::OsStr;

    fn shown(bytes: &[u8]) -> String {
        path(Path::new(OsStr::from_bytes(bytes)))
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        assert_eq!(shown("/a b/größe–\\'x".as_bytes()), "/a b/größe–\\'x");
    }

    #[test]
    fn control_characters_invalid_bytes_and_turned_text_are_spelled_out() {
        assert_eq!(shown(b"a\nb\x1b[2J\x7f"), "a\\nb\\u{1b}[2J\\u{7f}");
        assert_eq!(shown(b"a\xffb\xc3"), "a\\xffb\\xc3");
        assert_eq!(shown("\u{202e}x\u{85}".as_bytes()), "\\u{202e}x\\u{85}");
    }

    proptest! {
        #[test]
        fn nothing_harmful_comes_through_and_twice_is_once(name: Vec<u8>) {
            let once = shown(&name);
            prop_assert!(!once.chars().any(is_harmful));
            prop_assert_eq!(text(&once), once);
        }
    }
}
