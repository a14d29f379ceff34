//! From the tree's errors to the kernel's numbers, in one exhaustive match.

use super::Refusal;
use crate::volume::Error;
use rustix::io::Errno;

/// The number that a caller sees. Damage is `EIO` and nothing else is.
pub fn errno_of(error: &Error) -> Errno {
    match error {
        Error::Io(error) => Errno::from_io_error(error).unwrap_or(Errno::IO),
        Error::Header(_) | Error::Sector { .. } | Error::Erased(_) | Error::Cut(_) => Errno::IO,
        Error::NotReencrypted { .. } | Error::NotKept(_) | Error::Unwritten => Errno::IO,
        Error::Seal(_) | Error::SyncFailed => Errno::IO,
        Error::OtherSize => Errno::STALE,
        Error::ReadOnly => Errno::ROFS,
        Error::TooLarge => Errno::FBIG,
        Error::NotFound => Errno::NOENT,
        Error::WrongKind => Errno::INVAL,
        Error::Fixed => Errno::PERM,
        Error::UnknownCategory => Errno::ACCESS,
        Error::CrossCategory => Errno::XDEV,
        Error::Unsupported => Errno::OPNOTSUPP,
    }
}

impl From<Refusal> for Errno {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied | Refusal::LookAgain => Self::ACCESS,
            Refusal::Fixed | Refusal::Frozen => Self::BUSY,
            Refusal::CrossLocation => Self::XDEV,
        }
    }
}
