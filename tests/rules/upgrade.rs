//! `-u` after a package upgrade: what it shows, and that it takes only what it showed.

use super::support::Instance;
use super::support::process::{LIMIT, Outcome, run, until};
use super::{add, executable, listed};
use ezncrypt::service::protocol::{Answer, FailureKind, Request, Secret};
use ezncrypt::service::{Paths, client};
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A package of this test's own with one program, gone when dropped.
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

    fn program(&self) -> PathBuf {
        self.root.join("bin/reader")
    }

    fn install(&self, version: &str) {
        let build = tempfile::tempdir().unwrap();
        let program = build.path().join(self.program().strip_prefix("/").unwrap());
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        let contents = [&fs::read("/bin/cat").unwrap()[..], version.as_bytes()].concat();
        executable(&program, contents);
        fs::create_dir(build.path().join("DEBIAN")).unwrap();
        let control = format!(
            "Package: {}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <n@localhost>\n\
             Description: a program for a test\n",
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
}

impl Drop for Package {
    fn drop(&mut self) {
        // Nothing may panic in here.
        let purge = || dpkg(&["--purge".as_ref(), self.name.as_ref()]);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(purge));
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Runs dpkg when nobody else does.
fn dpkg(args: &[&OsStr]) -> Outcome {
    let mut last = None;
    until("dpkg is free", LIMIT, || {
        let outcome = run(Command::new("dpkg").args(args));
        let locked = outcome.stderr.contains("lock");
        last = Some(outcome);
        !locked
    });
    last.unwrap()
}

fn append(path: &Path) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(b"\n").unwrap();
}

#[test]
fn an_upgrade_is_shown_with_both_versions_and_taken() {
    let instance = Instance::started();
    let package = Package::new();
    package.install("1.0-1");
    let program = package.program();
    add(&instance, &format!("ALLOW @t * {} --user=root", program.display())).succeeds();
    add(&instance, "ALLOW @t * /bin/cat").succeeds();
    let before = listed(&instance);
    assert_eq!(before[0]["package"], format!("{} 1.0-1", package.name));
    assert!(before[1]["package"].as_str().unwrap().starts_with("coreutils "), "by a merged path");
    let without = &mut instance.command("ezncrypt-access-control", ["-u"]);
    without.env_remove("EZNCRYPT_PASSPHRASE_FILE").env_remove("EZNCRYPT_SALT_FILE");
    run(without).succeeds().says("there is nothing to do");

    package.install("1.0-2");
    assert_eq!(listed(&instance)[0]["tainted"], true);
    let told = instance.access(["-u", "--json"]).succeeds().says("1 rule has new fingerprints");
    let rows = told.json();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{told}");
    let row = &rows[0];
    assert_eq!((&row["number"], &row["role"]), (&1.into(), &"process".into()));
    assert_eq!(row["path"], program.to_str().unwrap());
    assert_eq!(row["old"], before[0]["sha256"]);
    assert_eq!(row["package_was"], format!("{} 1.0-1", package.name));
    assert_eq!(row["package"], format!("{} 1.0-2", package.name));
    assert_eq!(row["as_shipped"], true);
    let after = listed(&instance);
    assert_eq!(after[0]["sha256"], row["new"]);
    assert_eq!(after[0]["package"], row["package"]);
    assert_eq!(
        (&after[0]["tainted"], &after[0]["parameters"]),
        (&false.into(), &"--user=root".into())
    );
    assert_eq!(after[1], before[1], "another rule is as it was");
}

#[test]
fn a_program_that_is_not_as_shipped_or_of_no_package_is_told_loudly() {
    let instance = Instance::started();
    let package = Package::new();
    package.install("1.0");
    let program = package.program();
    let alone = instance.work().join("alone");
    fs::copy("/bin/cat", &alone).unwrap();
    for path in [&program, &alone] {
        add(&instance, &format!("ALLOW @t * {}", path.display())).succeeds();
    }
    append(&program);
    append(&alone);
    let told = instance.access(["-u"]).succeeds().says("2 rules have new fingerprints");
    let shipped = format!("WARNING: {} is NOT as {} 1.0 ships it", program.display(), package.name);
    let told = told.says(shipped).says(format!("WARNING: {} is of no package", alone.display()));
    let lines: Vec<_> = told.stdout.lines().collect();
    assert!(lines[0].starts_with("#  File"), "{told}");
    assert!(lines[1].contains(program.to_str().unwrap()) && lines[1].ends_with("NO"), "{told}");
    assert!(lines[2].ends_with("no package"), "{told}");
}

#[test]
fn what_changed_after_it_was_shown_is_not_taken() {
    let instance = Instance::started();
    let (one, two) = (instance.work().join("one"), instance.work().join("two"));
    for path in [&one, &two] {
        fs::copy("/bin/cat", path).unwrap();
        add(&instance, &format!("ALLOW @t * {}", path.display())).succeeds();
        append(path);
    }
    let before = listed(&instance);
    let call = |request| client::call(&Paths::new(instance.state()), request, &mut |_| ());
    let Answer::RuleChanges { changes, confirms } =
        call(Request::RulePreview { number: None }).unwrap()
    else {
        panic!("other kind")
    };
    assert_eq!((changes.len(), confirms.len()), (2, 0));
    append(&two);
    let refresh = |changes| Request::RuleRefresh {
        number: None,
        changes,
        packages: vec![None, None],
        secret: Secret::passphrase(b"correct horse", b"battery staple"),
    };
    let failure = call(refresh(changes.clone())).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Failed);
    let message = format!(
        "rule 2: {:?} changed since it was shown; nothing was changed",
        two.display().to_string()
    );
    assert_eq!(failure.message, message);
    assert_eq!(listed(&instance), before);
    assert!(call(refresh(Vec::new())).is_err(), "nor what was not shown at all");
    instance.access(["-u", "2"]).succeeds().says("rule 2 has new fingerprints");
    let after = listed(&instance);
    assert_eq!((&after[0], &after[1]["tainted"]), (&before[0], &false.into()));
}
