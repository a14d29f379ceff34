//! Other people's judges, on the mount: fsx, fio and dbench for contents, pjdfstest for POSIX semantics,
//! stress-ng for everything at once. MariaDB's own tests are a program of their own, `mariadb_tests`.
//!
//! `tests/run` builds fsx and pjdfstest from crates.io; the others are Debian's. Where a judge may find
//! fault with any filesystem it also runs on a plain directory of the filesystem below, and only what
//! fails there too, or stands in a list with its reason, may fail on the mount.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "conformance/dbench.rs"]
mod dbench;
#[path = "conformance/fio.rs"]
mod fio;
#[path = "conformance/fsx.rs"]
mod fsx;
#[path = "conformance/judged.rs"]
mod judged;
#[path = "conformance/pjdfstest.rs"]
mod pjdfstest;
#[path = "conformance/stress_ng.rs"]
mod stress_ng;
mod support;
