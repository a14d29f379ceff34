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
    service::wait_until_free(paths, PATIENCE)?;
    supervisor::wait_until_gone(paths, PATIENCE)?;
    screen.say("the service has stopped");
    Ok(())
}
