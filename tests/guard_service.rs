//! What the service asks of guards and of the servers behind them. Here the test itself is the guard:
//! the keystore is told so, since only copies of ezncrypt are taken for guards by a command.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "guard_service/commands.rs"]
mod commands;
#[path = "guard_service/gate.rs"]
mod gate;
#[path = "guard_service/socket.rs"]
mod socket;
#[path = "guard_service/stage.rs"]
mod stage;
