//! The tree as a mount: ask whether the caller may, call the volume, reply.
//!
//! This module decides nothing: it asks the [`Gate`]
//! before whatever gives out plaintext or changes the tree. Looking names up, listing and reading
//! attributes follow the ordinary permissions, which the kernel checks.

mod bridge;
mod convert;
mod errno;
mod gate;
mod looking;
mod mount;
mod pending;
mod requests;
#[cfg(test)]
mod test_support;
mod transport;
mod wire;

pub use gate::{Access, Gate, Refusal, Sight};
pub use mount::{Mount, Mounted, device_available};
pub use transport::Transport;

/// Totals since the mount, for `status`.
#[derive(Default)]
pub struct Counters {
    /// Requests answered.
    pub requests: std::sync::atomic::AtomicU64,
    /// Bytes of plaintext given out.
    pub bytes_read: std::sync::atomic::AtomicU64,
    /// Bytes of plaintext taken in.
    pub bytes_written: std::sync::atomic::AtomicU64,
    /// Syncs that were asked for (`fsync`, and each write of an `O_SYNC` handle).
    pub syncs: std::sync::atomic::AtomicU64,
    /// Requests that met damaged bytes.
    pub integrity_errors: std::sync::atomic::AtomicU64,
}
