//! Encrypting and decrypting, seen from the service: the journal is the keystore, the tree is live.

use super::engine::Engine;
use super::failures::migrate_failure;
use super::protocol::{Answer, Failure, FailureKind, LocationRow, Progress, Status};
mod adopt;
mod journal;
mod live_tree;
mod recovery;

use super::{Paths, confirmation, lock};
use crate::crypto::CategoryKeys;
use crate::crypto::sector::Suite;
use crate::keystore::{self, Location, State};
use crate::migrate::{self, Context, Record, Step};
use crate::sys::open_files::{self, Holder};
use journal::{KeystoreJournal, record_of};
use live_tree::LiveTree;
pub use recovery::{Finished, recover_all, settle_all};
use serde_json::json;
use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a file that was closed may take to be released, on a machine with much to do.
pub const CLOSING: Duration = Duration::from_secs(5);

/// How long a process may be seen with a file open that it only inherited and is about to lose, by its exec
/// or its end.
pub const PASSING: Duration = Duration::from_millis(250);

/// How often it is looked again whether a file is still open.
pub const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Encrypts each path into the category, which is made if it is new. `shown`: the secret was shown, so
/// the locations are confirmed. `earlier`: what was finished for this command before; it is done.
///
/// # Errors
/// The first path's that cannot be encrypted; those before it stay encrypted.
pub fn encrypt(
    engine: &Engine,
    category: &str,
    paths: &[OsString],
    shown: bool,
    earlier: Finished,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let name = keystore::category::parse(category)
        .map_err(|error| Failure::new(FailureKind::Usage, error.to_string()))?;
    let about = format!("encrypting {} into @{name}", super::first_of(paths));
    let _turn = engine.begin_migration(about)?;
    let finished = earlier.and(settle_all(engine, progress));
    let confirmed = shown || !confirmation::has_rules(engine, name)?;
    progress(part("ezncrypt", "Checking system dependencies"));
    progress(part("keymgr", "Retrieving key from the keystore"));
    let keys = engine.with_keystore(|keystore| match keystore.category(name) {
        Some(keys) => Ok(keys.clone()),
        // Kept together with the first location: what is refused leaves no category behind.
        None => new_category(),
    })?;
    progress(part("ezncrypt", "encrypting files"));
    for path in paths {
        if let Some(record) = finished.encrypted(Path::new(path), name, &engine.paths().mount()) {
            let is_it = |location: &&Location| location.path == record.path;
            if engine.locations().iter().find(is_it).is_some_and(|location| !location.confirmed) {
                progress(Progress::Step(confirmation::missing(&record.path, name)));
            }
            continue;
        }
        refuse_our_own(engine.paths(), Path::new(path))?;
        progress(Progress::Step(format!("encrypting {}", Path::new(path).display())));
        let record = with_context(engine, &keys, confirmed, progress, |context| {
            migrate::encrypt(Path::new(path), name, context)
        })?;
        log(engine, "encrypted", &record);
        if !confirmed {
            progress(Progress::Step(confirmation::missing(&record.path, name)));
        }
    }
    progress(Progress::PartDone);
    Ok(Answer::Nothing)
}

/// Puts plaintext back at each original path. `earlier`: what was finished for this command before; it is done.
///
/// # Errors
/// The first path's that cannot be decrypted; those before it are decrypted.
pub fn decrypt(
    engine: &Engine,
    paths: &[OsString],
    earlier: Finished,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let about = format!("decrypting {}", super::first_of(paths));
    let _turn = engine.begin_migration(about)?;
    let finished = earlier.and(settle_all(engine, progress));
    let paths = paths.iter().map(Path::new).filter(|path| !finished.decrypted(path));
    let records = paths.map(|path| find(engine, path)).collect::<Result<Vec<_>, _>>()?;
    progress(part("ezncrypt", "decrypting files"));
    for record in records {
        let keys = category_keys(engine, &record.category)?;
        progress(Progress::Step(format!("decrypting {}", record.path.display())));
        with_context(engine, &keys, false, progress, |context| migrate::decrypt(&record, context))?;
        log(engine, "decrypted", &record);
    }
    progress(Progress::PartDone);
    Ok(Answer::Nothing)
}

/// The directories with plaintext that interrupted runs left; none while there is a run.
pub fn plaintext_left(engine: &Engine) -> Vec<String> {
    if engine.migrations().go_on() {
        return Vec::new();
    }
    let mut directories = migrate::directories_of_originals(&engine.paths().storage());
    let locations = engine.locations();
    directories.extend(locations.iter().filter_map(|l| l.path.parent().map(Path::to_owned)));
    let left = shown_left(&directories);
    // One may have begun meanwhile.
    if engine.migrations().go_on() { Vec::new() } else { left }
}

/// What is known without a service, and without the keystore.
pub fn status_offline(paths: &Paths) -> Status {
    let paths = &paths.resolved();
    let mut status =
        Status { mount: paths.mount().to_string_lossy().into_owned(), ..Status::default() };
    status.at_work = lock::is_held(paths);
    if !status.at_work {
        status.plaintext_left = shown_left(&migrate::directories_of_originals(&paths.storage()));
        // What was seen may be that of somebody who began meanwhile.
        status.at_work = lock::is_held(paths);
    }
    if status.at_work {
        status.plaintext_left.clear();
    }
    status
}

fn shown_left(directories: &BTreeSet<PathBuf>) -> Vec<String> {
    let left = migrate::plaintext_left(directories);
    left.iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

/// The locations, as they are listed.
pub fn rows(locations: &[Location]) -> Vec<LocationRow> {
    let state = |location: &Location| match location.state {
        State::Encrypting => "encrypting",
        State::Encrypted => "encrypted",
        State::Decrypting => "decrypting",
    };
    let row = |location: &Location| LocationRow {
        category: format!("@{}", location.category),
        path: location.path.clone().into(),
        state: state(location).into(),
    };
    locations.iter().map(row).collect()
}

/// Who uses files below the mount, as far as `/proc` shows it.
pub fn users(paths: &Paths) -> Vec<Holder> {
    open_files::holders(&paths.mount(), &HashSet::new()).unwrap_or_default()
}

/// Sockets and log may lie outside the state directory; they must not move into the mount.
fn refuse_our_own(paths: &Paths, path: &Path) -> Result<(), Failure> {
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let overlaps = |own: &PathBuf| resolved.starts_with(own) || own.starts_with(&resolved);
    match [paths.log(), paths.run()].iter().find(|own| overlaps(own)) {
        Some(own) => {
            let message = format!("{path:?} must not be encrypted: ezncrypt itself needs {own:?}");
            Err(Failure::new(FailureKind::Failed, message))
        }
        None => Ok(()),
    }
}

fn new_category() -> Result<Arc<CategoryKeys>, Failure> {
    let keys = CategoryKeys::generate(Suite::for_this_cpu())
        .map_err(|error| super::failed("cannot make a key", &error))?;
    Ok(Arc::new(keys))
}

fn category_keys(engine: &Engine, category: &str) -> Result<Arc<CategoryKeys>, Failure> {
    engine.with_keystore(|keystore| {
        keystore.category(category).cloned().ok_or_else(|| {
            let message = format!("the keystore has no key for @{category}");
            Failure::new(FailureKind::Damaged, message)
        })
    })
}

/// The location that a path names: its original path, or another way to it. One whose ciphertext was
/// copied here from another machine becomes a location.
fn find(engine: &Engine, path: &Path) -> Result<Record, Failure> {
    let locations = engine.locations();
    let canonical = canonical_parent(path);
    let named =
        |location: &&Location| location.path == path || Some(&location.path) == canonical.as_ref();
    if let Some(location) = locations.iter().find(named) {
        return Ok(record_of(location));
    }
    // Below a location our own symlink leads into the mount, and there to the category.
    let below_mount = |path: &Path| {
        let below = path.strip_prefix(engine.paths().mount()).ok()?;
        Some(Path::new("/").join(below.components().skip(1).collect::<PathBuf>()))
    };
    let original = canonical.as_deref().and_then(below_mount);
    let tried = original.as_deref().or(canonical.as_deref()).unwrap_or(path);
    if let Some(record) = adopt::adopt(engine, canonical.as_deref().unwrap_or(path))? {
        return Ok(record);
    }
    let failure = Failure::new(FailureKind::Failed, format!("{path:?} is no encrypted location"));
    Err(match locations.iter().find(|location| location.contains(tried)) {
        Some(location) => failure.hint(format!(
            "it lies in {:?}, which is decrypted as a whole: ezncrypt -d {:?}",
            location.path, location.path
        )),
        None => failure.hint("`ezncrypt list` shows what is"),
    })
}

/// The path with its parent directory's symlinks resolved, its own name kept: that is a symlink of
/// ours.
fn canonical_parent(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

fn with_context<T>(
    engine: &Engine,
    keys: &Arc<CategoryKeys>,
    confirmed: bool,
    progress: &mut dyn FnMut(Progress),
    work: impl FnOnce(&mut Context<'_>) -> migrate::Result<T>,
) -> Result<T, Failure> {
    let _at_work = engine.migrations().begin();
    let paths = engine.paths();
    let locations: Vec<PathBuf> = engine.locations().iter().map(|l| l.path.clone()).collect();
    let mut journal = KeystoreJournal { engine, keys: keys.clone(), confirmed };
    let result = work(&mut Context {
        state: paths.state(),
        storage: &paths.storage(),
        mount: &paths.mount(),
        // Leads to our file even after an upgrade replaced it.
        binary: Path::new("/proc/self/exe"),
        locations: &locations,
        keys: keys.clone(),
        journal: &mut journal,
        tree: &LiveTree { engine },
        progress: &mut |step| shown(step).into_iter().for_each(&mut *progress),
    });
    result.map_err(|error| migrate_failure(&error))
}

fn log(engine: &Engine, event: &str, record: &Record) {
    let category = format!("@{}", record.category);
    let path = record.path.to_string_lossy();
    engine.log().write(event, json!({ "category": category, "path": path }));
}

fn part(who: &str, what: &str) -> Progress {
    Progress::Part { who: who.into(), what: what.into() }
}

/// A step in the words of the product. That of each single file would bury the others.
fn shown(step: Step) -> Option<Progress> {
    Some(Progress::Step(match step {
        Step::Bytes { done, total } => return Some(Progress::Bytes { done, total }),
        Step::Copying { .. } | Step::Removing { .. } | Step::Recording | Step::Placing => {
            return None;
        }
        Step::Checking => "checking whether it can be done".into(),
        Step::Followed { from, to } => {
            format!("{} is a symlink to {}", from.display(), to.display())
        }
        Step::Space => "checking disk space".into(),
        Step::Preparing => "copying".into(),
        Step::Attributes => "copying owners, modes and times".into(),
        Step::Syncing => "writing to disk".into(),
        Step::Comparing => "reading back and comparing".into(),
        Step::Swapping => "swapping".into(),
        Step::Undoing { path } => format!("putting back {}", path.display()),
    }))
}
