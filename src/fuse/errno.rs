//! From the tree's errors to the kernel's numbers, in one exhaustive match.

use super::Refusal;
use crate::volume::Error;
use fuser::Errno;

/// The number that a caller sees. Damage is `EIO` and nothing else is.
pub fn errno_of(error: &Error) -> Errno {
    match error {
        Error::Io(error) => error.raw_os_error().map_or(Errno::EIO, Errno::from_i32),
        Error::Header(_) | Error::Sector { .. } | Error::Erased(_) | Error::Cut(_) => Errno::EIO,
        Error::NotReencrypted { .. } | Error::NotKept(_) | Error::Unwritten => Errno::EIO,
        Error::Seal(_) | Error::SyncFailed => Errno::EIO,
        Error::ReadOnly => Errno::EROFS,
        Error::TooLarge => Errno::EFBIG,
        Error::NotFound => Errno::ENOENT,
        Error::WrongKind => Errno::EINVAL,
        Error::Fixed => Errno::EPERM,
        Error::UnknownCategory => Errno::EACCES,
        Error::CrossCategory => Errno::EXDEV,
        Error::Unsupported => Errno::EOPNOTSUPP,
    }
}

impl From<Refusal> for Errno {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied | Refusal::LookAgain => Self::EACCES,
            Refusal::Fixed | Refusal::Frozen => Self::EBUSY,
            Refusal::CrossLocation => Self::EXDEV,
        }
    }
}
