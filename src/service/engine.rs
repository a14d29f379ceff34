//! What a service knows and does: it carries requests out, in a service or without one.

use super::log::Log;
use super::protocol::{Answer, Counters, Failure, FailureKind, Progress, Request, Secret, Status};
use super::run::End;
use super::{Paths, migration, rules};
use crate::access::Policy;
use crate::fuse::{self, Mounted};
use crate::keystore::{Keystore, Location};
use crate::volume::{Ino, Place, Volume, file};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Instant;

/// The unlocked keystore and what follows from it.
pub struct Engine {
    paths: Paths,
    keystore: Mutex<Option<Keystore>>,
    policy: RwLock<Arc<Policy>>,
    locations: RwLock<Arc<Vec<Location>>>,
    /// Locations that nobody may open anything in: they are being decrypted.
    frozen: Mutex<HashSet<PathBuf>>,
    /// Held while a location is encrypted or decrypted: one at a time.
    migrating: Mutex<()>,
    live: Option<Live>,
    log: Log,
    denied: AtomicU64,
    sizes_put_right: AtomicU64,
}

/// What only a running service has.
pub struct Live {
    /// The tree.
    pub volume: Arc<Volume>,
    /// Totals of the mount.
    pub counters: Arc<fuse::Counters>,
    /// The mount, once there is one.
    pub mounted: OnceLock<Mounted>,
    started: Instant,
    ask_end: Mutex<Sender<End>>,
    end_after_reply: AtomicBool,
}

impl Live {
    /// A tree that is not mounted yet.
    pub fn new(volume: Arc<Volume>, ask_end: Sender<End>) -> Self {
        Self {
            volume,
            counters: Arc::default(),
            mounted: OnceLock::new(),
            started: Instant::now(),
            ask_end: Mutex::new(ask_end),
            end_after_reply: AtomicBool::new(false),
        }
    }
}

impl Engine {
    /// An engine over an unlocked keystore.
    ///
    /// # Errors
    /// When the stored rules cannot be put in force.
    pub fn new(paths: Paths, keystore: Keystore, live: Option<Live>) -> Result<Self, Failure> {
        let log = Log::open(&paths.audit_log());
        let engine = Self {
            paths,
            keystore: Mutex::new(Some(keystore)),
            policy: RwLock::default(),
            locations: RwLock::default(),
            frozen: Mutex::default(),
            migrating: Mutex::default(),
            live,
            log,
            denied: AtomicU64::new(0),
            sizes_put_right: AtomicU64::new(0),
        };
        engine.refresh()?;
        Ok(engine)
    }

    /// Carries out a request, telling how it goes on.
    ///
    /// # Errors
    /// Why it was not carried out; nothing was changed then.
    pub fn execute(
        &self,
        request: &Request,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Answer, Failure> {
        match request {
            Request::Status => Ok(Answer::Status(Box::new(self.status()))),
            Request::Stop { force } => self.stop(*force),
            Request::Encrypt { category, paths } => {
                migration::encrypt(self, category, paths, progress)
            }
            Request::Decrypt { paths, secret } => {
                self.check_secret(secret)?;
                migration::decrypt(self, paths, progress)
            }
            Request::Locations => Ok(Answer::Locations(migration::rows(&self.locations()))),
            Request::RuleAdd { rule, secret } => {
                self.check_secret(secret)?;
                rules::add(self, rule)
            }
            Request::RuleDelete { which, secret } => {
                self.check_secret(secret)?;
                rules::delete(self, which)
            }
            Request::RuleRefresh { number, secret } => {
                self.check_secret(secret)?;
                rules::refresh(self, *number)
            }
            Request::Rules => rules::list(self),
        }
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

    /// The rules in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The locations.
    pub fn locations(&self) -> Arc<Vec<Location>> {
        self.locations.read().unwrap_or_else(PoisonError::into_inner).clone()
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
        let locations = self.with_keystore(|keystore| {
            if let Some(live) = &self.live {
                for (name, keys) in keystore.categories() {
                    live.volume.set_category(name.as_str(), keys.clone());
                }
            }
            Ok(keystore.locations().to_vec())
        })?;
        *self.locations.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(locations);
        self.rebuild_policy()
    }

    /// Puts the stored rules in force.
    ///
    /// # Errors
    /// When one does not parse.
    pub fn rebuild_policy(&self) -> Result<(), Failure> {
        let policy = rules::policy(self)?;
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
        Ok(())
    }

    /// One migration at a time.
    ///
    /// # Errors
    /// Busy while another runs.
    pub fn begin_migration(&self) -> Result<MutexGuard<'_, ()>, Failure> {
        self.migrating.try_lock().map_err(|_| {
            let message = "another encryption or decryption is running";
            Failure::new(FailureKind::Busy, message).hint("wait until it has finished")
        })
    }

    /// Blocks a location, or lets it go.
    pub fn set_frozen(&self, location: &Path, frozen: bool) {
        let mut set = self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        if frozen {
            set.insert(location.to_owned());
        } else {
            set.remove(location);
        }
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
        if matches!(event, file::Event::SizePutRight { .. }) {
            self.sizes_put_right.fetch_add(1, Relaxed);
            if let Some(mounted) = self.live.as_ref().and_then(|live| live.mounted.get()) {
                mounted.drop_attributes(ino);
            }
        }
    }

    /// Whether the mount is served.
    pub fn is_mounted(&self) -> bool {
        let mounted = self.live.as_ref().and_then(|live| live.mounted.get());
        mounted.is_some_and(Mounted::is_served)
    }

    /// Ends the service if the request just answered asked for it.
    pub fn after_reply(&self) {
        if let Some(live) = &self.live
            && live.end_after_reply.load(Relaxed)
        {
            let sender = live.ask_end.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = sender.send(End::Asked);
        }
    }

    /// Drops the keystore and its keys, which wipe themselves.
    pub fn wipe(&self) {
        *self.keystore.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The status, as of now.
    pub fn status(&self) -> Status {
        let generation = self.with_keystore(|keystore| Ok(keystore.sequence())).unwrap_or(0);
        let mut status = Status {
            mount: self.paths.mount().to_string_lossy().into_owned(),
            mode: "enforcing".into(),
            keystore_generation: generation,
            locations: self.locations().len() as u64,
            rules: self.policy().len() as u64,
            ..Status::default()
        };
        if let Some(live) = &self.live {
            status.running = true;
            status.pid = std::process::id();
            status.uptime_seconds = live.started.elapsed().as_secs();
            status.open_files = live.volume.open_places().len() as u64;
            status.counters = Counters {
                requests: live.counters.requests.load(Relaxed),
                bytes_read: live.counters.bytes_read.load(Relaxed),
                bytes_written: live.counters.bytes_written.load(Relaxed),
                denied: self.denied.load(Relaxed),
                integrity_errors: live.counters.integrity_errors.load(Relaxed),
                sizes_put_right: self.sizes_put_right.load(Relaxed),
            };
        }
        status
    }

    fn check_secret(&self, secret: &Secret) -> Result<(), Failure> {
        self.with_keystore(|keystore| {
            Ok(keystore.verify_secret(secret.passphrase.expose(), secret.salt.expose())?)
        })
    }

    fn stop(&self, force: bool) -> Result<Answer, Failure> {
        let Some(live) = &self.live else { return Err(super::not_running()) };
        if !force {
            drop(self.begin_migration()?);
            if let Some(mounted) = live.mounted.get()
                && mounted.is_served()
                && mounted.unmount(false).is_err()
            {
                return Err(migration::in_use(self.paths()));
            }
        }
        live.end_after_reply.store(true, Relaxed);
        Ok(Answer::Nothing)
    }
}
