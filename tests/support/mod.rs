//! What the end-to-end tests stand on: instances, servers, processes and trees.
//!
//! Nothing here is mocked. What is missing (root, `/dev/fuse`, a program) fails the test that needs
//! it, loudly; every wait is bounded; whatever was started, mounted or made is gone after a test,
//! also after one that panicked.

// Each test binary uses its own part of this module.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

pub mod account;
pub mod ciphertext;
pub mod disk;
pub mod fixture;
pub mod guarded;
pub mod instance;
pub mod machine;
pub mod mariadb;
pub mod process;
pub mod random;
pub mod raw;
pub mod sample;
pub mod server;
pub mod small_disk;
pub mod strace;
pub mod template;
pub mod tree;

pub use instance::Instance;
