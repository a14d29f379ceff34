//! `ezncrypt start`: unlocks the keystore and serves.

use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::cli::{escape, unattended};
use crate::secrets::config::Unattended;
use crate::service::protocol::{Failure, FailureKind, Secret};
use crate::service::{self, Paths, client, notify};
use crate::sys::daemon::{self, Ready, Side};

/// What the background process sends when it serves; anything else is its failure, as JSON.
const SERVING: &[u8] = b"serving";

/// Serves until it is stopped; returns at once the service is up unless `foreground`.
pub fn run(instance: &Instance, foreground: bool, ask: bool) -> Result<(), Failure> {
    let paths = &instance.paths;
    if client::connect(paths)?.is_some() {
        let state = escape::path(paths.state());
        return Err(Failure::new(FailureKind::Busy, format!("a service runs for {state} already"))
            .hint(client::command(paths, "status")));
    }
    let (secret, source) = secret(instance, ask)?;
    let explained = |failure| explained(failure, source.as_ref());
    if foreground {
        return service::run(paths, secret, || say_ready(paths)).map_err(explained);
    }
    let cannot =
        |error| Failure::new(FailureKind::Failed, format!("cannot go to the background: {error}"));
    match daemon::split().map_err(cannot)? {
        Side::Foreground(message) => told(&message).map(|()| say_ready(paths)).map_err(explained),
        Side::Background(ready) => {
            serve(paths, secret, ready);
            Ok(())
        }
    }
}

/// The administrator's secret where one is named or asked for, else the service's own, from where the
/// configuration says.
fn secret(instance: &Instance, ask: bool) -> Result<(Secret, Option<Unattended>), Failure> {
    instance.require_keystore()?;
    if !ask
        && !instance.secrets.is_given()
        && let Some(source) = unattended::configured(&instance.paths)?
    {
        let secret = unattended::fetch(&source, &mut notify::waiting)?;
        return Ok((secret, Some(source)));
    }
    Ok((instance.secret()?, None))
}

/// Says whose secret was wrong, when nobody typed it.
fn explained(failure: Failure, source: Option<&Unattended>) -> Failure {
    match source {
        Some(source) if failure.kind == FailureKind::WrongSecret => {
            let message = format!("the secret from {} opens no keyslot", source.source);
            Failure::new(failure.kind, message)
                .hint("add it: ezncrypt key add unattended; or start by hand: ezncrypt start --ask")
        }
        _ => failure,
    }
}

fn serve(paths: &Paths, secret: Secret, ready: Ready) {
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
