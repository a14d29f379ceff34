//! The guard requests: look up, fingerprint, store, put in force.

use super::super::engine::Engine;
use super::super::protocol::{Answer, Failure, FailureKind, GuardRow, GuardSpec, Progress};
use super::super::{client, confirmation};
use super::install::{self, Lists, Plan};
use super::permits::LONGEST;
use super::registry::{Guard, Registry};
use super::{briefing, own};
use crate::access::{Resolved, is_category_name};
use crate::crypto;
use crate::keystore::{self, GuardRecord, Kind, Name, PluginRecord, State};
use serde_json::json;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Registers a guard, with its rules, in one change of the keystore.
///
/// # Errors
/// Usage when the guard is no copy of this program, or the server no encrypted file.
pub fn install(
    engine: &Engine,
    spec: &GuardSpec,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let plan = plan(engine, spec)?;
    let (record, confirmed) = engine.with_keystore(|keystore| {
        keystore.try_update(|draft| {
            let mut lists = Lists { rules: &mut draft.rules, guards: &mut draft.guards };
            let record = install::install(&mut lists, plan).map_err(Failure::from)?;
            let confirmed = confirmation::confirm(draft, &record.category);
            Ok((record, confirmed))
        })
    })?;
    confirmation::tell(engine, &confirmed, progress);
    let fields = json!({
        "guard": record.path.to_string_lossy(),
        "server": record.server.to_string_lossy(),
        "category": format!("@{}", record.category),
        "settings": record.settings,
        "added_rules": record.added_rules,
        "moved_rules": record.moved_rules,
    });
    engine.log().write("guard_installed", fields);
    engine.refresh()?;
    list(engine)
}

/// Removes a guard's policy and its rules; answers what was removed.
///
/// # Errors
/// Usage when none is registered there.
pub fn remove(engine: &Engine, path: &Path) -> Result<Answer, Failure> {
    let registry = engine.guards().registry();
    let guard = match registry.guard(path) {
        Some(Ok(guard)) if guard.record.is_some() => guard,
        Some(_) => {
            let message = format!("the guard {path:?} is made by a rule alone");
            return Err(Failure::new(FailureKind::Usage, message)
                .hint("delete the rule: ezncrypt-access-control -d N"));
        }
        None => return Err(unknown(path)),
    };
    let row = row(engine, &registry, guard);
    engine.with_keystore(|keystore| {
        let category = keystore.location_at(&guard.server).map(|at| at.category.clone());
        let server = server_path(&registry, guard, category.as_deref());
        keystore.update(|draft| {
            let mut lists = Lists { rules: &mut draft.rules, guards: &mut draft.guards };
            install::remove(&mut lists, path, &server);
            Ok(())
        })?;
        Ok(())
    })?;
    engine.guards().permits.withdraw(path);
    let server = guard.server.to_string_lossy();
    engine
        .log()
        .write("guard_removed", json!({ "guard": path.to_string_lossy(), "server": server }));
    engine.refresh()?;
    Ok(Answer::Guards(vec![row]))
}

/// All guards, registered or made by rules alone.
///
/// # Errors
/// When the service is ending.
pub fn list(engine: &Engine) -> Result<Answer, Failure> {
    engine.with_keystore(|_| Ok(()))?;
    let registry = engine.guards().registry();
    Ok(Answer::Guards(registry.guards().map(|guard| row(engine, &registry, guard)).collect()))
}

/// Permits a guard one run with more freedom.
///
/// # Errors
/// Usage for a time out of bounds or a guard that is none; not running without a service.
pub fn permit(
    engine: &Engine,
    path: &Path,
    settings: &[String],
    seconds: u64,
) -> Result<Answer, Failure> {
    if engine.live().is_none() {
        return Err(client::not_running(engine.paths()));
    }
    if !(1..=LONGEST).contains(&seconds) {
        let message = format!("a permit lasts 1 to {LONGEST} seconds, not {seconds}");
        return Err(Failure::new(FailureKind::Usage, message));
    }
    let registry = engine.guards().registry();
    let guard = registry.guard(path).ok_or_else(|| unknown(path))??;
    let id = crypto::random().map_err(|error| super::super::failed("cannot make a permit", &error));
    let id = u64::from_le_bytes(id?);
    engine.guards().permits.give(&guard.path, id, settings, seconds, Instant::now());
    let guard = guard.path.to_string_lossy();
    let fields = json!({ "guard": guard, "settings": settings, "seconds": seconds });
    engine.log().write("guard_permit", fields);
    list(engine)
}

fn unknown(path: &Path) -> Failure {
    Failure::new(FailureKind::Usage, format!("there is no guard {path:?}"))
        .hint("`ezncrypt guard show` lists them")
}

/// Looks everything up that is to be installed.
fn plan(engine: &Engine, spec: &GuardSpec) -> Result<Plan, Failure> {
    let category = spec.category.as_str();
    if !is_category_name(category) {
        let message = format!("{category:?} is no category's name");
        return Err(Failure::new(FailureKind::Usage, message).hint("name one, as in @mysql"));
    }
    let guard = resolve(engine, Path::new(&spec.path))?;
    if guard.path != Path::new(&spec.path) || guard.encrypted {
        let message =
            format!("the guard's path {:?} leads elsewhere, to {:?}", spec.path, guard.path);
        return Err(Failure::new(FailureKind::Usage, message));
    }
    if guard.fingerprint != own::program(engine)? {
        let message = format!("the guard {:?} is no copy of the running ezncrypt", spec.path);
        return Err(Failure::new(FailureKind::Usage, message).hint(
            "after an upgrade of ezncrypt start its service again: ezncrypt stop; ezncrypt start",
        ));
    }
    let original = Path::new(&spec.server);
    let is_server = |at: &&keystore::Location| {
        at.path == original && at.kind == Kind::File && at.state == State::Encrypted
    };
    let locations = engine.locations();
    let location = locations.iter().find(is_server).ok_or_else(|| {
        Failure::new(FailureKind::Usage, format!("{original:?} is not an encrypted file"))
            .hint(format!("ezncrypt -e @protected {}", original.display()))
    })?;
    let registry = engine.guards().registry();
    let server_path = registry.below_mount(&location.category, original);
    let server = resolve(engine, &server_path)?;
    Ok(Plan {
        record: record(spec)?,
        guard: guard.fingerprint,
        server_category: location.category.clone(),
        server_path,
        server: server.fingerprint,
    })
}

fn resolve(engine: &Engine, path: &Path) -> Result<Resolved, Failure> {
    engine.programs().resolve_process(path).map_err(|error| {
        Failure::new(FailureKind::Usage, format!("cannot take a fingerprint: {error}"))
    })
}

/// What is kept of a specification, without its rules.
fn record(spec: &GuardSpec) -> Result<GuardRecord, Failure> {
    let plugin = |plugin: &super::wire::Plugin| {
        let sha256 = digest(&plugin.sha256).ok_or_else(|| {
            let message =
                format!("{:?} is no SHA-256 of the plugin {:?}", plugin.sha256, plugin.name);
            Failure::new(FailureKind::Usage, message)
        })?;
        Ok::<_, Failure>(PluginRecord { name: PathBuf::from(&plugin.name), sha256 })
    };
    Ok(GuardRecord {
        path: PathBuf::from(&spec.path),
        names: spec.names.iter().map(|name| Name(name.into())).collect(),
        server: PathBuf::from(&spec.server),
        was_at: spec.was_at.as_ref().map(|path| Name(path.into())),
        category: spec.category.clone(),
        settings: spec.settings.clone(),
        reload_privileges: spec.reload_privileges,
        plugins: spec.plugins.iter().map(plugin).collect::<Result<_, _>>()?,
        facts: spec.facts.clone(),
        diverted: spec.diverted,
        added_rules: Vec::new(),
        moved_rules: Vec::new(),
    })
}

/// Reads 64 lower-case hex digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let lower = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 64 || !text.as_bytes().iter().all(lower) {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn server_path(registry: &Registry, guard: &Guard, category: Option<&str>) -> PathBuf {
    match &guard.encrypted {
        Some(encrypted) => encrypted.path.clone(),
        None => registry.below_mount(category.unwrap_or("protected"), &guard.server),
    }
}

fn row(engine: &Engine, registry: &Registry, guard: &Guard) -> GuardRow {
    let data = guard.encrypted.as_ref().map(|server| briefing::original_data(registry, server));
    let data: Vec<OsString> = data.into_iter().flatten().map(Into::into).collect();
    let holds = |path: &Path| {
        let mut rules = registry.allowing(path).peekable();
        rules.peek().is_some() && rules.all(|rule| own::holds(engine, &rule.1))
    };
    let server_holds = guard.encrypted.as_ref().is_some_and(|server| holds(&server.path));
    GuardRow {
        spec: spec(registry, guard),
        registered: guard.record.is_some(),
        guard_tainted: !holds(&guard.path),
        server_tainted: !server_holds || data.is_empty(),
        data,
        permit: engine.guards().permits.of(&guard.path, Instant::now()),
    }
}

fn spec(registry: &Registry, guard: &Guard) -> GuardSpec {
    let record = guard.record.as_ref();
    let by_rules = || {
        let server = guard.encrypted.as_ref();
        server.and_then(|server| briefing::data_category(registry, server)).unwrap_or_default()
    };
    GuardSpec {
        path: guard.path.clone().into(),
        names: guard.names.clone(),
        server: guard.server.clone().into(),
        was_at: record.and_then(|record| record.was_at.clone()).map(|name| name.0.into()),
        category: record.map_or_else(by_rules, |record| record.category.clone()),
        settings: record.map(|record| record.settings.clone()).unwrap_or_default(),
        reload_privileges: record.is_some_and(|record| record.reload_privileges),
        plugins: record
            .map(|record| record.plugins.iter().map(briefing::plugin).collect())
            .unwrap_or_default(),
        facts: record.map(|record| record.facts.clone()).unwrap_or_default(),
        diverted: record.is_some_and(|record| record.diverted),
    }
}

impl From<install::Error> for Failure {
    fn from(error: install::Error) -> Self {
        let failure = Self::new(FailureKind::Usage, error.to_string());
        match error {
            install::Error::Taken { guard, .. } => {
                failure.hint(format!("ezncrypt guard remove {}", guard.display()))
            }
            install::Error::Path(_) => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::kdf::Params;
    use crate::keystore::{Keystore, NewSlot, Secret};
    use crate::service::Paths;

    #[test]
    fn without_a_service_guards_are_listed_and_none_is_permitted_anything() {
        let state = tempfile::tempdir().unwrap();
        let paths = Paths::new(state.path().canonicalize().unwrap());
        for directory in [paths.storage(), paths.log()] {
            std::fs::create_dir(directory).unwrap();
        }
        let cheap = Params::with_log_n(Params::MIN_LOG_N).unwrap();
        let slot = NewSlot::Stretched(Secret::passphrase(b"p", b"s"), cheap);
        let keystore = Keystore::create(&paths.keystore(), &slot, 1).unwrap();
        let engine = Engine::offline(paths, keystore).unwrap();
        assert_eq!(list(&engine), Ok(Answer::Guards(Vec::new())));
        let path = Path::new("/usr/sbin/mysqld");
        let kind = |answer: Result<Answer, Failure>| answer.unwrap_err().kind;
        assert_eq!(kind(permit(&engine, path, &[], 60)), FailureKind::NotRunning);
        assert_eq!(kind(remove(&engine, path)), FailureKind::Usage);
    }

    #[test]
    fn a_digest_is_64_lower_case_hex_digits() {
        assert_eq!(digest(&"0a".repeat(32)), Some([10; 32]));
        for text in ["", &"0A".repeat(32), &"0a".repeat(31), &"+a".repeat(32), &"é".repeat(32)] {
            assert_eq!(digest(text), None, "{text}");
        }
    }
}
