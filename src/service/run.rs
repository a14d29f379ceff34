//! The life of the service: from the unlocked keystore to the wiped keys.

use super::engine::{End, Engine};
use super::failures::refused_at;
use super::gatekeeper::Gatekeeper;
use super::lock::StateLock;
use super::protocol::{Failure, FailureKind, Secret};
use super::{Paths, audit, guards, keys, migration, mode, notify, rotation, server, watchdog};
use crate::fuse::{self, Mount};
use crate::keystore::Sealed;
use crate::sys::harden;
use crate::volume::{Ino, Observer, Place, file};
use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};
use serde_json::json;
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What a service is started with.
pub struct Launch {
    /// What unlocks the keystore.
    pub secret: Secret,
    /// How the service before it ended, where this one takes its place.
    pub after: Option<String>,
    /// How the kernel's requests are to reach it.
    pub transport: fuse::Transport,
}

/// Unlocks the keystore, mounts, serves, and returns when the service has ended. `ready` is called
/// once requests are answered.
///
/// # Errors
/// Wrong secret, busy, damaged, or whatever keeps the service from starting; then nothing is mounted.
pub fn run(paths: &Paths, launch: Launch, ready: impl FnOnce()) -> Result<(), Failure> {
    let Launch { secret, after, transport } = launch;
    let paths = &paths.resolved();
    let _lock = StateLock::take_existing(paths)?;
    harden()?;
    let signals = block_signals()?;
    let sealed = Sealed::load(&paths.keystore())?;
    let mut keystore = sealed.unlock(&secret)?;
    drop(secret);
    let mended = keys::mend(&mut keystore)?;
    refuse_occupied(&paths.mount())?;
    clear_mount_point(&paths.mount())?;
    prepare_directories(paths)?;

    let (ask_end, ended) = channel();
    let watcher = Arc::new(Watcher::default());
    let engine = Engine::live_over(paths.clone(), keystore, watcher.clone(), ask_end.clone())?;
    let engine = Arc::new(engine);
    let _ = watcher.engine.set(engine.clone());
    keys::log_mended(&engine, mended);
    migration::recover_all(&engine, &mut |_| {});
    mount(&engine, transport)?;
    let served = serve(&engine, ask_end, signals);
    let reason = match &served {
        Ok(()) => {
            let version = env!("CARGO_PKG_VERSION");
            let mut fields = json!({
                "pid": std::process::id(), "version": version, "keyslot": keys::opened_by(&engine),
            });
            if let Some(after) = after {
                fields["after"] = after.into();
            }
            engine.log().write("start", fields);
            ready();
            notify::ready();
            wait(&engine, &ended)
        }
        Err(failure) => &failure.message,
    };
    end(&engine, reason);
    served
}

/// Keeps the keys that are about to be in memory out of core dumps and swap.
pub(super) fn harden() -> Result<(), Failure> {
    harden::forbid_dumps().map_err(|error| super::failed("cannot forbid core dumps", &error))?;
    // Not possible for an ordinary user in a namespace of their own (`ezncrypt demo`).
    let privileged = !harden::in_user_namespace();
    if let Err(error) = harden::lock_memory()
        && privileged
    {
        return Err(super::failed("cannot keep keys out of swap", &error));
    }
    let _ = harden::raise_file_limit();
    umask(Mode::empty());
    Ok(())
}

/// Blocks the signals that end the service, in this thread and all that it starts.
fn block_signals() -> Result<SigSet, Failure> {
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    signals.thread_block().map_err(|errno| super::failed("cannot block signals", &errno))?;
    Ok(signals)
}

fn prepare_directories(paths: &Paths) -> Result<(), Failure> {
    for (path, mode) in [
        (paths.run(), 0o755),
        (paths.log(), 0o700),
        (paths.storage(), 0o700),
        (paths.mount(), 0o555),
    ] {
        make_directory(&path, mode)?;
    }
    require_empty(&paths.mount())
}

/// Makes a directory with exactly this mode, or gives an existing one that mode.
pub(super) fn make_directory(path: &Path, mode: u32) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(mode).create(path);
    made.and_then(|()| std::fs::set_permissions(path, Permissions::from_mode(mode)))
        .map_err(|error| refused_at(path, "cannot make", &error))
}

/// Refuses what is no directory in the place of the mount point. The kernel would mount on what a symlink leads to,
/// where nobody looks for the mount: neither the rules nor who ends the service.
///
/// # Errors
/// Busy where there is something else. What cannot be looked at (a dead mount) is not refused here.
pub(super) fn refuse_occupied(point: &Path) -> Result<(), Failure> {
    let Ok(found) = std::fs::symlink_metadata(point) else { return Ok(()) };
    let point = point.display();
    if found.is_symlink() {
        let message = format!("the mount point {point} is a symlink");
        let hint = format!("rm {point}: the service makes a directory there");
        return Err(Failure::new(FailureKind::Busy, message).hint(hint));
    }
    if !found.is_dir() {
        let message = format!("the mount point {point} is not a directory");
        let hint = "move away what is there: the service makes a directory";
        return Err(Failure::new(FailureKind::Busy, message).hint(hint));
    }
    Ok(())
}

/// Takes away what a service that died left on the mount point. It holds no lock any more, so nothing
/// serves it.
pub(super) fn clear_mount_point(point: &Path) -> Result<(), Failure> {
    while !super::mounts_on(point).is_empty() {
        if super::hidden_by(point).is_some() {
            let message = format!("another filesystem is mounted on {}", point.display());
            return Err(Failure::new(FailureKind::Busy, message)
                .hint(format!("umount {}", point.display())));
        }
        umount2(point, MntFlags::MNT_DETACH)
            .map_err(|error| super::failed("cannot remove the mount of a dead service", &error))?;
    }
    Ok(())
}

/// What lies beneath the mount would be hidden by it.
fn require_empty(point: &Path) -> Result<(), Failure> {
    let mut entries =
        std::fs::read_dir(point).map_err(|error| refused_at(point, "cannot list", &error))?;
    if entries.next().is_none() {
        return Ok(());
    }
    let message = format!("{} is not an empty directory", point.display());
    Err(Failure::new(FailureKind::Busy, message)
        .hint("the mount point must be empty: move away what is in it"))
}

fn mount(engine: &Arc<Engine>, transport: fuse::Transport) -> Result<(), Failure> {
    let live = engine.live().ok_or_else(|| Failure::new(FailureKind::Failed, "no tree"))?;
    fuse::device_available().map_err(|error| {
        super::failed("cannot open /dev/fuse", &error)
            .hint("load the kernel's FUSE module: modprobe fuse")
    })?;
    let mount = Mount {
        volume: engine.volume().clone(),
        gate: Arc::new(Gatekeeper(engine.clone())),
        counters: live.counters.clone(),
        transport,
    };
    let mounted = mount.serve(&engine.paths().mount()).map_err(|error| {
        super::failed(&format!("cannot mount on {}", engine.paths().mount().display()), &error)
    })?;
    let _ = live.mounted.set(mounted);
    // Programs inside the mount are told by its device, which is known only now.
    engine.install_policy()
}

fn serve(engine: &Arc<Engine>, ask_end: Sender<End>, signals: SigSet) -> Result<(), Failure> {
    let run = engine.paths().run();
    let cannot = |error: std::io::Error| refused_at(&run, "cannot serve the sockets in", &error);
    server::serve_control(engine.clone()).map_err(cannot)?;
    server::serve_status(engine.clone()).map_err(cannot)?;
    guards::socket::serve(engine.clone()).map_err(cannot)?;
    mode::watch(engine.clone()).map_err(cannot)?;
    std::fs::write(engine.paths().pid_file(), format!("{}\n", std::process::id()))
        .map_err(cannot)?;
    let _ = std::fs::set_permissions(engine.paths().pid_file(), Permissions::from_mode(0o644));
    tend_log(engine).map_err(cannot)?;
    rotation::resume_in_background(engine).map_err(cannot)?;
    watchdog::watch(engine).map_err(cannot)?;
    let watch = move || {
        while let Ok(signal) = signals.wait() {
            if signal != Signal::SIGHUP {
                let _ = ask_end.send(End::Signal(signal.as_str()));
            }
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(watch).map_err(cannot).map(drop)
}

/// Has the log sealed and synced from a thread of its own, which a slow disk may keep waiting.
fn tend_log(engine: &Arc<Engine>) -> std::io::Result<()> {
    let engine = Arc::downgrade(engine);
    let tend = move || {
        while let Some(engine) = engine.upgrade() {
            engine.log().tick();
            drop(engine);
            std::thread::sleep(audit::TICK);
        }
    };
    std::thread::Builder::new().name("audit".into()).spawn(tend).map(drop)
}

/// Returns when somebody asked for the end, or unmounted the tree; says which.
fn wait(engine: &Engine, ended: &Receiver<End>) -> &'static str {
    loop {
        match ended.recv_timeout(Duration::from_millis(500)) {
            Err(RecvTimeoutError::Timeout) if engine.is_mounted() => {}
            Ok(End::Command) => return "ezncrypt stop",
            Ok(End::Signal(name)) => return name,
            Err(_) => return "the tree was unmounted",
        }
    }
}

fn end(engine: &Engine, reason: &str) {
    notify::stopping();
    mode::end(engine);
    engine.works().stop();
    engine.log().write("stop", json!({ "pid": std::process::id(), "reason": reason }));
    if let Some(mounted) = engine.live().and_then(|live| live.mounted.get())
        && mounted.is_served()
        // Not what somebody else mounted over it: the end of this process ends the tree all the same.
        && super::hidden_by(&engine.paths().mount()).is_none()
        && mounted.unmount(false).is_err()
    {
        // Somebody has files open. What they wrote is on its way to the disk; the tree goes away from
        // under them, and their next access fails.
        let _ = mounted.unmount(true);
    }
    let paths = engine.paths();
    let sockets = [paths.control_socket(), paths.status_socket(), paths.guard_socket()];
    for path in sockets.into_iter().chain([paths.pid_file()]) {
        let _ = std::fs::remove_file(path);
    }
    engine.close_log();
    engine.wipe();
}

/// Passes what is found about files on to the engine, which is made after the volume.
#[derive(Default)]
struct Watcher {
    engine: OnceLock<Arc<Engine>>,
}

impl Observer for Watcher {
    fn file_event(&self, ino: Ino, place: &Place, event: file::Event) {
        if let Some(engine) = self.engine.get() {
            engine.file_event(ino, place, event);
        }
    }

    fn request_panicked(&self, place: Option<&Place>, what: &str) {
        if let Some(engine) = self.engine.get() {
            engine.request_panicked(place, what);
        }
    }
}
