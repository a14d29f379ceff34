//! Process life, control socket, log: what runs behind `ezncrypt start`, and how to reach it.
//!
//! A command is a [`protocol::Request`]. [`call`] has it carried out by the running service or, where
//! none runs, in the calling process, by the same [`engine`] after unlocking the keystore.

pub mod client;
mod engine;
pub mod frame;
mod gatekeeper;
mod lock;
mod log;
mod migration;
pub mod paths;
pub mod protocol;
mod rules;
mod run;
mod server;
mod setup;

pub use paths::Paths;
pub use run::run;
pub use setup::init;

use crate::keystore::{self, Sealed};
use engine::Engine;
use lock::StateLock;
use protocol::{Answer, Failure, FailureKind, Progress, Request, Secret};
use std::fmt::Display;

/// Asks the user for the secret, when it turns out to be needed.
pub type AskSecret<'a> = &'a mut dyn FnMut() -> Result<Secret, Failure>;

/// Has a request carried out: by the service if one runs, else here.
///
/// # Errors
/// Why it was not carried out.
pub fn call(
    paths: &Paths,
    request: Request,
    ask_secret: AskSecret<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    if let Some(mut service) = client::connect(paths)? {
        return service.call(&request, progress);
    }
    if matches!(request, Request::Status | Request::Stop { .. }) {
        return Err(not_running());
    }
    let _lock = StateLock::take_existing(paths)?;
    let sealed = Sealed::load(&paths.keystore())?;
    progress(keymgr("Retrieving key from the keystore"));
    let keystore = match carried_secret(&request) {
        Some(secret) => sealed.unlock(secret.passphrase.expose(), secret.salt.expose())?,
        None => {
            let secret = ask_secret()?;
            sealed.unlock(secret.passphrase.expose(), secret.salt.expose())?
        }
    };
    run::make_directory(&paths.storage(), 0o700)?;
    run::make_directory(&paths.log(), 0o700)?;
    let engine = Engine::new(paths.clone(), keystore, None)?;
    migration::recover_all(&engine, progress)?;
    engine.execute(&request, progress)
}

fn carried_secret(request: &Request) -> Option<&Secret> {
    match request {
        Request::Decrypt { secret, .. }
        | Request::RuleAdd { secret, .. }
        | Request::RuleDelete { secret, .. }
        | Request::RuleRefresh { secret, .. } => Some(secret),
        Request::Status
        | Request::Stop { .. }
        | Request::Encrypt { .. }
        | Request::Locations
        | Request::Rules => None,
    }
}

fn keymgr(what: &str) -> Progress {
    Progress::Part { who: "keymgr".into(), what: what.into() }
}

fn not_running() -> Failure {
    Failure::new(FailureKind::NotRunning, "the ezncrypt service is not running")
        .hint("start it: ezncrypt start")
}

/// A failure without a kind of its own: what could not be done, and why. A full disk is told apart.
fn failed(what: &str, error: &(impl Display + ?Sized)) -> Failure {
    Failure::new(FailureKind::Failed, format!("{what}: {error}"))
}

/// A path as `/proc/self/mountinfo` writes it.
fn escape_mount_path(path: &std::path::Path) -> String {
    let mut escaped = String::new();
    for character in path.to_string_lossy().chars() {
        match character {
            ' ' | '\t' | '\n' | '\\' => escaped += &format!("\\{:03o}", character as u32),
            _ => escaped.push(character),
        }
    }
    escaped
}

impl From<keystore::Error> for Failure {
    fn from(error: keystore::Error) -> Self {
        setup::keystore_failure(&error)
    }
}
