//! `ezncrypt stop`: ends the service.

use crate::cli::progress::Screen;
use crate::service::protocol::{Failure, FailureKind, Request};
use crate::service::{self, Paths, client, supervisor};
use std::time::Duration;

/// How long an ending service may take to unmount and wipe its keys.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the service of this instance.
pub fn run(paths: &Paths, force: bool) -> Result<(), Failure> {
    let mut screen = Screen::stderr();
    let outcome = client::call(paths, Request::Stop { force }, &mut |step| screen.show(step));
    match outcome {
        Err(failure)
            if failure.kind == FailureKind::NotRunning && supervisor::end_waiting(paths) => {}
        outcome => drop(outcome?),
    }
    let is_writable = service::wait_until_free(paths, PATIENCE)?;
    supervisor::wait_until_gone(paths, PATIENCE)?;
    screen.say("the service has stopped");
    if !is_writable {
        let state = paths.state().display();
        screen.say(&format!(
            "note: {state} is read-only: what was logged last is not there; look at the disk (dmesg)"
        ));
    }
    Ok(())
}
