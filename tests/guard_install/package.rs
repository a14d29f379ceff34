//! A server out of a Debian package: its upgrades land beside the guard.

use crate::bench::{Bench, copy_server};
use crate::support::Instance;
use crate::support::process::{LIMIT, Outcome, run, until};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A package of this test's own, gone when dropped.
struct Package {
    name: String,
    root: PathBuf,
}

impl Package {
    fn new() -> Self {
        let made = tempfile::Builder::new().prefix("ezncrypt-test-").tempdir_in("/opt").unwrap();
        let root = made.keep();
        let unique = root.file_name().unwrap().to_str().unwrap().to_lowercase();
        let name = unique.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        Self { name, root }
    }

    fn sbin(&self) -> PathBuf {
        self.root.join("sbin")
    }

    /// Builds and installs this version, whose server ends in `appended`.
    fn install(&self, version: &str, appended: &[u8]) {
        let build = tempfile::tempdir().unwrap();
        let sbin = build.path().join(self.sbin().strip_prefix("/").unwrap());
        fs::create_dir_all(&sbin).unwrap();
        copy_server(&sbin.join("mariadbd"), appended);
        symlink("mariadbd", sbin.join("mysqld")).unwrap();
        fs::create_dir(build.path().join("DEBIAN")).unwrap();
        let control = format!(
            "Package: {}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <n@localhost>\n\
             Description: a server for a test\n",
            self.name
        );
        fs::write(build.path().join("DEBIAN/control"), control).unwrap();
        let file = self.root.join(format!("{version}.deb"));
        let mut command = Command::new("dpkg-deb");
        command.args(["--root-owner-group", "-Znone", "--build"]).arg(build.path()).arg(&file);
        run(&mut command).succeeds();
        dpkg(&["--install".as_ref(), file.as_os_str()]).succeeds();
        fs::remove_file(file).unwrap();
    }

    fn diversions(&self) -> String {
        let pattern = format!("{}/*", self.root.display());
        run(Command::new("dpkg-divert").arg("--list").arg(pattern)).succeeds().stdout
    }

    fn purge(&self) -> Outcome {
        dpkg(&["--purge".as_ref(), self.name.as_ref()])
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // Nothing may panic in here.
        let purge = std::panic::AssertUnwindSafe(|| self.purge());
        let _ = std::panic::catch_unwind(purge);
        let server = self.sbin().join("mariadbd");
        let mut command = Command::new("dpkg-divert");
        command.args(["--quiet", "--local", "--no-rename", "--remove"]).arg(server);
        let _ = command.output();
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Runs dpkg when nobody else does.
fn dpkg(args: &[&std::ffi::OsStr]) -> Outcome {
    let mut last = None;
    until("dpkg is free", LIMIT, || {
        let outcome = run(Command::new("dpkg").args(args));
        let locked = outcome.stderr.contains("lock");
        last = Some(outcome);
        !locked
    });
    last.unwrap()
}

fn ends_in(path: &Path, appended: &[u8]) -> bool {
    fs::read(path).unwrap().ends_with(appended)
}

#[test]
fn a_package_upgrade_lands_beside_the_guard_and_is_taken_in() {
    let instance = Instance::started();
    let package = Package::new();
    package.install("1", b"first");
    let bench = Bench::at(instance, package.sbin());
    let told = bench.install(&["--category", "@mysql"]).succeeds();
    told.says("telling dpkg that").says(format!("new versions of {}", package.name));
    bench.assert_guarded();
    assert_eq!(bench.show(0)[0]["diverted"], true);
    assert!(package.diversions().contains(bench.guarded().to_str().unwrap()));
    let guard = fs::read(bench.server()).unwrap();

    package.install("2", b"second");
    assert!(fs::read(bench.server()).unwrap() == guard, "the guard is still there");
    assert!(ends_in(&bench.guarded(), b"second"));
    assert_eq!(bench.failing(), ["no newer server waits"]);
    bench.install(&[]).succeeds().says("SHA-256 now");
    bench.assert_guarded();
    let shown = &bench.show(0)[0];
    assert_eq!(shown["diverted"], true);
    let checks = shown["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["what"] == "package upgrades land beside the guard"));

    bench.guard("remove", &[]).succeeds();
    assert!(ends_in(&bench.server(), b"second"));
    assert_eq!(package.diversions(), "");
    let verified = run(Command::new("dpkg").args(["--verify", &package.name])).succeeds();
    assert_eq!(verified.stdout, "", "the package finds its file as it brought it");
    package.purge().succeeds();
    assert!(!bench.server().exists());
}

#[test]
fn a_lost_diversion_is_told_and_made_again_and_a_failure_leaves_none() {
    let instance = Instance::started();
    let package = Package::new();
    package.install("1", b"first");
    let bench = Bench::at(instance, package.sbin());
    let told = bench.install(&["--category", "@.no.name"]).says("undoing what was done");
    assert_ne!(told.code, Some(0));
    bench.assert_untouched();
    assert_eq!(package.diversions(), "");

    bench.install(&["--category", "@mysql"]).succeeds();
    let mut command = Command::new("dpkg-divert");
    command.args(["--local", "--no-rename", "--remove"]).arg(bench.server());
    run(&mut command).succeeds();
    assert_eq!(bench.failing(), ["package upgrades land beside the guard"]);
    bench.install(&[]).succeeds();
    bench.show(0);

    // The package goes, and with it the symlinks; the server is still there.
    package.purge().succeeds();
    assert!(fs::symlink_metadata(bench.guarded()).is_err());
    bench.instance.run(["guard", "remove", bench.server().to_str().unwrap()]).succeeds();
    assert!(ends_in(&bench.server(), b"first"));
    assert_eq!(package.diversions(), "");
}

#[test]
fn a_named_guard_leaves_the_package_alone() {
    let instance = Instance::started();
    let package = Package::new();
    package.install("1", b"first");
    let bench = Bench::at(instance, package.sbin());
    bench.install(&["--category", "@mysql", "--name", "mysqld-guard"]).succeeds();
    assert_eq!(package.diversions(), "");
    package.install("2", b"second");
    assert_eq!(bench.failing(), ["no newer server waits"]);
    bench.install(&[]).succeeds();
    bench.show(0);
    bench.guard("remove", &[]).succeeds();
    assert!(ends_in(&bench.server(), b"second"));
}

#[test]
fn somebody_elses_diversion_is_left_alone() {
    let instance = Instance::started();
    let package = Package::new();
    package.install("1", b"first");
    let bench = Bench::at(instance, package.sbin());
    let elsewhere = bench.sbin().join("elsewhere");
    let mut command = Command::new("dpkg-divert");
    command.args(["--local", "--no-rename", "--divert"]).arg(&elsewhere);
    run(command.arg("--add").arg(bench.server())).succeeds();
    bench.install(&["--category", "@mysql"]).exits(1).says("is diverted to");
    bench.assert_untouched();
    assert!(package.diversions().contains(elsewhere.to_str().unwrap()));
}
