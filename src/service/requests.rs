//! Carrying requests out: who must show the secret, and who does the work.

use super::engine::Engine;
use super::guards::requests as guards;
use super::migration::{CLOSING, Finished, LOOK_AGAIN, PASSING};
use super::protocol::{Answer, Failure, FailureKind, Progress, Request, Secret, Status};
use super::{client, decrypt_file, explain, keys, migration, mode, rotation, rules, verification};
use crate::sys::open_files::Holder;
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// Carries out a request, telling how it goes on. `earlier` is what was finished for it before. What changes
/// nothing may be broken off when `gone` tells that nobody waits for the answer any more.
///
/// # Errors
/// Why it was not carried out; nothing was changed then.
pub fn execute(
    engine: &Engine,
    request: &Request,
    earlier: Finished,
    gone: &(dyn Fn() -> bool + Sync),
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    match request {
        Request::Status => {
            let plaintext_left = migration::plaintext_left(engine);
            Ok(Answer::Status(Box::new(Status { plaintext_left, ..engine.status() })))
        }
        Request::Stop { force } => stop(engine, *force),
        Request::Encrypt { category, paths, secret } => {
            if let Some(secret) = secret {
                check_secret(engine, secret)?;
            }
            // Without a service the secret was shown to get here.
            let shown = secret.is_some() || engine.live().is_none();
            migration::encrypt(engine, category, paths, shown, earlier, progress)
        }
        Request::Decrypt { paths, secret } => {
            check_secret(engine, secret)?;
            migration::decrypt(engine, paths, earlier, progress)
        }
        Request::Locations => Ok(Answer::Locations(migration::rows(&engine.locations()))),
        Request::RuleAdd { rule, package, secret } => {
            check_secret(engine, secret)?;
            rules::add(engine, rule, package.clone(), progress)
        }
        Request::RuleDelete { which, secret } => {
            check_secret(engine, secret)?;
            rules::delete(engine, which)
        }
        Request::RulePreview { number } => rules::preview(engine, *number),
        Request::RuleRefresh { number, changes, packages, secret } => {
            check_secret(engine, secret)?;
            rules::refresh(engine, *number, changes, packages, progress)
        }
        Request::Rules => rules::list(engine),
        Request::GuardInstall { guard, secret } => {
            check_secret(engine, secret)?;
            guards::install(engine, guard, progress)
        }
        Request::GuardRemove { guard, secret } => {
            check_secret(engine, secret)?;
            guards::remove(engine, Path::new(guard))
        }
        Request::AuditVerify => Ok(Answer::Audit(Box::new(engine.log().verify()))),
        Request::Guards => guards::list(engine),
        Request::GuardPermit { guard, settings, seconds, secret } => {
            check_secret(engine, secret)?;
            guards::permit(engine, Path::new(guard), settings, *seconds)
        }
        Request::Mode { seconds, secret } => {
            check_secret(engine, secret)?;
            mode::set(engine, *seconds)
        }
        Request::Explain(question) => explain::answer(engine, question),
        Request::Keys => keys::list(engine),
        Request::KeyAdd { slot, name, secret } => {
            check_secret(engine, secret)?;
            keys::add(engine, slot, name)
        }
        Request::KeyExport { category, to, secret } => {
            check_secret(engine, secret)?;
            keys::export(engine, category, to)
        }
        Request::KeyImport { bundle, bundle_secret, name, secret } => {
            check_secret(engine, secret)?;
            keys::import(engine, bundle, bundle_secret, name.as_deref())
        }
        Request::KeyBackup { path, force } => keys::backup(engine, Path::new(path), *force),
        Request::DecryptFile { file, out, force, secret } => {
            check_secret(engine, secret)?;
            decrypt_file::decrypt(engine, Path::new(file), Path::new(out), *force, progress)
        }
        Request::KeyRemove { which, secret } => {
            check_secret(engine, secret)?;
            keys::remove(engine, which)
        }
        Request::MasterRotate { given, dropped, secret } => {
            check_secret(engine, secret)?;
            keys::rotate(engine, given, dropped, secret)
        }
        Request::KeyChange { which, slot, secret } => {
            check_secret(engine, secret)?;
            keys::change(engine, which.as_ref(), slot, secret)
        }
        Request::KeyRotate { category, data, rate, secret } => {
            check_secret(engine, secret)?;
            let wanted = rotation::Wanted { category, data: *data, rate: *rate };
            rotation::rotate(engine, &wanted, progress)
        }
        Request::Verify { what, secret } => {
            if let Some(secret) = secret {
                check_secret(engine, secret)?;
            }
            verification::verify(engine, what, gone, progress)
        }
        Request::Repair { files, zero_torn, secret } => {
            check_secret(engine, secret)?;
            verification::repair(engine, files, *zero_torn, progress)
        }
    }
}

/// Whether a request asks for what can be told where nothing can be written, the audit log included.
pub fn only_reads(request: &Request) -> bool {
    matches!(
        request,
        Request::Locations
            | Request::Rules
            | Request::RulePreview { .. }
            | Request::Guards
            | Request::Keys
            | Request::AuditVerify
            | Request::Explain(_)
            | Request::Verify { .. }
    )
}

fn check_secret(engine: &Engine, secret: &Secret) -> Result<(), Failure> {
    let checked = engine.with_keystore(|keystore| Ok(keystore.authenticate(secret).map(drop)?));
    let refused =
        |failure: &Failure| matches!(failure.kind, FailureKind::WrongSecret | FailureKind::Denied);
    if checked.as_ref().is_err_and(refused) {
        engine.log().write_limited("secret_refused", json!({}));
    }
    checked
}

fn stop(engine: &Engine, force: bool) -> Result<Answer, Failure> {
    let Some(live) = engine.live() else { return Err(client::not_running(engine.paths())) };
    refuse_hidden(engine)?;
    if !force {
        // A change of keys is stopped by the end and goes on with the next start.
        if engine.rotation().running().is_none() {
            drop(engine.begin_migration("stopping the service".into())?);
        }
        let begun = Instant::now();
        while let Some(mounted) = live.mounted.get().filter(|mounted| mounted.is_served()) {
            if mounted.unmount(false).is_ok() {
                break;
            }
            let users = migration::users(engine.paths());
            if begun.elapsed() >= if users.is_empty() { CLOSING } else { PASSING } {
                return Err(in_use(&users));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
    engine.log().write("stop_asked", json!({ "force": force }));
    engine.end_after_reply();
    Ok(Answer::Nothing)
}

/// What somebody mounted over the tree would be unmounted in its place.
fn refuse_hidden(engine: &Engine) -> Result<(), Failure> {
    let point = engine.paths().mount();
    let Some(kind) = super::hidden_by(&point) else { return Ok(()) };
    let message = format!("another filesystem ({kind}) is mounted over {}", point.display());
    Err(Failure::new(FailureKind::Busy, message).hint(format!("umount {}", point.display())))
}

/// The failure that names who uses files below the mount.
fn in_use(users: &[Holder]) -> Failure {
    let names: Vec<String> = users.iter().take(20).map(Holder::to_string).collect();
    let who = if names.is_empty() { "a process unseen".into() } else { names.join(", ") };
    Failure::new(FailureKind::Busy, format!("files are in use by {who}"))
        .hint("end these processes, or `ezncrypt stop --force`: their next access will fail")
}
