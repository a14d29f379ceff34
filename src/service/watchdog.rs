//! Signs of life for the service manager, given only while the service does its work: its status socket
//! answers, and so does the mount.
//!
//! The check is made on a thread of its own, which gives the sign itself: where it waits for ever, no sign
//! is given, and the manager ends the service and starts it anew.

use super::engine::Engine;
use super::{client, notify};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

/// Begins to give signs of life, when the manager wants them.
///
/// # Errors
/// When there can be no thread.
pub fn watch(engine: &Arc<Engine>) -> io::Result<()> {
    let Some(period) = notify::watchdog_period() else { return Ok(()) };
    let engine = Arc::downgrade(engine);
    thread::Builder::new().name("watchdog".into()).spawn(move || tend(&engine, period)).map(drop)
}

fn tend(engine: &Weak<Engine>, period: Duration) {
    while let Some(engine) = engine.upgrade() {
        if works(&engine) {
            notify::alive();
        }
        drop(engine);
        // The manager's own advice is half the time.
        thread::sleep(period / 3);
    }
}

fn works(engine: &Engine) -> bool {
    let answers = matches!(client::status(engine.paths()), Ok(Some(status)) if status.running);
    // Asked for attributes, the kernel gives those it knows unless it is told to ask.
    let asked = StatxFlags::BASIC_STATS;
    let mount = statx(CWD, engine.paths().mount(), AtFlags::STATX_FORCE_SYNC, asked);
    answers && mount.is_ok()
}
