//! The encrypted server is executed by its guard and by nothing else, and the guard hands on to it
//! what a bare server would have got.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "guard/bypass.rs"]
mod bypass;
#[path = "guard/inherited.rs"]
mod inherited;
mod support;
#[path = "guard/surroundings.rs"]
mod surroundings;
