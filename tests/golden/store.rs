//! A store at the one path where all of them were made. It is there only for the test itself: in a mount
//! namespace, so nothing of the machine's is touched.

use super::support::instance::BINARY;
use super::support::machine::{self, new_directory, program};
use super::support::process::{self, Outcome, run};
use nix::mount::{MsFlags, mount};
use rustix::process::Signal;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where every store lies.
pub const ROOT: &str = "/srv/ezncrypt-golden";

/// Set in the process that has the mounts: the directory that is its `/srv`.
const INSIDE: &str = "EZNCRYPT_GOLDEN_INSIDE";

/// A secret, as options of a command; none for the one of the service itself.
pub type Secret = &'static [&'static str];

/// Passphrase and salt.
pub const PASSPHRASE: Secret = &[
    "--passphrase-file=/srv/ezncrypt-golden/secrets/passphrase",
    "--salt-file=/srv/ezncrypt-golden/secrets/salt",
];
/// The secret of the second person.
pub const ALICE: Secret = &[
    "--passphrase-file=/srv/ezncrypt-golden/secrets/alice",
    "--salt-file=/srv/ezncrypt-golden/secrets/alice-salt",
];
/// An RSA key.
pub const RSA: Secret = &["--rsa-key=/srv/ezncrypt-golden/secrets/rsa"];
/// A recovery code.
pub const RECOVERY: Secret = &["--recovery-code-file=/srv/ezncrypt-golden/secrets/recovery"];
/// What the service gets by itself.
pub const UNATTENDED: Secret = &[];

/// Runs the body of the test of this name where `/srv` is an empty directory of its own: in a second process
/// of this program.
#[track_caller]
pub fn in_own_mounts(test: &str, body: impl FnOnce()) {
    if let Some(directory) = std::env::var_os(INSIDE) {
        bind(Path::new(&directory), Path::new("/srv"));
        let programs = Path::new(ROOT).join("bin");
        fs::create_dir_all(&programs).unwrap();
        fs::write(programs.join("ezncrypt"), "").unwrap();
        bind(Path::new(BINARY), &programs.join("ezncrypt"));
        std::os::unix::fs::symlink("ezncrypt", programs.join("ezncrypt-access-control")).unwrap();
        return body();
    }
    machine::require();
    // Who has a file open is told by its path, in whatever mounts: one store at a time on a machine.
    let alone = fs::File::open("/srv").unwrap();
    rustix::fs::flock(&alone, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let directory = Srv(new_directory());
    let mut command = Command::new(program("unshare"));
    command.args(["--mount", "--propagation", "private"]).arg(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(INSIDE, &directory.0);
    run(&mut command).succeeds().prints("1 passed");
}

fn bind(from: &Path, to: &Path) {
    let nothing: Option<&str> = None;
    mount(Some(from), to, nothing, MsFlags::MS_BIND, nothing).unwrap();
}

/// What is `/srv` there; dropping it ends what still runs there and removes it.
struct Srv(PathBuf);

impl Drop for Srv {
    fn drop(&mut self) {
        let ours = format!("{INSIDE}={}", self.0.display());
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let is_inside = environment.split(|&byte| byte == 0).any(|one| one == ours.as_bytes());
            if let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok())
                && is_inside
            {
                process::send(pid, Signal::KILL);
                process::ended_within(pid, Duration::from_secs(10));
            }
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A path in the store.
pub fn at(below: impl AsRef<Path>) -> PathBuf {
    Path::new(ROOT).join(below)
}

/// A store that may be worked on; dropping it ends its service and removes it.
pub struct Store;

impl Store {
    /// An empty place for one.
    pub fn empty() -> Self {
        for entry in fs::read_dir(ROOT).unwrap().flatten() {
            if entry.file_name() == "bin" {
                continue;
            }
            match entry.file_type().unwrap().is_dir() {
                true => fs::remove_dir_all(entry.path()).unwrap(),
                false => fs::remove_file(entry.path()).unwrap(),
            }
        }
        Self
    }

    /// A copy of the store in this file.
    #[track_caller]
    pub fn unpacked(archive: &Path) -> Self {
        let store = Self::empty();
        let mut tar = Command::new(program("tar"));
        tar.args(["--extract", "--gzip", "--preserve-permissions", "--same-owner"]);
        tar.args(["--numeric-owner", "--xattrs", "--xattrs-include=*", "--directory", ROOT]);
        run(tar.arg("--file").arg(archive)).succeeds();
        store
    }

    /// Packs the store, with everything that tells its files from others, and nothing of this moment.
    #[track_caller]
    pub fn pack(&self, archive: &Path) {
        let mut tar = Command::new(program("tar"));
        tar.args(["--create", "--gzip", "--format=posix", "--sparse", "--sort=name"]);
        tar.args(["--numeric-owner", "--xattrs", "--xattrs-include=user.*", "--exclude=./bin"]);
        tar.arg("--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime");
        run(tar.arg("--file").arg(archive).args(["--directory", ROOT, "."])).succeeds();
    }

    /// A command of the store's, with a secret.
    pub fn command<S: AsRef<OsStr>>(
        &self,
        secret: Secret,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        self.by_name("ezncrypt", secret, args)
    }

    fn by_name<S: AsRef<OsStr>>(
        &self,
        name: &str,
        secret: Secret,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(at("bin").join(name));
        // The names of variables are in the audit log, which is kept.
        command.env_clear().envs(std::env::var_os(INSIDE).map(|directory| (INSIDE, directory)));
        command.current_dir("/");
        command.arg("--state-dir").arg(at("state")).args(args).args(secret).stdin(Stdio::null());
        command
    }

    /// Runs `ezncrypt ARGS` with a secret.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(
        &self,
        secret: Secret,
        args: impl IntoIterator<Item = S>,
    ) -> Outcome {
        run(&mut self.command(secret, args))
    }

    /// Runs `ezncrypt-access-control ARGS` as who knows the passphrase.
    #[track_caller]
    pub fn access<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        run(&mut self.by_name("ezncrypt-access-control", PASSPHRASE, args))
    }

    /// Has the store's own program, which its rules are about, read a file.
    #[track_caller]
    pub fn read(&self, path: &Path) -> Vec<u8> {
        let output = Command::new(at("tool")).arg(path).env_clear().output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", path.display());
        output.stdout
    }

    /// The service's process id.
    fn pid(&self) -> Option<u32> {
        fs::read_to_string(at("state/run/ezncrypt.pid")).ok()?.trim().parse().ok()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            let stop = &mut self.command(UNATTENDED, ["stop", "--force"]);
            // Nothing may panic in here.
            let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
            if !process::ended_within(pid, Duration::from_secs(10)) {
                process::send(pid, Signal::KILL);
            }
        }
        machine::detach(&at("state/ezncrypted"));
    }
}
