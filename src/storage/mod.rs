//! Bytes at rest: ciphertext files, and replacing small files durably.
//!
//! Knows offsets, syncs and holes of the filesystem below, nothing of sectors or keys.

mod buffer;
mod disk_file;
pub mod durable;

pub use buffer::{AlignedBuffer, with_buffer};
pub use disk_file::DiskFile;
