//! An encrypted server, its data, and this test as its guard.

use super::support::Instance;
use super::support::process::{Outcome, run};
use ezncrypt::keystore::{GuardRecord, Keystore, Name, Sealed};
use ezncrypt::service::frame;
use ezncrypt::service::guards::wire::{Answer, Ask, Briefing, Statement};
use ezncrypt::service::protocol::{self, Failure, Request, Secret};
use ezncrypt::service::{Paths, client};
use ezncrypt::sys::declare;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the data file holds.
pub const DATA: &str = "some data";

/// An instance with a guarded server, a copy of `cat` or of another program.
pub struct Stage {
    pub instance: Instance,
}

impl Stage {
    /// Served, with this test as a guard by rules.
    pub fn new() -> Self {
        Self::with(Path::new("/bin/cat"), |_| ())
    }

    /// Served, with this test as a registered guard too.
    pub fn registered(change: impl FnOnce(&mut GuardRecord)) -> Self {
        Self::with(Path::new("/bin/cat"), Self::registering(change))
    }

    /// What registers this test as a guard, for [`Stage::with`].
    pub fn registering(change: impl FnOnce(&mut GuardRecord)) -> impl FnOnce(&mut Self) {
        |stage| {
            let mut record = GuardRecord {
                path: this_test(),
                names: vec![Name("mysqld".into())],
                server: stage.server(),
                was_at: None,
                category: "data".into(),
                settings: vec!["allow init_file".into()],
                reload_privileges: false,
                plugins: Vec::new(),
                facts: String::new(),
                diverted: false,
                added_rules: Vec::new(),
                moved_rules: Vec::new(),
            };
            change(&mut record);
            let change = |draft: &mut ezncrypt::keystore::Draft| {
                draft.guards.push(record);
                Ok(())
            };
            stage.keystore().update(change).unwrap();
        }
    }

    /// Served, with `program` as the server, after a change of the keystore.
    pub fn with(program: &Path, change: impl FnOnce(&mut Self)) -> Self {
        let mut stage = Self { instance: Instance::initialised() };
        fs::copy(program, stage.server()).unwrap();
        fs::create_dir(stage.instance.work().join("data")).unwrap();
        fs::write(stage.data(), DATA).unwrap();
        stage.instance.encrypt("@protected", &stage.server());
        stage.instance.encrypt("@data", stage.data().parent().unwrap());
        stage.allow(&format!("@data * {}", stage.below("protected", &stage.server()).display()));
        let (server, test) = (stage.server(), this_test());
        stage.allow(&format!("@protected {} {}", server.display(), test.display()));
        let flag = |draft: &mut ezncrypt::keystore::Draft| {
            draft.rules.iter_mut().filter(|rule| rule.process == test).for_each(|r| r.guard = true);
            Ok(())
        };
        stage.keystore().update(flag).unwrap();
        change(&mut stage);
        stage.instance.start();
        stage
    }

    fn keystore(&self) -> Keystore {
        let sealed = Sealed::load(&self.instance.state().join("keystore")).unwrap();
        sealed.unlock(&Secret::passphrase(b"correct horse", b"battery staple")).unwrap()
    }

    /// The server's original path.
    pub fn server(&self) -> PathBuf {
        self.instance.work().join("server")
    }

    /// The data file's original path.
    pub fn data(&self) -> PathBuf {
        self.instance.work().join("data/file")
    }

    /// Where a path of a category is below the mount.
    pub fn below(&self, category: &str, path: &Path) -> PathBuf {
        self.instance.mount().join(category).join(path.strip_prefix("/").unwrap())
    }

    #[track_caller]
    pub fn allow(&self, rule: &str) {
        self.instance.access(["-a", &format!("ALLOW {rule}")]).succeeds();
    }

    pub fn paths(&self) -> Paths {
        Paths::new(self.instance.state())
    }

    /// Has the service carry out a request.
    pub fn call(&self, request: Request) -> Result<protocol::Answer, Failure> {
        client::call(&self.paths(), request, &mut |_| ())
    }

    /// Says something on the guard socket.
    pub fn ask(&self, ask: &Ask) -> Answer {
        let mut socket = UnixStream::connect(self.instance.state().join("run/guard.sock")).unwrap();
        frame::write(&mut socket, ask).unwrap();
        frame::read(&mut socket).unwrap()
    }

    /// The text of this test's briefing.
    #[track_caller]
    pub fn briefing_text(&self) -> String {
        match self.ask(&Ask::Brief { name: "server".into() }) {
            Answer::Briefing(text) => text,
            Answer::Failed(_) => match self.ask(&Ask::Brief { name: "mysqld".into() }) {
                Answer::Briefing(text) => text,
                other => panic!("no briefing: {other:?}"),
            },
            other => panic!("no briefing: {other:?}"),
        }
    }

    pub fn briefing(&self) -> Briefing {
        serde_json::from_str(&self.briefing_text()).unwrap()
    }

    /// Declares this test on the server's file, under this briefing.
    pub fn declare(&self, briefing: &str, run: [u8; 32]) -> io::Result<()> {
        let server = File::open(self.server())?;
        let statement = Statement { briefing: Statement::of_briefing(briefing), run };
        declare::declare(&server, &statement.encode())
    }

    /// Declares a run of the server with these arguments.
    #[track_caller]
    pub fn declare_run(&self, args: &[&OsStr]) {
        self.declare(&self.briefing_text(), self.run_of(args)).unwrap();
    }

    /// The digest of the server's command line with these arguments.
    pub fn run_of(&self, args: &[&OsStr]) -> [u8; 32] {
        let mut line = self.server().as_os_str().as_bytes().to_vec();
        line.push(0);
        for arg in args {
            line.extend_from_slice(arg.as_bytes());
            line.push(0);
        }
        Sha256::digest(line).into()
    }

    /// The server with these arguments; a child of this test executes it.
    pub fn command(&self, args: &[&OsStr]) -> Command {
        let mut command = Command::new(self.server());
        command.args(args).current_dir("/");
        command
    }

    pub fn start(&self, args: &[&OsStr]) -> Outcome {
        run(&mut self.command(args))
    }

    /// Fails the test unless the execution itself is refused.
    #[track_caller]
    pub fn assert_not_executed(&self) {
        match self.command(&[]).spawn() {
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
            Ok(mut child) => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("the server was executed");
            }
        }
    }

    /// The lines of the log with this event.
    pub fn logged(&self, event: &str) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.instance.state().join("log/audit.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &serde_json::Value| line["event"] == event).collect()
    }

    /// Whether a denial was logged for this reason.
    pub fn was_denied_for(&self, reason: &str) -> bool {
        self.logged("denied").iter().any(|line| line["reason"].as_str().unwrap().contains(reason))
    }
}

/// The secret of every instance.
pub fn secret() -> Secret {
    Secret::passphrase(b"correct horse", b"battery staple")
}

pub fn this_test() -> PathBuf {
    std::env::current_exe().unwrap().canonicalize().unwrap()
}
