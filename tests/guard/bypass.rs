//! Ways to execute the encrypted server without its guard.

use crate::support::guarded::Guarded;
use crate::support::instance::BINARY;
use crate::support::machine::{detach, program, user};
use crate::support::process::{Outcome, run};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// Runs it by a shell that becomes the program, as root or as the server's user.
#[track_caller]
fn exec(program: &Path, arguments: &[String], as_mysql: bool) -> Outcome {
    let mut shell = Command::new("/bin/bash");
    shell.args(["-c", "exec \"$0\" \"$@\""]).arg(program).args(arguments).current_dir("/");
    if as_mysql {
        let (uid, gid) = user("mysql");
        shell.uid(uid).gid(gid);
    }
    run(&mut shell)
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn copied(from: &Path, to: PathBuf) -> PathBuf {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    run(Command::new(program("cp")).arg(from).arg(&to)).succeeds();
    fs::set_permissions(&to, Permissions::from_mode(0o755)).unwrap();
    to
}

/// The kernel or the loader must say no.
#[test]
fn nobody_but_the_guard_executes_the_encrypted_server() {
    let guarded = Guarded::new();
    let encrypted = guarded.encrypted();
    let running = guarded.place.start();
    let elsewhere = guarded.instance.work().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();

    let link = elsewhere.join("link");
    symlink(&encrypted, &link).unwrap();
    let script = elsewhere.join("script");
    fs::write(&script, format!("#!{} --version\n", encrypted.display())).unwrap();
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let bound = Bound::new(&encrypted, &elsewhere.join("bound"));
    let of_process = PathBuf::from(format!("/proc/{}/exe", running.pid()));
    let path = encrypted.to_str().unwrap();
    let trampoline = words(["-c", "import os, sys; os.execv(sys.argv[1], sys.argv[1:])", path]);
    let by_descriptor = format!(
        "import os; os.execve(os.open('{path}', os.O_PATH), ['mysqld', '--version'], os.environ)"
    );
    let version = || words(["--version"]);
    for (name, program, arguments) in [
        ("its path", encrypted.clone(), version()),
        ("the symlink left at its place", left_behind(&guarded), version()),
        ("a symlink of one's own", link, version()),
        ("a script's first line", script, vec![]),
        ("the loader", LOADER.into(), words([path, "--version"])),
        ("the running server's program", of_process.clone(), version()),
        ("the loader on it", LOADER.into(), words([of_process.to_str().unwrap(), "--version"])),
        ("a bind mount", bound.0.clone(), version()),
        ("python", "/usr/bin/python3".into(), trampoline),
        ("python by a descriptor", "/usr/bin/python3".into(), words(["-c", &by_descriptor])),
        ("find", "/usr/bin/find".into(), words(["/etc/passwd", "-exec", path, "--version", ";"])),
    ] {
        for as_mysql in [false, true] {
            let outcome = exec(&program, &arguments, as_mysql);
            assert!(!outcome.stdout.contains("Ver "), "{name}: it ran: {outcome}");
            assert!(outcome.stderr.contains("ermission denied"), "{name}: {outcome}");
        }
    }
    let copy = elsewhere.join("copy");
    run(Command::new(program("cp")).arg(&encrypted).arg(&copy)).denied();
    assert!(guarded.logged("denied").iter().any(|line| line.to_string().contains("bash")));
    assert_eq!(running.sql("SELECT 1").trim(), "1");
}

/// The symlink that encrypting left where the server was.
fn left_behind(guarded: &Guarded) -> PathBuf {
    let locations = guarded.instance.run(["list", "--json"]).succeeds().json();
    let mut rows = locations.as_array().unwrap().iter();
    let row = rows.find(|row| row["category"] == "@protected").unwrap();
    row["path"].as_str().unwrap().into()
}

/// A bind mount that is gone when this is dropped.
struct Bound(PathBuf);

impl Bound {
    fn new(from: &Path, at: &Path) -> Self {
        fs::write(at, "").unwrap();
        run(Command::new(program("mount")).arg("--bind").arg(from).arg(at)).succeeds();
        Self(at.to_owned())
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        detach(&self.0);
    }
}

/// Our own program is the guard only at the path of the rule.
#[test]
fn our_own_program_is_a_guard_nowhere_else() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let guard = fs::canonicalize(&place.program).unwrap();
    let elsewhere = guarded.instance.work().join("elsewhere");
    let mut tried = vec![
        copied(&guard, elsewhere.join("copy/mysqld")),
        copied(&guard, elsewhere.join("copy/mariadbd")),
        copied(Path::new(BINARY), elsewhere.join("ours/mysqld")),
    ];
    for (name, target) in [("link/mysqld", Path::new(BINARY)), ("copied/mysqld", &tried[0].clone())]
    {
        let link = elsewhere.join(name);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, &link).unwrap();
        tried.push(link);
    }
    for program in tried {
        let mut command = Command::new(&program);
        command.arg("--no-defaults").args(place.arguments()).current_dir("/");
        assert_no_guard(place.attempt(&mut command).ended());
    }
    let mut renamed = Command::new(BINARY);
    renamed.arg0("mysqld").arg("--no-defaults").args(place.arguments());
    assert_no_guard(place.attempt(&mut renamed).ended());
    let mut renamed = Command::new(BINARY);
    renamed.arg0(&place.program).arg("--no-defaults").args(place.arguments());
    assert_no_guard(place.attempt(&mut renamed).ended());

    place.start().assert_closed("called as it should be");
    let mut by_another_name = Command::new(&place.program);
    by_another_name.arg0("somebody").arg("--no-defaults").args(place.arguments());
    assert_no_guard(place.attempt(&mut by_another_name).ended());
}

#[track_caller]
fn assert_no_guard(outcome: Outcome) {
    assert!(matches!(outcome.code, Some(2 | 4 | 6)), "{outcome}");
    outcome.says("ezncrypt");
}

/// Another name of the guard's own file is another path. What is refused must be the name, not the
/// file: the guard itself still works.
#[test]
fn a_hard_link_of_the_guard_is_none() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let guard = fs::canonicalize(&place.program).unwrap();
    let link = guarded.instance.work().join("elsewhere/mysqld");
    fs::create_dir(link.parent().unwrap()).unwrap();
    fs::hard_link(&guard, &link).unwrap();
    let mut command = Command::new(&link);
    command.arg("--no-defaults").args(place.arguments());
    assert_no_guard(place.attempt(&mut command).ended());
    fs::remove_file(link).unwrap();
}

#[test]
fn a_guard_with_one_byte_more_is_refused_and_logged() {
    let guarded = Guarded::new();
    let guard = fs::canonicalize(&guarded.place.program).unwrap();
    append(&guard);
    let outcome = guarded.place.attempt(&mut guarded.place.command(["--no-defaults"], [""; 0]));
    assert_no_guard(outcome.ended());
    assert_logged(&guarded, "taint");
}

#[test]
fn a_server_with_one_byte_more_is_refused_and_logged() {
    let guarded = Guarded::new();
    // Whoever could change it had a rule for it, or wrote to the storage with the key.
    guarded.instance.allow_this_test("@protected");
    append(&guarded.encrypted());
    let outcome = guarded.place.attempt(&mut guarded.place.command(["--no-defaults"], [""; 0]));
    outcome.ended().exits(4).says("ezncrypt").says("hint:");
    assert_logged(&guarded, "taint");
}

fn append(path: &Path) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, b"x").unwrap();
}

#[track_caller]
fn assert_logged(guarded: &Guarded, word: &str) {
    let log = fs::read_to_string(guarded.instance.state().join("log/audit.jsonl")).unwrap();
    assert!(log.contains(word), "{word:?} is not in the log:\n{log}");
}
