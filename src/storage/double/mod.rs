//! A disk in memory that does all that a real one may: for the library's own tests.
//!
//! [`Double`] stands below [`super::DiskFile`] in the place of the kernel. It keeps what reads see apart from
//! what would be there after a power cut, and takes down each change between two syncs, so that a test can ask for
//!
//! - the file as a `kill -9` leaves it after any number of changes ([`Epoch::killed`]): all that was written is
//!   seen, nothing more is durable than before;
//! - the file as a power cut leaves it ([`Epoch::lost_power`]): changes of the metadata (sizes, holes) are
//!   journaled, so a prefix of them is there; of each page any version since the last sync, whatever became of
//!   other pages; a size may be there without the data; a page may be torn at 512 bytes;
//! - a call that fails, once or from then on, is interrupted, or transfers less than was asked for; a disk
//!   that is full in the middle of a page; a sync that fails and forgets ([`Fault`]).
//!
//! [`names`] does the same for small files that are replaced by renaming. [`broken`] breaks the code above on
//! purpose: a test that does not notice proves nothing.

pub(crate) mod broken;
mod crash;
mod image;
mod media;
pub(crate) mod names;
mod random;

pub(crate) use crash::PowerLoss;
pub(crate) use image::Image;
pub(crate) use media::{Double, Epoch, Fault};
pub(crate) use random::Random;

/// What the kernel writes back, and tears between: bytes.
const PAGE: u64 = 4096;

#[cfg(test)]
#[path = "double_tests.rs"]
mod tests;
