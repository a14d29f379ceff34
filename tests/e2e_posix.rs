//! A real POSIX tree through the mount, exercised in this process, which a rule allows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "posix/content.rs"]
mod content;
#[path = "posix/direct.rs"]
mod direct;
#[path = "posix/locks.rs"]
mod locks;
#[path = "posix/many.rs"]
mod many;
#[path = "posix/metadata.rs"]
mod metadata;
#[path = "posix/names.rs"]
mod names;
