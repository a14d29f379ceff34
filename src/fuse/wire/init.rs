//! The first request: what kernel and service agree on.

use super::MAX_TRANSFER;
use super::abi::{InitIn, InitOut, MAJOR, MINOR, OLDEST_MINOR, init};
use rustix::param::page_size;
use zerocopy::FromBytes;

/// What is asked for where the kernel offers it. None of it is needed.
const WANTED: u64 = init::ASYNC_READ
    | init::BIG_WRITES
    | init::MAX_PAGES
    | init::ASYNC_DIO
    | init::PARALLEL_DIROPS
    | init::ATOMIC_O_TRUNC
    | init::DO_READDIRPLUS
    | init::READDIRPLUS_AUTO
    | init::CACHE_SYMLINKS
    | init::POSIX_ACL
    | init::DONT_MASK
    | init::HANDLE_KILLPRIV_V2
    | init::INIT_EXT;

/// Requests that nobody waits for (reading ahead, direct I/O) which the kernel sends at once.
const MAX_BACKGROUND: u16 = 64;

/// What the kernel says to `INIT`.
#[derive(Debug, PartialEq, Eq)]
pub enum Greeting {
    /// A version that is spoken here too.
    Version(Offer),
    /// A later major version: it asks again when it is told ours.
    TooNew,
}

/// What the kernel offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    minor: u32,
    max_readahead: u32,
    flags: u64,
}

/// Why there is nothing to agree on.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Disagreement {
    /// Not an `INIT` request.
    #[error("the kernel's greeting is no FUSE greeting")]
    Malformed,
    /// The kernel is older than what is spoken here.
    #[error(
        "the kernel speaks FUSE {major}.{minor}; {MAJOR}.{OLDEST_MINOR} is needed (Linux 4.20)"
    )]
    TooOld {
        /// The kernel's version.
        major: u32,
        /// Its minor version.
        minor: u32,
    },
}

/// Reads the body of an `INIT` request.
///
/// # Errors
/// See [`Disagreement`].
pub fn greeting(body: &[u8]) -> Result<Greeting, Disagreement> {
    let (init, rest) = InitIn::read_from_prefix(body).map_err(|_| Disagreement::Malformed)?;
    if init.major > MAJOR {
        return Ok(Greeting::TooNew);
    }
    if (init.major, init.minor) < (MAJOR, OLDEST_MINOR) {
        return Err(Disagreement::TooOld { major: init.major, minor: init.minor });
    }
    let is_extended = u64::from(init.flags) & init::INIT_EXT != 0;
    let upper =
        if is_extended { u32::read_from_prefix(rest).map_or(0, |(flags, _)| flags) } else { 0 };
    let flags = u64::from(upper) << 32 | u64::from(init.flags);
    Ok(Greeting::Version(Offer { minor: init.minor, max_readahead: init.max_readahead, flags }))
}

impl Offer {
    /// Whether requests can go through rings.
    pub fn has_rings(&self) -> bool {
        self.flags & init::OVER_IO_URING != 0
    }

    /// What is answered, and with it agreed on.
    pub fn accept(&self, with_rings: bool) -> InitOut {
        let wanted = WANTED | if with_rings { init::OVER_IO_URING } else { 0 };
        let flags = wanted & self.flags;
        InitOut {
            major: MAJOR,
            minor: MINOR.min(self.minor),
            max_readahead: MAX_TRANSFER.min(self.max_readahead),
            flags: flags as u32,
            max_background: MAX_BACKGROUND,
            congestion_threshold: MAX_BACKGROUND / 4 * 3,
            max_write: MAX_TRANSFER,
            time_granularity: 1,
            max_pages: (MAX_TRANSFER as usize / page_size()).max(1) as u16,
            flags_upper: (flags >> 32) as u32,
            ..InitOut::default()
        }
    }
}

/// The answer to a kernel of a later major version.
pub fn our_version() -> InitOut {
    InitOut { major: MAJOR, minor: MINOR, ..InitOut::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::IntoBytes;

    fn body(major: u32, minor: u32, flags: u64) -> Vec<u8> {
        let init = InitIn { major, minor, max_readahead: 4096, flags: flags as u32 };
        [init.as_bytes(), &((flags >> 32) as u32).to_ne_bytes(), &[0; 44]].concat()
    }

    fn offer(flags: u64) -> Offer {
        match greeting(&body(7, 44, flags)).unwrap() {
            Greeting::Version(offer) => offer,
            Greeting::TooNew => panic!("7.44 is not new"),
        }
    }

    #[test]
    fn only_what_is_offered_is_asked_for() {
        let out = offer(init::ASYNC_READ | init::INIT_EXT | 1 << 17).accept(true);
        assert_eq!(u64::from(out.flags), init::ASYNC_READ | init::INIT_EXT);
        assert_eq!((out.flags_upper, out.max_readahead, out.minor), (0, 4096, 44));
    }

    #[test]
    fn rings_are_asked_for_where_they_are_offered_and_wanted() {
        let offered = offer(init::OVER_IO_URING | init::INIT_EXT);
        assert!(offered.has_rings());
        assert_eq!(offered.accept(true).flags_upper, (init::OVER_IO_URING >> 32) as u32);
        assert_eq!(offered.accept(false).flags_upper, 0);
        // Without an upper half what stands there is something else.
        assert!(!offer(init::OVER_IO_URING).has_rings());
    }

    #[test]
    fn versions_are_told_apart() {
        assert_eq!(greeting(&body(8, 0, 0)), Ok(Greeting::TooNew));
        assert_eq!(greeting(&body(7, 27, 0)), Err(Disagreement::TooOld { major: 7, minor: 27 }));
        assert!(matches!(greeting(&body(6, 99, 0)), Err(Disagreement::TooOld { .. })));
        assert_eq!(greeting(&[7, 0, 0]), Err(Disagreement::Malformed));
    }
}
