//! The kernel's protocol: bytes to requests, answers to bytes. Nothing here reads or writes.

pub mod abi;
mod entries;
pub mod init;
mod request;

pub use entries::{Entries, Named};
pub use request::{Body, header, name};

/// What the kernel writes and reads ahead at most in one request, in bytes.
pub const MAX_TRANSFER: u32 = 1 << 20;
