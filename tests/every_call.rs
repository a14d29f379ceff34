//! Encrypting, decrypting and changing keys, stopped and refused at every system call that changes anything.
//! A part of the calls; with `EZNCRYPT_LONG=1` all of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "every_call/bench.rs"]
mod bench;
#[path = "every_call/killed.rs"]
mod killed;
#[path = "every_call/order.rs"]
mod order;
#[path = "every_call/refused.rs"]
mod refused;
#[path = "every_call/served.rs"]
mod served;
mod support;
