//! The workflows that users know, as far as this version goes: a server that is itself encrypted, an
//! unattended mysqldump, and the demonstration.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::Instance;
use support::machine::{new_directory, program, user};
use support::mariadb::{self, MariaDb};
use support::process::{Outcome, run};

/// An encrypted server may be the process of a rule, and may itself be executed only by whom a rule
/// names: here by this test, which stands for the guard.
#[test]
fn an_encrypted_server_reads_its_data_and_only_its_starter_executes_it() {
    let instance = Instance::started();
    let data = instance.work().join("mysql");
    MariaDb::install(&data);
    let programs = instance.work().join("sbin");
    fs::create_dir(&programs).unwrap();
    let server = programs.join("mariadbd");
    fs::copy(program("mariadbd"), &server).unwrap();
    // As in Debian, where mysqld is a symlink: what it names is encrypted.
    let link = programs.join("mysqld");
    symlink("mariadbd", &link).unwrap();
    let arguments = ["-e".as_ref(), "@protected".as_ref(), link.as_os_str()];
    instance.run(arguments).succeeds();
    instance.encrypt("@mysql", &data);
    let encrypted = fs::canonicalize(&server).unwrap();
    assert!(encrypted.starts_with(instance.mount()), "{encrypted:?}");

    instance.access(["-a", &format!("ALLOW @mysql * {}", encrypted.display())]).succeeds();
    let starter = std::env::current_exe().unwrap();
    let rule = format!("ALLOW @protected {} {}", link.display(), starter.display());
    instance.access(["-a", &rule]).succeeds();
    let rules = instance.access(["-l", "--json"]).succeeds().json();
    assert_eq!((&rules[0]["encrypted"], &rules[0]["tainted"]), (&true.into(), &false.into()));
    assert_eq!(rules[1]["path"], server.to_str().unwrap(), "the symlink means what it names");

    let running = MariaDb::start_by(&link, &data, &instance.work().join("run"));
    running.sql("CREATE DATABASE kept; CREATE TABLE kept.t (a INT); INSERT INTO kept.t VALUES (7)");
    assert_eq!(running.sql("SELECT a FROM kept.t").trim(), "7");
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(format!("{} --version", link.display()));
    run(&mut shell).denied();
    run(Command::new("/usr/bin/cp").arg(&server).arg(instance.work().join("copy"))).denied();
    running.shut_down();
    assert_the_plain_server_is_denied(&data, &instance.work().join("run2"));
}

/// The system's own server is another program than the encrypted one.
fn assert_the_plain_server_is_denied(data: &Path, directory: &Path) {
    let mut command = MariaDb::command(&program("mariadbd"), data, directory);
    assert_ne!(run(&mut command).code, Some(0));
    assert!(mariadb::log(directory).contains("Permission denied"));
}

/// Workflow 3: the user who runs the backup sees neither the password nor the dump.
#[test]
fn a_user_makes_a_backup_that_they_cannot_read() {
    let instance = Instance::started();
    let data = instance.work().join("mysql");
    MariaDb::install(&data);
    let server = MariaDb::start(&data, &instance.work().join("run"));
    server.sql(
        "CREATE DATABASE shop; CREATE TABLE shop.t (a VARCHAR(99));
         INSERT INTO shop.t VALUES ('RowThatOnlyTheDumpHolds');
         CREATE USER backup@localhost IDENTIFIED BY 'PasswordInTheOptionFile';
         GRANT ALL ON *.* TO backup@localhost",
    );
    let (backup, options) = backup_places(&instance, &server);
    instance.run(["–e".as_ref(), "@mysqlbackup".as_ref(), options.as_os_str()]).succeeds();
    instance.run(["–encrypt".as_ref(), "@mysqlbackup".as_ref(), backup.as_os_str()]).succeeds();
    let rule = "“ALLOW @mysqlbackup * /usr/bin/mysqldump”";
    instance.access(["–add", rule]).succeeds();

    let dump = backup.join("all.sql");
    let mut command = Command::new(program("mysqldump"));
    command.arg(format!("--defaults-file={}", options.display())).arg("--all-databases");
    as_nobody(&mut command).succeeds();
    for file in [&options, &dump] {
        as_nobody(Command::new("/usr/bin/cat").arg(file)).denied();
        run(Command::new("/usr/bin/cat").arg(file)).denied();
    }
    let stored = fs::read(instance.storage().join("mysqlbackup").join(below(&dump))).unwrap();
    assert!(!contains(&stored, b"RowThatOnlyTheDumpHolds"));
    server.shut_down();
    instance.decrypt(&backup);
    assert!(contains(&fs::read(&dump).unwrap(), b"RowThatOnlyTheDumpHolds"));
}

/// The directory of the dump, owned by the user who runs the backup, and the option file.
fn backup_places(instance: &Instance, server: &MariaDb) -> (PathBuf, PathBuf) {
    let (uid, gid) = user("nobody");
    let backup = instance.work().join("mysqlbackup");
    fs::create_dir(&backup).unwrap();
    chown(&backup, Some(uid), Some(gid)).unwrap();
    let options = instance.work().join("protected.cnf");
    let socket = server.socket();
    let result = backup.join("all.sql");
    let text = format!(
        "[mysqldump]\nuser=backup\npassword=PasswordInTheOptionFile\nsocket={}\nresult-file={}\n",
        socket.display(),
        result.display()
    );
    fs::write(&options, text).unwrap();
    fs::set_permissions(&options, Permissions::from_mode(0o644)).unwrap();
    (backup, options)
}

fn as_nobody(command: &mut Command) -> Outcome {
    let (uid, gid) = user("nobody");
    run(command.uid(uid).gid(gid))
}

fn below(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap()
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

/// A place that every user reaches, with the program under its name and nothing else in its
/// temporary directory.
struct Stage {
    directory: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let directory = new_directory();
        fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_ezncrypt"), directory.join("ezncrypt")).unwrap();
        let temporary = directory.join("tmp");
        fs::create_dir(&temporary).unwrap();
        fs::set_permissions(&temporary, Permissions::from_mode(0o1777)).unwrap();
        Self { directory }
    }

    fn demo(&self) -> Command {
        let mut command = Command::new(self.directory.join("ezncrypt"));
        command.arg("demo").env("TMPDIR", self.directory.join("tmp"));
        command
    }

    /// Runs a shell script with the program as `$0`, in a mount namespace of its own.
    fn in_a_mount_namespace(&self, script: &str) -> Outcome {
        let mut command = Command::new(program("unshare"));
        command.args(["--mount", "/bin/sh", "-c", script]).arg(self.directory.join("ezncrypt"));
        run(command.env("TMPDIR", self.directory.join("tmp")))
    }

    fn assert_nothing_is_left(&self) {
        let left: Vec<_> = fs::read_dir(self.directory.join("tmp")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn assert_whole_job(shown: &Outcome) {
    let text = &shown.stdout;
    for step in ["the bytes at rest", "Permission denied", "Ada Lovelace", "as they were"] {
        assert!(text.contains(step), "no {step:?} in {shown}");
    }
}

#[test]
fn the_demonstration_shows_the_whole_job_to_root() {
    let stage = Stage::new();
    assert_whole_job(&run(&mut stage.demo()).succeeds());
    stage.assert_nothing_is_left();
}

#[test]
fn the_demonstration_needs_no_root() {
    let stage = Stage::new();
    let (uid, gid) = user("nobody");
    // Where no udev runs /dev/fuse is root's alone: here is a /dev as other machines have it.
    let script = format!(
        "mount -t tmpfs none /dev && mknod -m 666 /dev/fuse c 10 229 && mknod -m 666 /dev/null c 1 3 \
         && exec setpriv --reuid {uid} --regid {gid} --clear-groups \"$0\" demo"
    );
    assert_whole_job(&stage.in_a_mount_namespace(&script).succeeds());
    stage.assert_nothing_is_left();
}

#[test]
fn without_dev_fuse_the_demonstration_says_so_and_shows_the_rest() {
    let stage = Stage::new();
    let script = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec \"$0\" demo";
    let shown = stage.in_a_mount_namespace(script).succeeds();
    for text in ["/dev/fuse", "modprobe fuse", "the bytes at rest", "as they were"] {
        assert!(shown.stdout.contains(text), "no {text:?} in {shown}");
    }
    stage.assert_nothing_is_left();
}
