//! The memory of a running backup, which belongs to the user who runs it: what no rule can close, and
//! what the recipe says about it.

use crate::bench::{Bench, PASSWORD, Rules};
use crate::support::machine::program;
use crate::support::process::{Outcome, Running, run, until};
use crate::support::template;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Looks for a text in the memory of a child; tells `found`, `absent` or why not.
const SEARCH: &str = r#"
import subprocess, sys, time
child = subprocess.Popen(sys.argv[2:])
try:
    time.sleep(2)
    if child.poll() is not None:
        sys.exit(f"ended: {child.returncode}")
    found = False
    with open(f"/proc/{child.pid}/maps") as maps, open(f"/proc/{child.pid}/mem", "rb") as memory:
        for line in maps:
            area, modes = line.split()[:2]
            start, end = (int(part, 16) for part in area.split("-"))
            if modes.startswith("rw"):
                memory.seek(start)
                found |= sys.argv[1].encode() in memory.read(end - start)
    print("found" if found else "absent")
except PermissionError as error:
    print(f"refused: {error}")
finally:
    child.kill()
"#;

/// A copy of mysqldump with this mode, in a root-owned place, with a narrow rule.
fn program_with_mode(bench: &Bench, mode: u32) -> PathBuf {
    let directory = bench.instance.work().join(format!("{mode:o}"));
    fs::create_dir(&directory).unwrap();
    let copy = directory.join("mysqldump");
    fs::copy(program("mysqldump"), &copy).unwrap();
    fs::set_permissions(&copy, Permissions::from_mode(mode)).unwrap();
    let arguments = bench.arguments("backup.cnf").join(" ");
    let name = &bench.account.name;
    bench.allow(&format!("{} --user={name} --args='{arguments}'", copy.display()));
    copy
}

/// A search for the password in the memory of the user's backup while it waits for a lock.
fn search(bench: &Bench, dump: &Path) -> Outcome {
    let script = bench.write_home("search.py", SEARCH);
    let mut command = bench.account.command(program("python3"));
    command.arg(script).arg(PASSWORD).arg(dump).args(bench.arguments("backup.cnf"));
    run(&mut command)
}

/// Keeps backups waiting until it is dropped.
fn lock(bench: &Bench) -> Running {
    let mut client = Command::new(program("mariadb"));
    client.args(["--no-defaults", "--user=root"]).env("MYSQL_PWD", template::PASSWORD);
    client.arg(format!("--socket={}", bench.socket().display()));
    client.args(["--execute", "LOCK TABLES shop.people WRITE; DO SLEEP(120)"]);
    let lock = Running::spawn(client.stdin(Stdio::null()));
    until("the table is locked", Duration::from_secs(20), || {
        bench.server.sql("SHOW PROCESSLIST").contains("SLEEP")
    });
    lock
}

#[test]
fn the_memory_of_a_backup_is_the_users_unless_its_program_is_unreadable() {
    let bench = Bench::new(Rules::Narrow);
    let readable = program_with_mode(&bench, 0o755);
    let unreadable = program_with_mode(&bench, 0o711);
    let lock = lock(&bench);
    assert_eq!(search(&bench, &readable).succeeds().stdout.trim(), "found");
    let refused = search(&bench, &unreadable).succeeds();
    assert!(refused.stdout.starts_with("refused"), "{refused}");
    drop(lock);
    run(bench.account.command(&unreadable).args(bench.arguments("backup.cnf"))).succeeds();
}
