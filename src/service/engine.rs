//! What is known while the keystore is open: keys, locations, rules, the tree. The same in a service and
//! in a command that works without one; what is done with it stands in [`super::requests`].

use super::Paths;
use super::audit::{self, Log};
use super::failures::refused_at;
use super::guards::{self, registry::Registry};
use super::keys;
use super::mode::Mode;
use super::protocol::{Counters, Failure, FailureKind, Status};
use super::rotation;
use super::turn::{Turn, Turns};
use super::works::Works;
use crate::access::{self, Policy, ProcCallers, Programs, Rule};
use crate::fuse::{self, Mounted};
use crate::keystore::{AuditHead, Keystore, Location, RuleRecord};
use crate::sys::caller::FileStat;
use crate::volume::{self, Ino, Observer, Place, Volume, file};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Instant;

/// The unlocked keystore and what follows from it.
pub struct Engine {
    paths: Paths,
    keystore: Mutex<Option<Keystore>>,
    judges: RwLock<Judges>,
    volume: Arc<Volume>,
    locations: RwLock<Arc<Vec<Location>>>,
    /// Locations that nobody may open anything in: they are being decrypted.
    frozen: Mutex<HashSet<PathBuf>>,
    /// Held for reading by each request of the mount that is worked on.
    in_hand: RwLock<()>,
    /// Held while a location is encrypted or decrypted: one at a time.
    migrating: Turns,
    live: Option<Live>,
    guards: guards::State,
    rotation: rotation::State,
    works: Works,
    migrations: Works,
    mode: Mode,
    log: Arc<Log>,
    denied: AtomicU64,
    sizes_put_right: AtomicU64,
    /// Files that end otherwise than this service ended them.
    odd_ends: AtomicU64,
    /// Files that could not be synced.
    failed_syncs: AtomicU64,
    /// Requests that panicked.
    panics: AtomicU64,
}

/// Why the service ends.
pub enum End {
    /// `ezncrypt stop`.
    Command,
    /// SIGTERM or SIGINT.
    Signal(&'static str),
}

/// Who finds programs, and who decides about them.
#[derive(Clone)]
struct Judges {
    programs: Arc<Programs>,
    policy: Arc<Policy>,
}

/// What only a running service has.
pub struct Live {
    /// Totals of the mount.
    pub counters: Arc<fuse::Counters>,
    /// The mount, once there is one.
    pub mounted: OnceLock<Mounted>,
    started: Instant,
    ask_end: Mutex<Sender<End>>,
    end_after_reply: AtomicBool,
}

impl Engine {
    /// An engine for one command, without a mount.
    ///
    /// # Errors
    /// When the storage directory cannot be opened or the stored rules do not parse.
    pub fn offline(paths: Paths, keystore: Keystore) -> Result<Self, Failure> {
        struct Noted(Arc<Log>);
        impl Observer for Noted {
            fn file_event(&self, _: Ino, place: &Place, event: file::Event) {
                self.0.file_event(place, event);
            }
            fn request_panicked(&self, place: Option<&Place>, what: &str) {
                self.0.request_panicked(place, what);
            }
        }
        let log = open_log(&paths, &keystore)?;
        Self::new(paths, keystore, Arc::new(Noted(log.clone())), log, None)
    }

    /// An engine for a service; `ask_end` is told when a command asks for its end.
    ///
    /// # Errors
    /// As [`Engine::offline`].
    pub fn live_over(
        paths: Paths,
        keystore: Keystore,
        observer: Arc<dyn Observer>,
        ask_end: Sender<End>,
    ) -> Result<Self, Failure> {
        let live = Live {
            counters: Arc::default(),
            mounted: OnceLock::new(),
            started: Instant::now(),
            ask_end: Mutex::new(ask_end),
            end_after_reply: AtomicBool::new(false),
        };
        let log = open_log(&paths, &keystore)?;
        let engine = Self::new(paths, keystore, observer, log, Some(live))?;
        guards::own::program(&engine)?;
        Ok(engine)
    }

    fn new(
        paths: Paths,
        mut keystore: Keystore,
        observer: Arc<dyn Observer>,
        log: Arc<Log>,
        live: Option<Live>,
    ) -> Result<Self, Failure> {
        let storage = paths.storage();
        let volume = Volume::open(&storage, observer).map_err(|error| match error {
            volume::Error::Io(error) => refused_at(&storage, "cannot open", &error),
            error => super::failed(&format!("cannot open {}", storage.display()), &error),
        })?;
        let volume = Arc::new(volume);
        let judges = RwLock::new(judges(&paths, &volume)?);
        let kept = log.clone();
        keystore.keep_audit_head(Box::new(move || Some(kept_head(kept.durable_head()?))));
        let guards = guards::State::new(paths.mount());
        let engine = Self {
            paths,
            keystore: Mutex::new(Some(keystore)),
            judges,
            volume,
            locations: RwLock::default(),
            frozen: Mutex::default(),
            in_hand: RwLock::default(),
            migrating: Turns::default(),
            live,
            guards,
            rotation: rotation::State::default(),
            works: Works::default(),
            migrations: Works::default(),
            mode: Mode::default(),
            log,
            denied: AtomicU64::new(0),
            sizes_put_right: AtomicU64::new(0),
            odd_ends: AtomicU64::new(0),
            failed_syncs: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        };
        engine.refresh()?;
        Ok(engine)
    }

    /// The places of the instance.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// What only a running service has.
    pub fn live(&self) -> Option<&Live> {
        self.live.as_ref()
    }

    /// The tree.
    pub fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }

    /// The rules in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.judges.read().unwrap_or_else(PoisonError::into_inner).policy.clone()
    }

    /// Who finds and fingerprints programs.
    pub fn programs(&self) -> Arc<Programs> {
        self.judges.read().unwrap_or_else(PoisonError::into_inner).programs.clone()
    }

    /// The locations.
    pub fn locations(&self) -> Arc<Vec<Location>> {
        self.locations.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is known of guards.
    pub fn guards(&self) -> &guards::State {
        &self.guards
    }

    /// The change of a category's key that is at work, if any.
    pub fn rotation(&self) -> &rotation::State {
        &self.rotation
    }

    /// Long work that goes on.
    pub fn works(&self) -> &Works {
        &self.works
    }

    /// Whether what the rules would deny is let through.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// Lets `work` use the keystore.
    ///
    /// # Errors
    /// What `work` says; not running when the keys have been wiped already.
    pub fn with_keystore<T>(
        &self,
        work: impl FnOnce(&mut Keystore) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut keystore = self.keystore.lock().unwrap_or_else(PoisonError::into_inner);
        let ending = || Failure::new(FailureKind::NotRunning, "the service is ending");
        work(keystore.as_mut().ok_or_else(ending)?)
    }

    /// Takes over what the keystore says now: categories, locations and rules.
    ///
    /// # Errors
    /// When a stored rule does not parse.
    pub fn refresh(&self) -> Result<(), Failure> {
        // Within the lock, so that of two changes the later one is in force at the end.
        self.with_keystore(|keystore| {
            for (name, keys) in keystore.categories() {
                self.volume.set_category(name, keys.clone());
            }
            let rules = parsed(keystore.rules())?;
            let locations = Arc::new(keystore.locations().to_vec());
            let (mount, kept) = (self.paths.mount(), locations.clone());
            let registry = Arc::new(Registry::new(rules, keystore.guards(), kept, mount));
            *self.locations.write().unwrap_or_else(PoisonError::into_inner) = locations;
            self.guards.set_registry(registry.clone());
            self.policy().replace(registry.bound_rules());
            Ok(())
        })
    }

    /// Starts deciding anew, knowing the mount; what was remembered of processes is forgotten.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn install_policy(&self) -> Result<(), Failure> {
        let judges = judges(&self.paths, &self.volume)?;
        *self.judges.write().unwrap_or_else(PoisonError::into_inner) = judges;
        self.refresh()
    }

    /// The encryption, decryption or recovery that goes on, if any.
    pub fn migrations(&self) -> &Works {
        &self.migrations
    }

    /// One migration at a time; `about` names it for others: "encrypting /srv/data".
    ///
    /// # Errors
    /// Busy while another runs.
    pub fn begin_migration(&self, about: String) -> Result<Turn<'_>, Failure> {
        // Of one that panicked the record in the keystore says how far it came; recovering goes on from there.
        let panicked = || self.frozen.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.migrating.take(about, panicked).map_err(|about| {
            rotation::at_work(self).unwrap_or_else(|| {
                let about = about.map(|about| format!(": {about}")).unwrap_or_default();
                let message = format!("another command is at work{about}");
                Failure::new(FailureKind::Busy, message).hint("wait until it has finished")
            })
        })
    }

    /// Held for reading while a request of the mount is worked on.
    pub fn requests_in_hand(&self) -> &RwLock<()> {
        &self.in_hand
    }

    /// Blocks a location. When this returns, no request that was let in before is still worked on.
    pub fn freeze(&self, location: &Path) {
        self.frozen.lock().unwrap_or_else(PoisonError::into_inner).insert(location.to_owned());
        drop(self.in_hand.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Lets a location go.
    pub fn thaw(&self, location: &Path) {
        self.frozen.lock().unwrap_or_else(PoisonError::into_inner).remove(location);
    }

    /// Whether a path lies in a blocked location.
    pub fn is_frozen(&self, path: &Path) -> bool {
        let set = self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        set.iter().any(|location| path.starts_with(location))
    }

    /// Counts a request refused for want of a rule.
    pub fn count_denial(&self) {
        self.denied.fetch_add(1, Relaxed);
    }

    /// Notes what was found about a file's bytes.
    pub fn file_event(&self, ino: Ino, place: &Place, event: file::Event) {
        self.log.file_event(place, event);
        if matches!(
            event,
            file::Event::EndMarkMissing
                | file::Event::EndMarkInside { .. }
                | file::Event::Unwritten { .. }
        ) {
            self.odd_ends.fetch_add(1, Relaxed);
        }
        if event == file::Event::SyncFailed {
            self.failed_syncs.fetch_add(1, Relaxed);
            if let Some(mounted) = self.mounted() {
                mounted.drop_contents(ino);
            }
        }
        if matches!(event, file::Event::SizePutRight { .. }) {
            self.sizes_put_right.fetch_add(1, Relaxed);
        }
        let is_other_size =
            matches!(event, file::Event::SizePutRight { .. } | file::Event::Unwritten { .. });
        if let Some(mounted) = self.mounted().filter(|_| is_other_size) {
            mounted.drop_attributes(ino);
        }
    }

    /// Notes that a request panicked.
    pub fn request_panicked(&self, place: Option<&Place>, what: &str) {
        self.panics.fetch_add(1, Relaxed);
        self.log.request_panicked(place, what);
    }

    fn mounted(&self) -> Option<&Mounted> {
        self.live.as_ref().and_then(|live| live.mounted.get())
    }

    /// Whether the mount is served.
    pub fn is_mounted(&self) -> bool {
        self.mounted().is_some_and(Mounted::is_served)
    }

    /// Lets the service end once the request in hand is answered.
    pub fn end_after_reply(&self) {
        if let Some(live) = &self.live {
            live.end_after_reply.store(true, Relaxed);
        }
    }

    /// Ends the service if the request just answered asked for it.
    pub fn after_reply(&self) {
        if let Some(live) = &self.live
            && live.end_after_reply.load(Relaxed)
        {
            let sender = live.ask_end.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = sender.send(End::Command);
        }
    }

    /// Seals the log, and keeps in the keystore how far it came. A keystore that cannot be saved (a full
    /// disk, say) knows an earlier line.
    pub fn close_log(&self) {
        self.log.finish();
        let _ = self.with_keystore(|keystore| {
            let newest = self.log.durable_head().map(kept_head);
            let is_news = newest.is_some() && newest != keystore.audit_head();
            if is_news { Ok(keystore.update(|_| Ok(()))?) } else { Ok(()) }
        });
    }

    /// Drops the keystore, the tree's categories and its open files: all keys, which wipe themselves.
    pub fn wipe(&self) {
        self.volume.close_all();
        *self.keystore.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The status, as of now.
    pub fn status(&self) -> Status {
        let stored = self.with_keystore(|keystore| {
            let rules = keystore.rules().len() as u64;
            Ok((keystore.sequence(), rules, keys::backup_row(keystore)))
        });
        let (keystore_generation, rules, keystore_backup) = stored.unwrap_or_default();
        let mut status = Status {
            mount: self.paths.mount().to_string_lossy().into_owned(),
            mode: self.mode.name().into(),
            mode_seconds_left: self.mode.left().map(|left| left.as_secs().max(1)),
            keystore_generation,
            locations: self.locations().len() as u64,
            rules,
            keystore_backup,
            rotation: rotation::row(self),
            at_work: self.migrations.go_on(),
            ..Status::default()
        };
        if let Some(live) = &self.live {
            status.running = true;
            status.pid = std::process::id();
            status.uptime_seconds = live.started.elapsed().as_secs();
            let has_rings = live.mounted.get().is_some_and(Mounted::has_rings);
            status.transport = if has_rings { "io_uring" } else { "device" }.into();
            status.open_files = self.volume.open_files() as u64;
            status.counters = Counters {
                requests: live.counters.requests(),
                requests_by_kind: live.counters.by_kind(),
                bytes_read: live.counters.bytes_read.load(Relaxed),
                bytes_written: live.counters.bytes_written.load(Relaxed),
                syncs: live.counters.syncs.load(Relaxed),
                denied: self.denied.load(Relaxed),
                integrity_errors: live.counters.integrity_errors.load(Relaxed)
                    + self.odd_ends.load(Relaxed),
                sizes_put_right: self.sizes_put_right.load(Relaxed),
                failed_syncs: self.failed_syncs.load(Relaxed),
                panics: self.panics.load(Relaxed),
            };
        }
        status
    }
}

/// Opens the log of the keystore's instance.
pub fn open_log(paths: &Paths, keystore: &Keystore) -> Result<Arc<Log>, Failure> {
    let kept = keystore.audit_head();
    let head = |kept: AuditHead| audit::Head { sequence: kept.sequence, hash: kept.hash };
    Ok(Arc::new(Log::open(audit::Settings {
        path: paths.audit_log(),
        syslog: paths.syslog_socket(),
        sealer: sealer(keystore)?,
        kept: kept.map(head),
        rotate_at: audit::ROTATE_AT,
        seal_after: audit::SEAL_AFTER,
    })))
}

/// What seals the log of the keystore's instance, and checks what was sealed before.
///
/// # Errors
/// None in practice.
pub fn sealer(keystore: &Keystore) -> Result<audit::Sealer, Failure> {
    let former = keystore.former_audit_keys().iter().map(|key| key.duplicate()).collect();
    Ok(audit::Sealer::new(keystore.audit_key()?, keystore.id()).with_former(former))
}

fn kept_head(head: audit::Head) -> AuditHead {
    AuditHead { sequence: head.sequence, hash: head.hash }
}

fn judges(paths: &Paths, volume: &Arc<Volume>) -> Result<Judges, Failure> {
    let point = paths.mount();
    let device =
        (!super::mounts_on(&point).is_empty()).then(|| FileStat::device_of(&point).ok()).flatten();
    let programs = super::programs::TreePrograms {
        volume: volume.clone(),
        device: device.unwrap_or_default(),
    };
    let mount = access::Mount { path: point, device };
    let programs = Arc::new(Programs::new(mount, Box::new(programs)));
    let callers = ProcCallers::new().map_err(|error| super::failed("cannot read /proc", &error))?;
    let policy = Arc::new(Policy::new(Arc::new(callers), programs.clone(), Vec::new()));
    Ok(Judges { programs, policy })
}

/// The stored rules, read.
fn parsed(records: &[RuleRecord]) -> Result<Vec<(Rule, RuleRecord)>, Failure> {
    let parse = |record: &RuleRecord| {
        let rule = record.text.parse().map_err(|error| {
            let message = format!("a stored rule is of another release: {}: {error}", record.text);
            Failure::new(FailureKind::Damaged, message)
        })?;
        Ok((rule, record.clone()))
    };
    records.iter().map(parse).collect()
}
