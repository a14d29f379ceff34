//! Encrypting and decrypting, seen from the service: the journal is the keystore, the tree is live.

use super::Paths;
use super::engine::Engine;
use super::failures::migrate_failure;
use super::protocol::{Answer, Failure, FailureKind, LocationRow, Progress};
use crate::crypto::CategoryKeys;
use crate::crypto::sector::Suite;
use crate::keystore::{self, Location, LocationId, State};
use crate::migrate::{self, Context, Id, Journal, Phase, Record, Step, Tree};
use crate::sys::open_files::{self, Holder, Use};
use crate::volume::{Place, ROOT};
use serde_json::json;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a file that was just closed may take to be released.
pub const CLOSING: Duration = Duration::from_secs(1);

/// Encrypts each path into the category, which is made if it is new.
///
/// # Errors
/// The first path's that cannot be encrypted; those before it stay encrypted.
pub fn encrypt(
    engine: &Engine,
    category: &str,
    paths: &[OsString],
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let _turn = engine.begin_migration()?;
    let name = keystore::category::parse(category)
        .map_err(|error| Failure::new(FailureKind::Usage, error.to_string()))?;
    progress(part("ezncrypt", "Checking system dependencies"));
    progress(part("keymgr", "Retrieving key from the keystore"));
    let keys = engine.with_keystore(|keystore| match keystore.category(name) {
        Some(keys) => Ok(keys.clone()),
        // Kept together with the first location: what is refused leaves no category behind.
        None => new_category(),
    })?;
    progress(part("ezncrypt", "encrypting files"));
    for path in paths {
        refuse_our_own(engine.paths(), Path::new(path))?;
        progress(Progress::Step(format!("encrypting {}", Path::new(path).display())));
        let record = with_context(engine, &keys, progress, |context| {
            migrate::encrypt(Path::new(path), name, context)
        })?;
        log(engine, "encrypted", &record);
    }
    progress(Progress::PartDone);
    Ok(Answer::Nothing)
}

/// Puts plaintext back at each original path.
///
/// # Errors
/// The first path's that cannot be decrypted; those before it are decrypted.
pub fn decrypt(
    engine: &Engine,
    paths: &[OsString],
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let _turn = engine.begin_migration()?;
    let records =
        paths.iter().map(|path| find(engine, Path::new(path))).collect::<Result<Vec<_>, _>>()?;
    progress(part("ezncrypt", "decrypting files"));
    for record in records {
        let keys = category_keys(engine, &record.category)?;
        progress(Progress::Step(format!("decrypting {}", record.path.display())));
        with_context(engine, &keys, progress, |context| migrate::decrypt(&record, context))?;
        log(engine, "decrypted", &record);
    }
    progress(Progress::PartDone);
    Ok(Answer::Nothing)
}

/// Finishes or undoes what was interrupted. What can be neither (its ciphertext is gone, say) is logged
/// and stays refused, so that it keeps no other location from being served.
pub fn recover_all(engine: &Engine, progress: &mut dyn FnMut(Progress)) {
    for location in engine.locations().iter() {
        let record = record_of(location);
        let recovered = category_keys(engine, &record.category).and_then(|keys| {
            with_context(engine, &keys, progress, |context| migrate::recover(&record, context))
        });
        match recovered {
            Ok(migrate::Recovered::Nothing) => {}
            Ok(migrate::Recovered::Finished | migrate::Recovered::Undone) => {
                log(engine, "recovered", &record);
            }
            Err(failure) => {
                progress(Progress::Step(failure.message.clone()));
                let path = record.path.to_string_lossy();
                let fields = json!({ "path": path, "reason": failure.message });
                engine.log().write("not_recovered", fields);
            }
        }
    }
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

/// The location that a path names: its original path, or another way to it.
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
    progress: &mut dyn FnMut(Progress),
    work: impl FnOnce(&mut Context<'_>) -> migrate::Result<T>,
) -> Result<T, Failure> {
    let paths = engine.paths();
    let locations: Vec<PathBuf> = engine.locations().iter().map(|l| l.path.clone()).collect();
    let mut journal = KeystoreJournal { engine, keys: keys.clone() };
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

/// The journal: locations in the keystore, sealed and authenticated like everything in it.
struct KeystoreJournal<'a> {
    engine: &'a Engine,
    keys: Arc<CategoryKeys>,
}

impl KeystoreJournal<'_> {
    fn update(
        &self,
        change: impl FnOnce(&mut keystore::Draft) -> keystore::Result<()>,
    ) -> migrate::Result<()> {
        self.engine
            .with_keystore(|keystore| Ok(keystore.update(change)?))
            .and_then(|()| self.engine.refresh())
            .map_err(|failure| migrate::Error::Journal(failure.into()))
    }
}

impl Journal for KeystoreJournal<'_> {
    fn begin(&mut self, record: &Record) -> migrate::Result<()> {
        self.update(|draft| {
            if draft.category(&record.category).is_none() {
                draft.insert_category(&record.category, self.keys.clone())?;
            }
            draft.locations.push(location_of(record));
            Ok(())
        })
    }

    fn advance(&mut self, id: Id, phase: Phase) -> migrate::Result<()> {
        self.update(|draft| {
            for location in draft.locations.iter_mut().filter(|l| l.id.0 == id.0) {
                location.state = state_of(phase);
            }
            Ok(())
        })
    }

    fn forget(&mut self, id: Id) -> migrate::Result<()> {
        self.update(|draft| {
            draft.locations.retain(|location| location.id.0 != id.0);
            Ok(())
        })
    }
}

/// What the mount shows of a location while it is worked on.
struct LiveTree<'a> {
    engine: &'a Engine,
}

impl LiveTree<'_> {
    /// A file of the location that is open in the tree.
    fn open_below(&self, record: &Record) -> Option<PathBuf> {
        let places = self.engine.volume().open_places();
        let inside = |place: &Place| {
            *place.category == *record.category && place.path.starts_with(&record.path)
        };
        places.into_iter().find(inside).map(|place| place.path)
    }
}

/// Stands for a process that `/proc` does not show.
fn unseen_holder(path: PathBuf) -> Holder {
    Holder { pid: None, process: "a process unseen".into(), path, usage: Use::Open }
}

impl Tree for LiveTree<'_> {
    fn freeze(&self, record: &Record) -> migrate::Result<Vec<Holder>> {
        self.engine.freeze(&record.path);
        if self.engine.live().is_none() {
            return Ok(Vec::new());
        }
        let below = self.engine.paths().mount().join(&record.category);
        let below = below.join(record.path.strip_prefix("/").unwrap_or(&record.path));
        let deadline = Instant::now() + CLOSING;
        loop {
            let holders = open_files::holders(&below, &HashSet::new()).map_err(|source| {
                self.engine.thaw(&record.path);
                migrate::Error::Io { doing: "look for users of", path: below.clone(), source }
            })?;
            // What is open counts, whoever holds it: a closed file is released a moment later, a
            // descriptor on its way through a socket is in no process.
            let open = self.open_below(record);
            match open {
                Some(path) if holders.is_empty() && Instant::now() >= deadline => {
                    return Ok(vec![unseen_holder(path)]);
                }
                Some(_) if holders.is_empty() => std::thread::sleep(CLOSING / 50),
                _ => return Ok(holders),
            }
        }
    }

    fn thaw(&self, record: &Record) {
        self.engine.thaw(&record.path);
    }

    /// The kernel forgets the first name of the path that it may have seen otherwise.
    fn changed(&self, record: &Record) {
        let Some(mounted) = self.engine.live().and_then(|live| live.mounted.get()) else { return };
        let volume = self.engine.volume();
        let Ok(category) = volume.look_up(ROOT, OsStr::new(&record.category)) else { return };
        let mut parent = category.attributes.ino;
        mounted.drop_name(ROOT, OsStr::new(&record.category));
        for name in record.path.components().skip_while(|c| c.as_os_str() == "/") {
            mounted.drop_attributes(parent);
            mounted.drop_name(parent, name.as_os_str());
            let next = volume.look_up(parent, name.as_os_str());
            volume.forget(parent, 1);
            match next {
                Ok(entry) => parent = entry.attributes.ino,
                Err(_) => return,
            }
        }
        volume.forget(parent, 1);
    }
}

fn record_of(location: &Location) -> Record {
    let phase = match location.state {
        State::Encrypting => Phase::Encrypting,
        State::Encrypted => Phase::Encrypted,
        State::Decrypting => Phase::Decrypting,
    };
    let kind = match location.kind {
        keystore::Kind::File => migrate::Kind::File,
        keystore::Kind::Directory => migrate::Kind::Directory,
    };
    let (category, path) = (location.category.clone(), location.path.clone());
    Record { id: Id(location.id.0), category, path, kind, phase }
}

fn location_of(record: &Record) -> Location {
    let kind = match record.kind {
        migrate::Kind::File => keystore::Kind::File,
        migrate::Kind::Directory => keystore::Kind::Directory,
    };
    let (category, path) = (record.category.clone(), record.path.clone());
    let state = state_of(record.phase);
    Location { id: LocationId(record.id.0), category, path, kind, state }
}

fn state_of(phase: Phase) -> State {
    match phase {
        Phase::Encrypting => State::Encrypting,
        Phase::Encrypted => State::Encrypted,
        Phase::Decrypting => State::Decrypting,
    }
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
