//! Transparent encryption whose plaintext only named processes may read.
//!
//! The modules, bottom layer first. A module knows only those above it in this list
//! (`tests/architecture.rs` holds that), so it can be read in this order:
//!
//! 1. [`sys`]: the kernel, safely; the only `unsafe` code.
//! 2. [`crypto`]: algorithms and keys; no files.
//! 3. [`mod@format`]: bytes to structures and back, exactly as `docs/format.md` says; no I/O.
//! 4. [`storage`]: bytes at rest: ciphertext files and durable replacement.
//! 5. [`keystore`], [`access`], [`volume`]: siblings. What is kept secret; who may read; the
//!    encrypted tree. None imports another.
//! 6. [`secrets`]: where secrets come from when nobody types them: files, programs, key servers.
//! 7. [`migrate`]: encrypting and decrypting in place. [`fuse`]: the tree as a mount.
//! 8. [`service`]: process life, control socket, log.
//! 9. [`guard`]: what a server run may look like; becoming the server.
//! 10. [`cli`]: words, prompts, tables, exit codes.
//!
//! `fuzzing`, above all of them, is compiled for unit tests and the fuzzers in `fuzz/` only.

pub mod access;
pub mod cli;
pub mod crypto;
pub mod format;
pub mod fuse;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod guard;
pub mod keystore;
pub mod migrate;
pub mod secrets;
pub mod service;
pub mod storage;
pub mod sys;
pub mod volume;
