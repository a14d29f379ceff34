//! A server at a path of its own, started in any way that somebody may type.

use super::machine::program;
use super::mariadb::owned_by_mysql;
use super::process::{self, Outcome, Running, run};
use super::template::PASSWORD;
use rustix::process::Signal;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const READY: Duration = Duration::from_secs(60);

/// Options of every server here: small, and with a log of one size, as another would be made anew.
pub const SMALL: [&str; 3] =
    ["innodb-log-file-size=4M", "innodb-buffer-pool-size=16M", "skip-networking"];

/// Where a server is, its data, and a directory for what it makes besides.
pub struct Place {
    /// What is executed.
    pub program: PathBuf,
    /// The data directory.
    pub data: PathBuf,
    base: PathBuf,
}

impl Place {
    /// A server whose files, but for program and data, are below `base`.
    pub fn new(program: PathBuf, data: PathBuf, base: PathBuf) -> Self {
        let place = Self { program, data, base };
        owned_by_mysql(&place.run());
        owned_by_mysql(&place.run().join("tmp"));
        place
    }

    /// A new or existing directory that is root's.
    pub fn directory(&self, name: &str) -> PathBuf {
        let path = self.base.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// A directory that the server, and everybody else, may write.
    pub fn open_directory(&self, name: &str) -> PathBuf {
        let path = self.directory(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        path
    }

    /// Writes a file in a directory that is root's; returns its path.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.base.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    /// The socket that the server listens on.
    pub fn socket(&self) -> PathBuf {
        self.run().join("s")
    }

    /// The file that the server writes its process id to.
    pub fn pid_file(&self) -> PathBuf {
        self.run().join("pid")
    }

    /// The file that the server logs to.
    pub fn log_file(&self) -> PathBuf {
        self.run().join("log.err")
    }

    fn run(&self) -> PathBuf {
        self.base.join("run")
    }

    /// The options that any start needs here, without the two hyphens: for a command line or a file.
    pub fn options(&self) -> Vec<String> {
        let run = self.run();
        let paths = [
            ("datadir", self.data.clone()),
            ("socket", self.socket()),
            ("pid-file", self.pid_file()),
            ("log-error", self.log_file()),
            ("tmpdir", run.join("tmp")),
        ];
        let paths = paths.iter().map(|(name, path)| format!("{name}={}", path.display()));
        SMALL
            .iter()
            .map(|&option| option.to_owned())
            .chain(paths)
            .chain(["user=mysql".into()])
            .collect()
    }

    /// The server with the options that must come first, those that any start needs, and more.
    pub fn command<L: AsRef<OsStr>, M: AsRef<OsStr>>(
        &self,
        leading: impl IntoIterator<Item = L>,
        more: impl IntoIterator<Item = M>,
    ) -> Command {
        let mut command = Command::new(&self.program);
        command.args(leading).args(self.arguments()).args(more).current_dir("/");
        command
    }

    /// [`Place::options`] as arguments.
    pub fn arguments(&self) -> Vec<OsString> {
        self.options().iter().map(|option| format!("--{option}").into()).collect()
    }

    /// The plain start: no option file, nothing special.
    #[track_caller]
    pub fn start(&self) -> Server {
        self.attempt(&mut self.command(["--no-defaults"], [""; 0])).up()
    }

    /// Runs the command until its server answers or it ends. Standard input is empty.
    #[track_caller]
    pub fn attempt(&self, command: &mut Command) -> Attempt {
        self.attempt_with(command, Stdio::null())
    }

    /// Like [`Place::attempt`], with this standard input.
    #[track_caller]
    pub fn attempt_with(&self, command: &mut Command, input: impl Into<Stdio>) -> Attempt {
        let _ = fs::remove_file(self.socket());
        let _ = fs::remove_file(self.log_file());
        let mut running = Running::spawn(command.stdin(input));
        let mut ended = None;
        process::until("the server answers or ends", READY, || {
            ended = running.ended();
            ended.is_some() || self.answers()
        });
        match ended {
            Some(outcome) => Attempt::Ended(outcome, self.log()),
            None => Attempt::Up(Server { running, socket: self.socket() }),
        }
    }

    /// Whether a server greets whoever connects to the socket.
    pub fn answers(&self) -> bool {
        answers_at(&self.socket())
    }

    /// What the server logged since the last start.
    pub fn log(&self) -> String {
        let log = fs::read(self.log_file());
        log.map_or_else(|_| "(none)".into(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// What became of a start.
pub enum Attempt {
    /// A server answers.
    Up(Server),
    /// The program ended before; with what the server logged.
    Ended(Outcome, String),
}

impl Attempt {
    /// Fails the test unless a server answers.
    #[track_caller]
    pub fn up(self) -> Server {
        match self {
            Self::Up(server) => server,
            Self::Ended(outcome, log) => panic!("no server: {outcome}\n  log: {log}"),
        }
    }

    /// Fails the test unless the program ended before any server answered.
    #[track_caller]
    pub fn ended(self) -> Outcome {
        match self {
            Self::Up(server) => panic!("process {} is a server that answers", server.pid()),
            Self::Ended(outcome, _) => outcome,
        }
    }

    /// Fails the test unless the guard refused the run, said why in words that hold `reason`.
    /// Hyphens and underscores are one.
    #[track_caller]
    pub fn refused(self, reason: &str) -> Outcome {
        let (outcome, log) = match self {
            Self::Up(server) => panic!("not refused: process {} is a server", server.pid()),
            Self::Ended(outcome, log) => (outcome, log),
        };
        assert_eq!(log, "(none)", "a server ran: {outcome}");
        let outcome = outcome.exits(4).says("ezncrypt:");
        let said = plain(&outcome.stderr);
        assert!(said.contains(&plain(reason)), "{reason:?} is not named: {outcome}");
        outcome
    }
}

fn plain(text: &str) -> String {
    text.to_lowercase().replace('-', "_")
}

/// A server that answers; killed when dropped, also one that a wrapper started.
pub struct Server {
    running: Running,
    socket: PathBuf,
}

impl Server {
    /// The process id of what was started: the server's own, unless a wrapper started it.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// What the server printed until now.
    pub fn so_far(&mut self) -> Outcome {
        self.running.so_far()
    }

    /// Statements run by somebody; the password may be empty.
    pub fn sql_as(&self, user: &str, password: &str, statements: &str) -> Outcome {
        sql(&self.socket, user, password, statements)
    }

    /// Statements run by the database's root; returns the rows, columns separated by tabs.
    #[track_caller]
    pub fn sql(&self, statements: &str) -> String {
        self.sql_as("root", PASSWORD, statements).succeeds().stdout
    }

    /// Fails the test unless a user that does not exist is turned away.
    #[track_caller]
    pub fn assert_closed(&self, when: &str) {
        let outcome = self.sql_as("nobody_such", "", "SELECT 1");
        assert_ne!(outcome.code, Some(0), "{when}: authentication is off");
        assert!(outcome.stderr.contains("Access denied"), "{when}: {outcome}");
    }

    /// Ends the server by SIGTERM and waits for it.
    #[track_caller]
    pub fn stop(mut self) -> Outcome {
        process::send(self.pid(), Signal::TERM);
        self.running.finish(READY).expect("the server does not end")
    }

    /// Waits for the end of what was started.
    #[track_caller]
    pub fn wait(mut self) -> Outcome {
        self.running.finish(READY).expect("it does not end")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        process::send(self.pid(), Signal::KILL);
        process::kill_all_naming(&self.socket);
    }
}

/// Whether a server greets whoever connects to the socket.
pub fn answers_at(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.read(&mut [0; 64]).is_ok_and(|length| length > 0)
}

/// Statements run over a socket; the password may be empty.
pub fn sql(socket: &Path, user: &str, password: &str, statements: &str) -> Outcome {
    let mut client = Command::new(program("mariadb"));
    client.args(["--no-defaults", "--batch", "--skip-column-names", "--user", user]);
    client.arg(format!("--socket={}", socket.display()));
    if !password.is_empty() {
        client.env("MYSQL_PWD", password);
    }
    run(client.args(["--execute", statements]))
}
