//! The tree as a mount: ask whether the caller may, call the volume, reply.
//!
//! This module decides nothing: it asks the [`Gate`]
//! before whatever gives out plaintext or changes the tree. Looking names up, listing and reading
//! attributes follow the ordinary permissions, which the kernel checks.

mod bridge;
mod convert;
mod counters;
mod crowd;
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

pub use counters::Counters;
pub use gate::{Access, Gate, Refusal, Sight};
pub use mount::{Mount, Mounted, device_available};
pub use transport::Transport;
