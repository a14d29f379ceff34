//! Paths as `/proc/PID/mountinfo` writes them (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Reads a path in which white space and `\\` stand as `\\` and three octal digits; none where that is
/// broken.
pub fn path(text: &[u8]) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        if *first == b'\\' {
            let digits = std::str::from_utf8(after.get(..3)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 8).ok()?);
            rest = &after[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_digits_are_read_and_broken_ones_refused() {
        assert_eq!(path(b"/a\\040b\\134c"), Some("/a b\\c".into()));
        for broken in [&b"/a\\04"[..], b"/a\\999", b"/a\\400", b"\\"] {
            assert_eq!(path(broken), None);
        }
    }
}
