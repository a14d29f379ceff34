//! `ezncrypt verify`: what is damaged is found and named, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "verify/asking.rs"]
mod asking;
#[path = "verify/damage.rs"]
mod damage;
#[path = "verify/disk.rs"]
mod disk;
#[path = "verify/found.rs"]
mod found;
#[path = "verify/load.rs"]
mod load;
#[path = "verify/repair.rs"]
mod repair;
#[path = "verify/torn.rs"]
mod torn;
#[path = "verify/unwritten.rs"]
mod unwritten;
