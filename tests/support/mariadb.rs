//! A real MariaDB server on a data directory.

use super::machine::{program, user};
use super::process::{self, Outcome, run};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const READY: Duration = Duration::from_secs(90);

/// A running server; killed when dropped.
pub struct MariaDb {
    child: Child,
    run: PathBuf,
}

impl MariaDb {
    /// Makes a data directory with the system tables at `data`, owned by `mysql`.
    pub fn install(data: &Path) {
        let temporary = data.with_extension("tmp");
        owned_by_mysql(data);
        owned_by_mysql(&temporary);
        let mut command = Command::new(program("mysql_install_db"));
        command
            .env("TMPDIR", &temporary)
            .args(["--no-defaults", "--user=mysql", "--auth-root-authentication-method=normal"])
            .arg(format!("--datadir={}", data.display()));
        run(&mut command).succeeds();
        fs::remove_dir_all(temporary).unwrap();
    }

    /// The command that runs `server` on `data`, its socket, pid file and log in `run`.
    pub fn command(server: &Path, data: &Path, run: &Path) -> Command {
        // A server removes what others left in a shared directory for temporary tables.
        let temporary = run.join("tmp");
        owned_by_mysql(run);
        owned_by_mysql(&temporary);
        let mut command = Command::new(server);
        command
            .args(["--no-defaults", "--user=mysql", "--skip-networking"])
            .arg("--innodb-buffer-pool-size=32M")
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--tmpdir={}", temporary.display()))
            .arg(format!("--socket={}", run.join("s").display()))
            .arg(format!("--pid-file={}", run.join("pid").display()))
            .arg(format!("--log-error={}", run.join("log.err").display()));
        command
    }

    /// Starts the system's server on `data` and waits until it answers.
    #[track_caller]
    pub fn start(data: &Path, run: &Path) -> Self {
        Self::start_by(&program("mariadbd"), data, run)
    }

    /// Starts the server at `server` on `data` and waits until it answers.
    #[track_caller]
    pub fn start_by(server: &Path, data: &Path, run: &Path) -> Self {
        Self::start_as(Self::command(server, data, run), run)
    }

    /// Starts the server of a [`MariaDb::command`] with its files in `run`, and waits until it answers.
    #[track_caller]
    pub fn start_as(command: Command, run: &Path) -> Self {
        Self::try_start_as(command, run).unwrap_or_else(|told| panic!("{told}"))
    }

    /// The same, or how it ended and what it logged.
    pub fn try_start_as(mut command: Command, run: &Path) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Self { child: command.spawn().unwrap(), run: run.to_owned() };
        let mut ended = None;
        process::until("the server answers", READY, || {
            ended = server.child.try_wait().unwrap();
            ended.is_some() || server.admin("ping").code == Some(0)
        });
        match ended {
            Some(status) => Err(format!("mariadbd ended: {status}\n{}", server.log())),
            None => Ok(server),
        }
    }

    /// The socket it listens on.
    pub fn socket(&self) -> PathBuf {
        self.run.join("s")
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        log(&self.run)
    }

    /// Runs statements and returns the rows, columns separated by tabs.
    #[track_caller]
    pub fn sql(&self, statements: &str) -> String {
        let mut client = Command::new(program("mariadb"));
        client.args(["--no-defaults", "--user=root", "--batch", "--skip-column-names"]);
        client.arg(format!("--socket={}", self.socket().display()));
        run(client.args(["--execute", statements])).succeeds().stdout
    }

    /// Shuts the server down in order and waits for its end.
    #[track_caller]
    pub fn shut_down(mut self) {
        self.admin("shutdown").succeeds();
        let ended = process::finish(&mut self.child, READY);
        assert!(ended.is_some_and(|status| status.success()), "{ended:?}\n{}", self.log());
    }

    #[track_caller]
    fn admin(&self, verb: &str) -> Outcome {
        let mut client = Command::new(program("mariadb-admin"));
        client.args(["--no-defaults", "--user=root", "--connect-timeout=5"]);
        client.arg(format!("--socket={}", self.socket().display()));
        run(client.arg(verb))
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a directory that is the server's.
pub fn owned_by_mysql(directory: &Path) {
    let (uid, gid) = user("mysql");
    fs::create_dir_all(directory).unwrap();
    chown(directory, Some(uid), Some(gid)).unwrap();
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What a server with its files in `run` logged.
pub fn log(run: &Path) -> String {
    fs::read(run.join("log.err")).map_or_else(
        |error| format!("no log: {error}"),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}
