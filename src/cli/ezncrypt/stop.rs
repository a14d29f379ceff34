//! `ezncrypt stop`: ends the service.

use crate::cli::progress::Screen;
use crate::service::protocol::{Failure, Request};
use crate::service::{self, Paths, client};
use std::time::Duration;

/// How long an ending service may take to unmount and wipe its keys.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the service of this instance.
pub fn run(paths: &Paths, force: bool) -> Result<(), Failure> {
    let mut screen = Screen::stderr();
    let outcome = client::call(paths, &Request::Stop { force }, &mut |step| screen.show(step));
    outcome?;
    service::wait_until_free(paths, PATIENCE)?;
    screen.say("the service has stopped");
    Ok(())
}
