//! Starting with nobody there: every source of the unattended secret, with the real programs, a real key
//! server, a real tang server and an emulated TPM, and every way in which one can fail. Runs as root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "unattended/key_server.rs"]
mod key_server;
#[path = "unattended/kmip.rs"]
mod kmip;
#[path = "unattended/machine.rs"]
mod machine;
#[path = "unattended/manual.rs"]
mod manual;
#[path = "unattended/notify.rs"]
mod notify;
#[path = "unattended/sources.rs"]
mod sources;
mod support;
#[path = "unattended/tang.rs"]
mod tang;
#[path = "unattended/tpm.rs"]
mod tpm;
#[path = "unattended/units.rs"]
mod units;
