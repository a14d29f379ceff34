//! The kernel, safely: the only module with `unsafe` code. Knows nothing of ours.
//!
//! What `nix` and `rustix` offer as safe calls is used directly by the modules above; here stands
//! what they do not, or what needs a promise to be safe.
#![allow(unsafe_code)]

pub mod affinity;
pub mod beneath;
pub mod caller;
pub mod child;
pub mod daemon;
pub mod declare;
pub mod exec;
pub mod fuse_device;
pub mod fuse_ring;
pub mod harden;
pub mod lease;
pub mod mountinfo;
pub mod open_files;
pub mod proc;
pub mod process_events;
pub mod symlinks;
pub mod tool;
