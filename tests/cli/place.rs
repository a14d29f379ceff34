//! A throw-away instance to run the binary in, and a listener in the service's place.

use ezncrypt::service::Paths;
use ezncrypt::service::frame;
use ezncrypt::service::protocol::{Answer, Event, Request, Secret};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::{JoinHandle, spawn};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_ezncrypt");

/// A throw-away instance: a state directory, and an empty working directory.
pub struct Place {
    dir: tempfile::TempDir,
}

/// A passphrase and salt that were sent.
pub fn parts(secret: &Secret) -> (&[u8], &[u8]) {
    match secret {
        Secret::Passphrase { passphrase, salt } => (passphrase.expose(), salt.expose()),
        _ => panic!("a secret of another kind"),
    }
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        open_to_all(dir.path());
        for name in ["bin", "here", "state", "state/run"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn paths(&self) -> Paths {
        Paths::new(self.at("state"))
    }

    /// The binary under `name`, with this instance in its environment.
    pub fn command(&self, name: &str) -> Command {
        let link = self.at("bin").join(name);
        if !link.is_symlink() {
            symlink(BINARY, &link).unwrap();
        }
        let mut command = Command::new(link);
        self.environment(&mut command);
        command
    }

    pub fn environment(&self, command: &mut Command) {
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("TERM", "dumb");
        command.env("EZNCRYPT_STATE_DIR", self.at("state")).current_dir(self.at("here"));
        command.stdin(Stdio::null());
    }

    pub fn run<A: AsRef<OsStr>>(&self, name: &str, args: &[A]) -> Output {
        self.command(name).args(args).output().unwrap()
    }

    /// Makes the instance look as if it had a keystore, and names secret files to every command.
    pub fn with_secret(&self, command: &mut Command) {
        fs::write(self.paths().keystore(), "").unwrap();
        for (name, variable) in
            [("passphrase", "EZNCRYPT_PASSPHRASE_FILE"), ("salt", "EZNCRYPT_SALT_FILE")]
        {
            let file = self.at(name);
            fs::write(&file, format!("the {name}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            command.env(variable, file);
        }
    }

    /// A service that answers one request with `events`.
    pub fn service(&self, events: Vec<Event>) -> JoinHandle<Request> {
        let served = self.service_of(vec![events]);
        spawn(move || served.join().unwrap().remove(0))
    }

    /// A service that answers one request after the other, each with its events.
    pub fn service_of(&self, answers: Vec<Vec<Event>>) -> JoinHandle<Vec<Request>> {
        let socket = self.paths().control_socket();
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(socket).unwrap();
        let answer = move |events: Vec<Event>| {
            let (mut stream, _) = listener.accept().unwrap();
            let request = frame::read(&mut stream).unwrap();
            for event in events {
                frame::write(&mut stream, &event).unwrap();
            }
            request
        };
        spawn(move || answers.into_iter().map(answer).collect())
    }

    /// What `args` ask of a service that has nothing to tell.
    pub fn request<A: AsRef<OsStr>>(&self, name: &str, args: &[A]) -> Request {
        let service = self.service(vec![Event::Done(Answer::Nothing)]);
        let mut command = self.command(name);
        self.with_secret(&mut command);
        let output = command.args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        service.join().unwrap()
    }
}

pub fn open_to_all(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
pub fn assert_ends(output: &Output, code: i32, words: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    assert!(stderr(output).contains(words), "{:?} lacks {words:?}", stderr(output));
}
