//! A copy of the real server in a directory of its own, and an instance to guard it.

use crate::support::Instance;
use crate::support::machine::program;
use crate::support::process::Outcome;
use crate::support::tree::Snapshot;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// The instance, with `sbin/mariadbd` and the symlink `sbin/mysqld` beside it.
pub struct Bench {
    pub instance: Instance,
    sbin: PathBuf,
    before: Snapshot,
}

impl Bench {
    pub fn new() -> Self {
        let instance = Instance::started();
        let sbin = instance.work().join("sbin");
        fs::create_dir(&sbin).unwrap();
        Self::at(instance, sbin)
    }

    /// Over a directory that is there.
    pub fn at(instance: Instance, sbin: PathBuf) -> Self {
        let data = instance.work().join("data");
        fs::create_dir(&data).unwrap();
        instance.encrypt("@mysql", &data);
        let server = sbin.join("mariadbd");
        if !server.exists() {
            copy_server(&server, b"");
            symlink("mariadbd", sbin.join("mysqld")).unwrap();
        }
        let before = shape(&sbin);
        Self { instance, sbin, before }
    }

    pub fn sbin(&self) -> &Path {
        &self.sbin
    }

    /// Where the server is, and then the guard.
    pub fn server(&self) -> PathBuf {
        self.sbin.join("mariadbd")
    }

    /// Where the server is when its guard has taken its path.
    pub fn guarded(&self) -> PathBuf {
        self.sbin.join("ezncrypt-guarded/mariadbd")
    }

    /// Beside the guarded server.
    pub fn beside(&self, suffix: &str) -> PathBuf {
        self.sbin.join(format!("ezncrypt-guarded/mariadbd.{suffix}"))
    }

    pub fn in_mount(&self, path: &Path) -> PathBuf {
        self.instance.mount().join("protected").join(path.strip_prefix("/").unwrap())
    }

    /// Runs `ezncrypt guard VERB SBIN/mysqld ARGS`.
    #[track_caller]
    pub fn guard(&self, verb: &str, args: &[&str]) -> Outcome {
        let link = self.sbin.join("mysqld");
        let words = ["guard".as_ref(), verb.as_ref(), link.as_os_str()];
        self.instance.run(words.into_iter().chain(args.iter().map(OsStr::new)))
    }

    #[track_caller]
    pub fn install(&self, args: &[&str]) -> Outcome {
        self.guard("install", args)
    }

    /// What `guard show --json` says, with this exit code.
    #[track_caller]
    pub fn show(&self, code: i32) -> serde_json::Value {
        self.instance.run(["guard", "show", "--json"]).exits(code).json()
    }

    /// The checks of the only guard that fail: at least one does.
    #[track_caller]
    pub fn failing(&self) -> Vec<String> {
        let shown = self.show(1);
        let checks = shown[0]["checks"].as_array().unwrap().iter();
        let failing = checks.filter(|check| check["holds"] == false);
        failing.map(|check| check["what"].as_str().unwrap().to_owned()).collect()
    }

    /// The directory as it is.
    pub fn shape(&self) -> Snapshot {
        shape(&self.sbin)
    }

    /// Fails the test unless the directory is as it was in the beginning, and only the data is
    /// encrypted.
    #[track_caller]
    pub fn assert_untouched(&self) {
        self.before.assert_same(&self.shape(), "after what was refused");
        let listed = self.instance.run(["list", "--json"]).succeeds().json();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
        assert_eq!(self.show(0).as_array().unwrap().len(), 0);
    }

    /// Fails the test unless a guard is before the server, encrypted, and all is well.
    #[track_caller]
    pub fn assert_guarded(&self) {
        self.assert_encrypted(&self.guarded());
        let left = crate::support::tree::names(self.guarded().parent().unwrap());
        assert_eq!(left, ["mariadbd"]);
        assert_eq!(self.show(0).as_array().unwrap().len(), 1);
    }

    #[track_caller]
    pub fn assert_encrypted(&self, path: &Path) {
        assert_eq!(fs::read_link(path).unwrap(), self.in_mount(path));
        let listed = self.instance.run(["list", "--json"]).succeeds().json();
        let row =
            listed.as_array().unwrap().iter().find(|row| row["path"] == path.to_str().unwrap());
        let row = row.unwrap_or_else(|| panic!("{path:?} is not in {listed}"));
        assert_eq!((&row["category"], &row["state"]), (&"@protected".into(), &"encrypted".into()));
    }

    /// Fails the test unless the rules are these, in any order, and their fingerprints hold.
    #[track_caller]
    pub fn assert_rules(&self, expected: &[(&str, &str, &str)]) {
        let rules = self.instance.access(["-l", "--json"]).succeeds().json();
        let mut found: Vec<_> = rules
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| {
                assert_eq!((&rule["effect"], &rule["tainted"]), (&"ALLOW".into(), &false.into()));
                ["category", "path", "process"].map(|key| rule[key].as_str().unwrap().to_owned())
            })
            .collect();
        found.sort();
        let mut expected: Vec<_> =
            expected.iter().map(|(a, b, c)| [*a, *b, *c].map(str::to_owned)).collect();
        expected.sort();
        assert_eq!(found, expected);
    }
}

/// A copy of the real server with something appended, which it does not mind.
pub fn copy_server(to: &Path, appended: &[u8]) {
    let _ = fs::remove_file(to);
    let mut bytes = fs::read(program("mariadbd")).unwrap();
    bytes.extend_from_slice(appended);
    fs::write(to, bytes).unwrap();
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let odd = UNIX_EPOCH + Duration::new(1_500_000_000, 123_456_789);
    File::options().write(true).open(to).unwrap().set_modified(odd).unwrap();
}

/// The directory without the times of the last change that every rename in it sets.
fn shape(directory: &Path) -> Snapshot {
    for directory in [&directory.join("ezncrypt-guarded"), directory] {
        if let Ok(opened) = File::open(directory) {
            opened.set_modified(UNIX_EPOCH).unwrap();
        }
    }
    Snapshot::of(directory)
}
