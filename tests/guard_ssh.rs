//! Workflow 4: an administrator without a rule of their own works over SSH, by SQL through a tunnel
//! and by shell commands that stop and start the guarded server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs::{self, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use support::account::Account;
use support::guarded::Guarded;
use support::machine::{program, tool_in};
use support::process::{self, Running, run, run_within};
use support::server::Place;

const PASSWORD: &str = "PasswordOfTheApplication";

#[test]
fn sql_through_a_tunnel_and_commands_over_ssh_work_with_the_guard_in_place() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    // In the server's group, so that the encryption keeps it from the data and not the files' modes.
    let administrator = Account::new(&place.data.with_file_name("home"), &["mysql"]);
    let sql_port = free_port();
    let (start, stop) = scripts(place, sql_port);
    let _sudo = Sudo::new(&administrator, &[&start, &stop]);
    let ssh = Ssh::new(place, &administrator);

    let server = place.start();
    server.sql(&format!(
        "CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON shop.* TO app@'%'"
    ));
    server.stop();
    let _left_running = Detached(place);
    run(&mut Command::new(&start)).succeeds();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guard/administration.py");
    let mut client = Command::new(tool_in("venv/bin", "python"));
    client.arg(script).arg(ssh.port.to_string()).arg(&administrator.name).arg(&ssh.key);
    client.arg(sql_port.to_string()).arg(PASSWORD).args([&start, &stop, &place.data]);
    client.arg(place.log_file()).current_dir("/").env("HOME", place.directory("client"));
    let outcome = run_within(&mut client, Duration::from_secs(120)).succeeds();
    assert_eq!(outcome.stdout.trim(), "done", "{outcome}");
}

/// What administrators type, as two programs that sudo can name exactly.
fn scripts(place: &Place, port: u16) -> (PathBuf, PathBuf) {
    let options = place.options().join("\n");
    // An administrator who turns authentication off, and one who means it well, get the same server.
    let file = place.file(
        "administration/my.cnf",
        &format!(
            "[mysqld]\n{options}\nskip-networking=0\nbind-address=127.0.0.1\nport={port}\n\
             skip-grant-tables\n"
        ),
    );
    let start = format!(
        "#!/bin/sh\nsetsid '{}' --defaults-file='{}' --socket='{}' </dev/null >/dev/null 2>&1 &\n\
         for turn in $(seq 600); do\n  mysqladmin --no-defaults --user=x --socket='{2}' ping \
         >/dev/null 2>&1 && exit 0\n  sleep 0.1\ndone\nexit 1\n",
        place.program.display(),
        file.display(),
        place.socket().display(),
    );
    let stop = format!(
        "#!/bin/sh\npid=$(cat '{}') && kill -TERM \"$pid\" || exit 1\n\
         while kill -0 \"$pid\" 2>/dev/null; do sleep 0.1; done\n",
        place.pid_file().display(),
    );
    (executable(place, "start", &start), executable(place, "stop", &stop))
}

fn executable(place: &Place, name: &str, text: &str) -> PathBuf {
    let path = place.file(&format!("administration/{name}"), text);
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Kills the server that was started over SSH.
struct Detached<'a>(&'a Place);

impl Drop for Detached<'_> {
    fn drop(&mut self) {
        process::kill_all_naming(&self.0.socket());
    }
}

/// Lets the account run these programs as root, and nothing else, until it is dropped.
struct Sudo(PathBuf);

impl Sudo {
    fn new(account: &Account, programs: &[&Path]) -> Self {
        let sudo = Self(Path::new("/etc/sudoers.d").join(&account.name));
        let programs: Vec<String> =
            programs.iter().map(|program| program.display().to_string()).collect();
        let rule = format!("{} ALL=(root) NOPASSWD: {}\n", account.name, programs.join(", "));
        fs::write(&sudo.0, rule).unwrap();
        fs::set_permissions(&sudo.0, Permissions::from_mode(0o440)).unwrap();
        sudo
    }
}

impl Drop for Sudo {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// An SSH server of this test, ended when dropped.
struct Ssh {
    port: u16,
    key: PathBuf,
    _server: Running,
}

impl Ssh {
    fn new(place: &Place, account: &Account) -> Self {
        let directory = place.directory("ssh");
        let (host_key, key) = (new_key(&directory, "host"), new_key(&directory, "client"));
        // sshd wants this directory, which the package's service makes at its start.
        fs::create_dir_all("/run/sshd").unwrap();
        let port = free_port();
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nUsePAM no\n\
             PasswordAuthentication no\nAllowUsers {}\nAuthorizedKeysFile {}\n\
             AllowTcpForwarding yes\nSubsystem sftp internal-sftp\nStrictModes no\n",
            host_key.display(),
            account.name,
            directory.join("client.pub").display(),
        );
        let config = place.file("ssh/config", &text);
        let mut command = Command::new(program("sshd"));
        let mut server =
            Running::spawn(command.args(["-D", "-e", "-f"]).arg(config).stdin(Stdio::null()));
        process::until("sshd listens", Duration::from_secs(20), || {
            assert!(server.ended().is_none(), "{}", server.so_far());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self { port, key, _server: server }
    }
}

fn new_key(directory: &Path, name: &str) -> PathBuf {
    let path = directory.join(name);
    let mut command = Command::new(program("ssh-keygen"));
    run(command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path)).succeeds();
    path
}
