//! The machine the tests run on: what it must have, its users, its mounts.

use rustix::fs::statfs;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const TMPFS_MAGIC: u64 = 0x0102_1994;

/// Fails the test unless it runs as root and FUSE is there.
pub fn require() {
    assert!(
        rustix::process::geteuid().is_root(),
        "the end-to-end tests must run as root: sudo tests/run"
    );
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/fuse")
        .expect("the end-to-end tests need /dev/fuse: modprobe fuse, or pass the device in");
}

/// Fails the test unless the program is installed; returns its path.
pub fn program(name: &str) -> PathBuf {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is not installed; tests/run installs what is missing"))
}

/// A tool that `tests/run` installed below `target/tools`.
pub fn tool(name: &str) -> PathBuf {
    tool_in("bin", name)
}

/// A tool in this directory below `target/tools`.
pub fn tool_in(directory: &str, name: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
    let path = tools.join(directory).join(name);
    assert!(path.exists(), "{} is missing; tests/run installs it", path.display());
    path
}

/// A new empty directory that every user may enter, on a filesystem that keeps extended
/// attributes and knows direct I/O: below `EZNCRYPT_TEST_DIR`, `/tmp` or `/var/tmp`.
pub fn new_directory() -> PathBuf {
    let base = std::env::var_os("EZNCRYPT_TEST_DIR").map_or_else(default_base, PathBuf::from);
    let made = tempfile::Builder::new().prefix("ezncrypt-test-").tempdir_in(&base).unwrap();
    let path = made.keep();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn default_base() -> PathBuf {
    let kind = statfs("/tmp").unwrap().f_type;
    if u64::try_from(kind) == Ok(TMPFS_MAGIC) { "/var/tmp".into() } else { "/tmp".into() }
}

/// User and group id of an account, from `/etc/passwd`: a static program has no name service.
pub fn user(name: &str) -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let fields: Vec<&str> = accounts
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields[0] == name)
        .unwrap_or_else(|| panic!("there is no user {name}"));
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}

/// Whether something is mounted exactly at `path`.
pub fn is_mounted(path: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    mounts.lines().any(|line| line.split(' ').nth(4).map(Path::new) == Some(path))
}

/// The options of the mount at `path`: those of the mount and those of the filesystem.
pub fn mount_options(path: &Path) -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let line = mounts
        .lines()
        .find(|line| line.split(' ').nth(4).map(Path::new) == Some(path))
        .unwrap_or_else(|| panic!("nothing is mounted at {}", path.display()));
    let fields: Vec<&str> = line.split(' ').collect();
    let both = [fields[5], fields[fields.len() - 1]];
    both.iter().flat_map(|list| list.split(',')).map(str::to_owned).collect()
}

/// A mount that is gone when this is dropped.
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts an empty tmpfs at an existing directory.
    pub fn tmpfs(at: &Path) -> Self {
        let nothing: Option<&str> = None;
        nix::mount::mount(Some("tmpfs"), at, Some("tmpfs"), nix::mount::MsFlags::empty(), nothing)
            .unwrap();
        Self(at.to_owned())
    }

    /// Mounts the directory `from` at another one as well.
    pub fn bind(from: &Path, at: &Path) -> Self {
        let nothing: Option<&str> = None;
        nix::mount::mount(Some(from), at, nothing, nix::mount::MsFlags::MS_BIND, nothing).unwrap();
        Self(at.to_owned())
    }

    /// Lets nobody write through a mount that was made by [`Mounted::bind`].
    pub fn read_only(&self) {
        use nix::mount::MsFlags as Flags;
        let flags = Flags::MS_BIND | Flags::MS_REMOUNT | Flags::MS_RDONLY;
        let nothing: Option<&str> = None;
        nix::mount::mount(nothing, &self.0, nothing, flags, nothing).unwrap();
    }

    /// Mounts an empty overlay at an existing directory, whose layers are made in another one.
    pub fn overlay(at: &Path, layers: &Path) -> Self {
        for layer in ["lower", "upper", "work"] {
            fs::create_dir_all(layers.join(layer)).unwrap();
        }
        let layer = |name: &str| format!("{name}dir={}", layers.join(name).display());
        let options = ["lower", "upper", "work"].map(layer).join(",");
        let flags = nix::mount::MsFlags::empty();
        let options = Some(options.as_str());
        nix::mount::mount(Some("overlay"), at, Some("overlay"), flags, options).unwrap();
        Self(at.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        detach(&self.0);
    }
}

/// Unmounts whatever is at `path`, busy or not; a path without a mount is left alone.
pub fn detach(path: &Path) {
    while is_mounted(path) {
        if nix::mount::umount2(path, nix::mount::MntFlags::MNT_DETACH).is_err() {
            return;
        }
    }
}
