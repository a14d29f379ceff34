//! `ezncrypt start`: unlocks the keystore and serves.

use crate::cli::escape;
use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::service::protocol::{Failure, FailureKind};
use crate::service::{self, Paths, client};
use crate::sys::daemon::{self, Ready, Side};

/// What the background process sends when it serves; anything else is its failure, as JSON.
const SERVING: &[u8] = b"serving";

/// Serves until it is stopped; returns at once the service is up unless `foreground`.
pub fn run(instance: &Instance, foreground: bool) -> Result<(), Failure> {
    let paths = &instance.paths;
    if client::connect(paths)?.is_some() {
        let state = escape::path(paths.state());
        return Err(Failure::new(FailureKind::Busy, format!("a service runs for {state} already"))
            .hint(client::command(paths, "status")));
    }
    let secret = instance.secret()?;
    if foreground {
        return service::run(paths, secret, || say_ready(paths));
    }
    let cannot =
        |error| Failure::new(FailureKind::Failed, format!("cannot go to the background: {error}"));
    match daemon::split().map_err(cannot)? {
        Side::Foreground(message) => told(&message).map(|()| say_ready(paths)),
        Side::Background(ready) => {
            serve(paths, secret, ready);
            Ok(())
        }
    }
}

fn serve(paths: &Paths, secret: service::protocol::Secret, ready: Ready) {
    let mut ready = Some(ready);
    let outcome = service::run(paths, secret, || {
        if let Some(ready) = ready.take() {
            ready.tell(SERVING);
        }
    });
    if let (Err(failure), Some(ready)) = (outcome, ready) {
        ready.tell(&serde_json::to_vec(&failure).unwrap_or_default());
    }
}

fn told(message: &[u8]) -> Result<(), Failure> {
    if message == SERVING {
        return Ok(());
    }
    Err(serde_json::from_slice(message).unwrap_or_else(|_| {
        Failure::new(FailureKind::Failed, "the service ended before it could serve")
            .hint("run it in the foreground to see more: ezncrypt start --foreground")
    }))
}

fn say_ready(paths: &Paths) {
    let mount = paths.mount();
    Screen::stderr().say(&format!("serving on {}", escape::path(&mount)));
}
