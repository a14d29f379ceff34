//! `ezncrypt start`: unlocks the keystore and serves.

use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::cli::{escape, unattended};
use crate::fuse;
use crate::secrets::config::{Transport, Unattended};
use crate::service::protocol::{Failure, FailureKind, Secret};
use crate::service::supervisor::{self, Next, Supervisor};
use crate::service::{self, Launch, Paths, client, notify};
use crate::sys::daemon::{self, Ready, Side};
use std::time::Duration;

/// How long a supervisor that has nothing left to do may take to end.
const ENDING: Duration = Duration::from_millis(500);

/// How `start` was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// Whether it stays in the foreground.
    pub foreground: bool,
    /// Whether an administrator's secret is asked for in any case.
    pub ask: bool,
    /// Whether the service is started again when it dies.
    pub supervise: bool,
    /// How requests are to reach the service; as the configuration says where this does not.
    pub transport: Option<Transport>,
}

/// Serves until it is stopped; returns at once the service is up unless in the foreground.
pub fn run(instance: &Instance, start: Start) -> Result<(), Failure> {
    let paths = &instance.paths;
    if client::connect(paths)?.is_some() {
        let state = escape::path(paths.state());
        return Err(Failure::new(FailureKind::Busy, format!("a service runs for {state} already"))
            .hint(client::command(paths, "status")));
    }
    supervisor::wait_until_gone(paths, ENDING)?;
    let (secret, source) = secret(instance, start.ask)?;
    let transport = transport(paths, start.transport);
    let mut server = Server { paths, secret: Some(secret), source, transport };
    if start.foreground {
        return match start.supervise {
            true => server.supervise(None),
            false => server.serve(None, || say_ready(paths)),
        };
    }
    let cannot =
        |error| Failure::new(FailureKind::Failed, format!("cannot go to the background: {error}"));
    match daemon::split().map_err(cannot)? {
        Side::Foreground(message) => supervisor::told(&message).map(|()| say_ready(paths)),
        Side::Background(ready) if start.supervise => server.supervise(Some(ready)),
        Side::Background(ready) => {
            // The foreground process reports.
            let _ = server.serve_and_tell(None, vec![ready]);
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
        notify::opening();
        return Ok((secret, Some(source)));
    }
    Ok((instance.secret()?, None))
}

/// As asked for, else as configured. A configuration that is wrong keeps nobody from starting who shows the secret; it
/// is said.
fn transport(paths: &Paths, asked: Option<Transport>) -> fuse::Transport {
    let configured = || match unattended::configuration(paths) {
        Ok(read) => read.transport,
        Err(failure) => {
            Screen::stderr().say(&format!("warning: {}: not used", failure.message));
            None
        }
    };
    match asked.or_else(configured) {
        None | Some(Transport::Auto) => fuse::Transport::Offered,
        Some(Transport::Device) => fuse::Transport::Device,
        Some(Transport::IoUring) => fuse::Transport::Rings,
    }
}

/// What a service is started with: first with the secret at hand, afterwards with what its source gives then.
struct Server<'a> {
    paths: &'a Paths,
    secret: Option<Secret>,
    source: Option<Unattended>,
    transport: fuse::Transport,
}

impl Server<'_> {
    /// Serves until it is stopped.
    fn serve(&mut self, after: Option<String>, ready: impl FnOnce()) -> Result<(), Failure> {
        let secret = match (self.secret.take(), &self.source) {
            (Some(secret), _) => secret,
            (None, Some(source)) => unattended::fetch(source, &mut notify::waiting)?,
            (None, None) => return Err(Failure::new(FailureKind::Failed, "the secret is gone")),
        };
        let launch = Launch { secret, after, transport: self.transport };
        service::run(self.paths, launch, ready).map_err(|failure| self.explained(failure))
    }

    /// Serves, and tells everybody whether it does.
    fn serve_and_tell(&mut self, after: Option<String>, ready: Vec<Ready>) -> Result<(), Failure> {
        let mut waiting = Some(ready);
        let outcome = self.serve(after, || {
            waiting.take().into_iter().flatten().for_each(supervisor::tell_serving);
        });
        if let Err(failure) = &outcome {
            let unserved = waiting.into_iter().flatten();
            unserved.for_each(|ready| supervisor::tell_failure(ready, failure));
        }
        outcome
    }

    /// Keeps a service running until it is stopped; `ready` hears of the first one.
    fn supervise(&mut self, mut ready: Option<Ready>) -> Result<(), Failure> {
        let mut supervisor = match Supervisor::claim(self.paths) {
            Ok(supervisor) => supervisor,
            Err(failure) => {
                ready.into_iter().for_each(|ready| supervisor::tell_failure(ready, &failure));
                return Err(failure);
            }
        };
        let mut after = None;
        loop {
            let first = ready.take();
            // In the child only: here the secret stays, for the next one.
            let next = supervisor.run(|told| {
                // The supervisor first: whoever waits for the other may kill this at once.
                let tell = [told].into_iter().chain(first).collect();
                let outcome = self.serve_and_tell(after.clone(), tell);
                outcome.map_or_else(|failure| failure.kind.exit_code(), |()| 0)
            })?;
            match next {
                Next::End => return Ok(()),
                Next::Again(why) => after = Some(why),
            }
            if self.source.is_some() {
                self.secret = None;
            }
        }
    }

    /// Says whose secret was wrong, when nobody typed it.
    fn explained(&self, failure: Failure) -> Failure {
        match &self.source {
            Some(source) if failure.kind == FailureKind::WrongSecret => {
                let message = format!("the secret from {} opens no keyslot", source.source);
                Failure::new(failure.kind, message).hint(
                    "add it: ezncrypt key add unattended; or start by hand: ezncrypt start --ask",
                )
            }
            _ => failure,
        }
    }
}

fn say_ready(paths: &Paths) {
    let mount = paths.mount();
    Screen::stderr().say(&format!("serving on {}", escape::path(&mount)));
}
