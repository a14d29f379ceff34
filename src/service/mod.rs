//! Process life, control socket, log: what runs behind `ezncrypt start`, and how to reach it.
//!
//! A command is a [`protocol::Request`]. [`call`] has it carried out by the running service or, where
//! none runs, in the calling process, by the same engine after unlocking the keystore.

pub mod audit;
pub mod client;
mod confirmation;
mod decrypt_file;
mod engine;
pub mod explain;
mod failures;
pub mod frame;
mod gatekeeper;
pub mod guards;
pub mod keys;
mod lock;
mod migration;
pub mod mode;
pub mod notify;
mod pace;
pub mod paths;
mod places;
mod programs;
pub mod protocol;
mod requests;
pub mod rotation;
mod rules;
mod run;
mod server;
mod setup;
pub mod supervisor;
mod turn;
pub mod users;
pub mod verification;
mod watchdog;
mod works;

pub use keys::restore;
pub use migration::status_offline;
pub use paths::Paths;
pub use run::{Launch, run};
pub use setup::{ciphertext_without_keystore, init, refuse_existing};

use crate::access;
use crate::keystore::{self, Sealed};
use engine::Engine;
use lock::StateLock;
use protocol::{Answer, Failure, FailureKind, Progress, Request, Secret};
use std::fmt::Display;
use std::path::Path;
use std::time::{Duration, Instant};

/// The kind of filesystem that our mounts are.
const OURS: &str = "fuse.ezncrypt";

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
        return service.call(request, progress);
    }
    if matches!(request, Request::Status | Request::Stop { .. }) {
        return Err(client::not_running(paths));
    }
    let paths = &paths.resolved();
    let lock = match requests::only_reads(&request) {
        true => StateLock::take_to_read(paths)?,
        false => StateLock::take_existing(paths)?,
    };
    run::harden()?;
    let sealed = Sealed::load(&paths.keystore())?;
    progress(keymgr("Retrieving key from the keystore"));
    let mut keystore = match carried_secret(&request) {
        Some(secret) => unlock(&sealed, secret)?,
        // What the service itself may do, its secret is enough for.
        None if matches!(request, Request::Verify { .. }) => sealed.unlock(&ask_secret()?)?,
        None => unlock(&sealed, &ask_secret()?)?,
    };
    let (engine, finished) = if lock.is_writable() {
        let mended = keys::mend(&mut keystore)?;
        run::make_directory(&paths.storage(), 0o700)?;
        run::make_directory(&paths.log(), 0o700)?;
        let engine = Engine::offline(paths.clone(), keystore)?;
        keys::log_mended(&engine, mended);
        let finished = migration::recover_all(&engine, progress);
        (engine, finished)
    } else {
        let state = paths.state().display();
        let note = format!("{state} is read-only: nothing is mended there");
        progress(Progress::Step(note));
        (Engine::offline(paths.clone(), keystore)?, migration::Finished::default())
    };
    let own = access::Caller {
        tid: std::process::id(),
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
    };
    let work = || requests::execute(&engine, &request, finished, &|| false, progress);
    let outcome = audit::on_behalf(&engine, own, work);
    engine.close_log();
    outcome
}

/// Opens the keystore for somebody who may do everything.
fn unlock(sealed: &Sealed, secret: &Secret) -> Result<keystore::Keystore, Failure> {
    if !secret.kind().is_administrator() {
        return Err(keystore::Error::ServiceOnly.into());
    }
    Ok(sealed.unlock(secret)?)
}

fn carried_secret(request: &Request) -> Option<&Secret> {
    match request {
        Request::Decrypt { secret, .. }
        | Request::RuleAdd { secret, .. }
        | Request::RuleDelete { secret, .. }
        | Request::RuleRefresh { secret, .. }
        | Request::GuardInstall { secret, .. }
        | Request::GuardRemove { secret, .. }
        | Request::GuardPermit { secret, .. }
        | Request::KeyAdd { secret, .. }
        | Request::KeyRemove { secret, .. }
        | Request::KeyChange { secret, .. }
        | Request::KeyExport { secret, .. }
        | Request::KeyImport { secret, .. }
        | Request::DecryptFile { secret, .. }
        | Request::MasterRotate { secret, .. }
        | Request::KeyRotate { secret, .. }
        | Request::Repair { secret, .. }
        | Request::Mode { secret, .. } => Some(secret),
        Request::Encrypt { secret, .. } | Request::Verify { secret, .. } => secret.as_ref(),
        Request::Status
        | Request::Stop { .. }
        | Request::Locations
        | Request::RulePreview { .. }
        | Request::Rules
        | Request::AuditVerify
        | Request::Guards
        | Request::Keys
        | Request::KeyBackup { .. }
        | Request::Explain(_) => None,
    }
}

fn keymgr(what: &str) -> Progress {
    Progress::Part { who: "keymgr".into(), what: what.into() }
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So many of something: `1 file`, `2 files`.
pub fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The first of some paths, and how many more there are, for a message.
fn first_of<P: AsRef<Path>>(paths: &[P]) -> String {
    let Some(first) = paths.first() else { return "nothing".into() };
    let first = first.as_ref().display();
    match paths.len() - 1 {
        0 => first.to_string(),
        more => format!("{first} and {more} more"),
    }
}

/// A failure without a kind of its own: what could not be done, and why.
fn failed(what: &str, error: &(impl Display + ?Sized)) -> Failure {
    Failure::new(FailureKind::Failed, format!("{what}: {error}"))
}

/// Waits until whoever owns the state directory has let it go, at most that long. Tells whether it is writable.
///
/// # Errors
/// Busy when the time is over.
pub fn wait_until_free(paths: &Paths, at_most: Duration) -> Result<bool, Failure> {
    let deadline = Instant::now() + at_most;
    loop {
        match StateLock::take_to_read(&paths.resolved()) {
            Err(failure) if failure.kind == FailureKind::Busy && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other.map(|lock| lock.is_writable()),
        }
    }
}

/// The filesystem of somebody else that hides what is on this point, if one does: the kind of the topmost one.
fn hidden_by(point: &Path) -> Option<String> {
    let topmost = mounts_on(point).pop()?;
    let kind = topmost.split_once(" - ")?.1.split(' ').next()?.to_owned();
    (kind != OURS).then_some(kind)
}

/// The mounts on a point, one line of `/proc/self/mountinfo` each, the topmost last.
fn mounts_on(point: &Path) -> Vec<String> {
    let mounts = crate::sys::proc::read("self/mountinfo").unwrap_or_default();
    let mounts = String::from_utf8_lossy(&mounts);
    let there = escape_mount_path(point);
    let on_point = |line: &&str| line.split(' ').nth(4) == Some(&there);
    mounts.lines().filter(on_point).map(str::to_owned).collect()
}

/// A path as `/proc/self/mountinfo` writes it.
fn escape_mount_path(path: &Path) -> String {
    let mut escaped = String::new();
    for character in path.to_string_lossy().chars() {
        match character {
            ' ' | '\t' | '\n' | '\\' => escaped += &format!("\\{:03o}", character as u32),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_all_others_are_many() {
        let told = [0, 1, 2].map(|count| counted(count, "file"));
        assert_eq!(told, ["0 files", "1 file", "2 files"]);
        assert_eq!(first_of(&["/a"]), "/a");
        assert_eq!(first_of(&["/a", "/b", "/c"]), "/a and 2 more");
    }
}
