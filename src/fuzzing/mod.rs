//! What the fuzzers in `fuzz/` run: one function for each kind of bytes that come from outside. Compiled
//! for them and for unit tests, and in no other build.
//!
//! A target takes any bytes, and panics when a promise is broken: what is read is printed and read
//! again as the same; what was changed authenticates as nothing; nothing else panics. That no length in
//! the bytes makes for a large allocation is watched from outside (`fuzz/run`). Keys are fixed or drawn
//! once, so the same bytes do the same again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod audit_log;
pub mod bundle;
pub mod configuration;
mod container;
pub mod header;
mod input;
pub mod keystore;
pub mod kmip;
pub mod protocol;
pub mod recovery_code;
pub mod rsa_key;
pub mod rule;
pub mod sector;

/// What a fuzzer calls.
pub type Target = fn(&[u8]);

/// The targets, by the names of their folders in `fuzz/corpus`.
pub const TARGETS: [(&str, Target); 11] = [
    ("audit_log", audit_log::run),
    ("bundle", bundle::run),
    ("configuration", configuration::run),
    ("header", header::run),
    ("keystore", keystore::run),
    ("kmip", kmip::run),
    ("protocol", protocol::run),
    ("recovery_code", recovery_code::run),
    ("rsa_key", rsa_key::run),
    ("rule", rule::run),
    ("sector", sector::run),
];

#[cfg(test)]
mod tests;
