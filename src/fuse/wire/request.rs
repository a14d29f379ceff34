//! A request's bytes, taken apart.

use super::abi::InHeader;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use zerocopy::FromBytes;

/// What follows a request's header.
#[derive(Debug, Clone, Copy)]
pub enum Body<'b> {
    /// Arguments and the rest one after the other: from the device.
    Joined(&'b [u8]),
    /// The arguments apart from the rest: from a ring.
    Apart {
        /// The arguments, and more room than they take.
        arguments: &'b [u8],
        /// Names and data.
        rest: &'b [u8],
    },
}

impl<'b> Body<'b> {
    /// The arguments, and what follows them: names, data.
    ///
    /// # Errors
    /// `EINVAL` when the request is too short for them.
    pub fn split<T: FromBytes>(self) -> Result<(T, &'b [u8]), Errno> {
        match self {
            Self::Joined(bytes) => T::read_from_prefix(bytes).map_err(|_| Errno::INVAL),
            Self::Apart { arguments, rest } => {
                let (arguments, _) = T::read_from_prefix(arguments).map_err(|_| Errno::INVAL)?;
                Ok((arguments, rest))
            }
        }
    }

    /// The arguments of a request that has nothing else.
    ///
    /// # Errors
    /// As [`Body::split`].
    pub fn arguments<T: FromBytes>(self) -> Result<T, Errno> {
        Ok(self.split()?.0)
    }

    /// What a request consists of that has no arguments: names.
    pub fn rest(self) -> &'b [u8] {
        match self {
            Self::Joined(rest) | Self::Apart { rest, .. } => rest,
        }
    }
}

/// The name that `bytes` begin with, and what follows its zero.
///
/// # Errors
/// `EINVAL` without a zero, or a name.
pub fn name(bytes: &[u8]) -> Result<(&OsStr, &[u8]), Errno> {
    let end = bytes.iter().position(|byte| *byte == 0).filter(|end| *end > 0);
    let (name, rest) = bytes.split_at(end.ok_or(Errno::INVAL)?);
    Ok((OsStr::from_bytes(name), &rest[1..]))
}

/// The header that `bytes` begin with, and what follows it.
///
/// # Errors
/// `EINVAL` when they are too short, or their length is not the one that the header names.
pub fn header(bytes: &[u8]) -> Result<(InHeader, &[u8]), Errno> {
    let (header, body) = InHeader::read_from_prefix(bytes).map_err(|_| Errno::INVAL)?;
    if header.len as usize == bytes.len() { Ok((header, body)) } else { Err(Errno::INVAL) }
}

#[cfg(test)]
mod tests {
    use super::super::abi::{ReadIn, Rename2In};
    use super::*;
    use zerocopy::IntoBytes;

    fn renaming() -> Rename2In {
        Rename2In { new_parent: 7, flags: 1, padding: 0 }
    }

    #[test]
    fn arguments_and_names_are_found_joined_and_apart() {
        let (arguments, names) = (renaming(), b"old\0new\0");
        let joined = [arguments.as_bytes(), names].concat();
        let mut wide = arguments.as_bytes().to_vec();
        wide.resize(128, 0xEE);
        for body in [Body::Joined(&joined), Body::Apart { arguments: &wide, rest: names }] {
            let (found, rest) = body.split::<Rename2In>().unwrap();
            assert_eq!((found.new_parent, found.flags), (7, 1));
            let (old, rest) = name(rest).unwrap();
            let (new, rest) = name(rest).unwrap();
            assert_eq!((old, new, rest.len()), (OsStr::new("old"), OsStr::new("new"), 0));
        }
    }

    #[test]
    fn what_is_too_short_or_has_no_end_is_refused() {
        assert!(Body::Joined(&[0; 39]).split::<ReadIn>().is_err());
        assert!(Body::Joined(&[0; 40]).split::<ReadIn>().is_ok());
        assert!(name(b"endless").is_err());
        assert!(name(b"\0").is_err());
        assert!(name(b"").is_err());
        let whole = InHeader { len: 41, ..InHeader::default() };
        assert!(header(whole.as_bytes()).is_err());
        assert!(header(&whole.as_bytes()[..39]).is_err());
        assert!(header(&[whole.as_bytes(), b"x"].concat()).is_ok());
    }
}
