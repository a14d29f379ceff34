//! One ezncrypt in a state directory of its own.

use super::process::{self, Outcome, run, run_within};
use super::{machine, tree};
use rustix::process::Signal;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_ezncrypt");

/// How long one instance may live, or go on without a sign of life from its test, before its service is
/// killed, so that a request that is never answered fails the test instead of holding it for ever.
const LIFETIME: Duration = Duration::from_secs(420);

/// An instance: a keystore, a service when started, and a directory for what is to be encrypted.
/// Dropping it ends the service, unmounts and removes everything.
pub struct Instance {
    root: PathBuf,
    watchdog: mpsc::Sender<()>,
}

impl Instance {
    /// A new instance with a keystore and no service.
    pub fn initialised() -> Self {
        Self::initialised_in(machine::new_directory())
    }

    /// The same in a directory that is there already, and is removed with it.
    pub fn initialised_in(root: PathBuf) -> Self {
        machine::require();
        let instance = Self { watchdog: watch(&root, LIFETIME), root };
        for (name, secret) in [("passphrase", "correct horse\n"), ("salt", "battery staple\n")] {
            instance.secret_file(name, secret);
        }
        fs::create_dir(instance.root.join("bin")).unwrap();
        for name in ["ezncrypt", "ezncrypt-access-control"] {
            std::os::unix::fs::symlink(BINARY, instance.root.join("bin").join(name)).unwrap();
        }
        fs::create_dir(instance.work()).unwrap();
        instance.run(["init", "--scrypt-log-n", "14"]).succeeds();
        instance
    }

    /// A new instance with its service running.
    pub fn started() -> Self {
        let instance = Self::initialised();
        instance.start();
        instance
    }

    /// Lets the instance live so long from now on, which a long test needs.
    pub fn may_live_for(&mut self, lifetime: Duration) {
        self.watchdog = watch(&self.root, lifetime);
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// Where the ciphertext is.
    pub fn storage(&self) -> PathBuf {
        self.state().join("storage")
    }

    /// The mount point.
    pub fn mount(&self) -> PathBuf {
        self.state().join("ezncrypted")
    }

    /// A directory, on the same filesystem, for originals and for what a test needs besides.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Writes a file as secrets must be: mode 0600. Returns its path.
    pub fn secret_file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.join(name);
        let mut options = fs::OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        path
    }

    /// A command of this instance, called by `name`, with the right secret at hand.
    pub fn command<S: AsRef<OsStr>>(
        &self,
        name: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(self.root.join("bin").join(name));
        command
            .env_remove("EZNCRYPT_STATE_DIR")
            .env("EZNCRYPT_PASSPHRASE_FILE", self.root.join("passphrase"))
            .env("EZNCRYPT_SALT_FILE", self.root.join("salt"))
            .env("NO_COLOR", "1")
            .current_dir("/")
            .arg("--state-dir")
            .arg(self.state())
            .args(args);
        command
    }

    /// Runs `ezncrypt ARGS`.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        run(&mut self.command("ezncrypt", args))
    }

    /// Runs `ezncrypt-access-control ARGS`.
    #[track_caller]
    pub fn access<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        run(&mut self.command("ezncrypt-access-control", args))
    }

    /// Starts the service.
    #[track_caller]
    pub fn start(&self) {
        self.run(["start"]).succeeds();
    }

    /// Stops the service.
    #[track_caller]
    pub fn stop(&self) {
        self.run(["stop"]).succeeds();
    }

    /// Encrypts one path, which then is a symlink into the mount.
    #[track_caller]
    pub fn encrypt(&self, category: &str, path: &Path) {
        self.run([OsStr::new("-e"), OsStr::new(category), path.as_os_str()]).succeeds();
        let target = fs::read_link(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert!(target.starts_with(self.mount()), "{path:?} leads to {target:?}");
    }

    /// Decrypts one path, which then is no symlink any more.
    #[track_caller]
    pub fn decrypt(&self, path: &Path) {
        self.run([OsStr::new("-d"), path.as_os_str()]).succeeds();
        assert!(!fs::symlink_metadata(path).unwrap().is_symlink(), "{path:?} is a symlink");
    }

    /// Adds `ALLOW category * process`.
    #[track_caller]
    pub fn allow(&self, category: &str, process: &Path) {
        let rule = format!("ALLOW {category} * {}", process.display());
        self.access(["-a", &rule]).succeeds();
    }

    /// Allows the running test itself, which then sees plaintext.
    #[track_caller]
    pub fn allow_this_test(&self, category: &str) {
        self.allow(category, &std::env::current_exe().unwrap());
    }

    /// A sign of life from a test that takes long.
    pub fn goes_on(&self) {
        let _ = self.watchdog.send(());
    }

    /// The service's process id.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.running().expect("no service runs")
    }

    /// The same, if a service runs.
    pub fn running(&self) -> Option<u32> {
        service_pid(&self.root)
    }

    /// Kills the service as a crash would, and waits until it is gone.
    #[track_caller]
    pub fn kill(&self) {
        let pid = self.pid();
        process::send(pid, Signal::KILL);
        assert!(
            process::ended_within(pid, Duration::from_secs(30)),
            "the service survived SIGKILL"
        );
    }

    /// Fails the test when something of an unfinished encryption is left in storage or in `beside`.
    #[track_caller]
    pub fn assert_no_leftovers(&self, beside: &Path) {
        let stray: Vec<_> = tree::names(beside)
            .into_iter()
            .filter(|name| name.to_string_lossy().starts_with(".ezncrypt"))
            .collect();
        assert!(stray.is_empty(), "left beside the original: {stray:?}");
        let staging = self.storage().join(".staging");
        let staged = if staging.exists() { tree::names(&staging) } else { Vec::new() };
        assert!(staged.is_empty(), "left in staging: {staged:?}");
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let pid = service_pid(&self.root);
        if pid.is_some() || self.state().join("run/supervisor").exists() {
            let stop = &mut self.command("ezncrypt", ["stop", "--force"]);
            // A service that cannot be stopped is killed below; nothing may panic in here.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                run_within(stop, Duration::from_secs(30))
            }));
            if let Some(pid) = pid
                && !process::ended_within(pid, Duration::from_secs(10))
            {
                process::send(pid, Signal::KILL);
                process::ended_within(pid, Duration::from_secs(10));
            }
        }
        machine::detach(&self.mount());
        if !machine::is_mounted(&self.mount()) {
            let _ = fs::set_permissions(&self.root, fs::Permissions::from_mode(0o700));
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

/// The pid in the pid file, if that process is this instance's service and not one that came later.
fn service_pid(root: &Path) -> Option<u32> {
    let state = root.join("state");
    let text = fs::read_to_string(state.join("run/ezncrypt.pid")).ok()?;
    let pid = text.trim().parse().ok()?;
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let ours = String::from_utf8_lossy(&command_line).contains(state.to_str()?);
    ours.then_some(pid)
}

fn watch(root: &Path, lifetime: Duration) -> mpsc::Sender<()> {
    let (alive, dropped) = mpsc::channel();
    let root = root.to_owned();
    std::thread::spawn(move || {
        let end = std::iter::repeat_with(|| dropped.recv_timeout(lifetime)).find_map(Result::err);
        if end == Some(mpsc::RecvTimeoutError::Timeout)
            && let Some(pid) = service_pid(&root)
        {
            eprintln!("a test took over {lifetime:?}: killing its service, process {pid}");
            process::send(pid, Signal::KILL);
        }
    });
    alive
}
