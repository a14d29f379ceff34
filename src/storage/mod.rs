//! Bytes at rest: ciphertext files, replacing small files durably, and files that appear when they are whole.
//!
//! Knows offsets, syncs and holes of the filesystem below, nothing of sectors or keys.

mod buffer;
mod disk;
mod disk_file;
#[cfg(test)]
pub(crate) mod double;
pub mod durable;
pub mod names;
mod unfinished;

pub use buffer::{AlignedBuffer, with_buffer};
pub use disk_file::{DiskFile, FOLIO};
pub use unfinished::Unfinished;
