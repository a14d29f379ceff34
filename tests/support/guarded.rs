//! A server behind a guard, and the same server without one: an attack is tried on both.

use super::machine::{new_directory, program};
use super::process::{Outcome, run};
use super::server::Place;
use super::{Instance, template};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

/// The category of the data.
pub const CATEGORY: &str = "@mysql";

/// An instance with an encrypted data directory, and an encrypted server with a guard before it.
pub struct Guarded {
    /// The instance, its service running.
    pub instance: Instance,
    /// The guard, and the data.
    pub place: Place,
}

impl Guarded {
    /// The guard at the server's old path.
    #[track_caller]
    pub fn new() -> Self {
        Self::installed(&[], "mysqld")
    }

    /// A guard that was installed with more arguments, and is called by this name.
    #[track_caller]
    pub fn installed(more: &[&str], name: &str) -> Self {
        let guarded = Self::not_yet(name);
        let server = guarded.server();
        let install = ["guard", "install", server.to_str().unwrap(), "--category", CATEGORY];
        guarded.instance.run(install.iter().chain(more)).succeeds();
        guarded
    }

    /// The encrypted data and the server's program, not yet encrypted and without a guard.
    #[track_caller]
    pub fn not_yet(name: &str) -> Self {
        let instance = Instance::started();
        let (programs, data) = (instance.work().join("sbin"), instance.work().join("mysql"));
        fs::create_dir(&programs).unwrap();
        let server = programs.join("mariadbd");
        run(Command::new(program("cp")).arg(program("mariadbd")).arg(server)).succeeds();
        symlink("mariadbd", programs.join("mysqld")).unwrap();
        template::copy(&data);
        instance.encrypt(CATEGORY, &data);
        let place = Place::new(programs.join(name), data, instance.work());
        Self { instance, place }
    }

    /// The symlink that the server is usually started by.
    pub fn server(&self) -> PathBuf {
        self.instance.work().join("sbin/mysqld")
    }

    /// The encrypted server, below the mount.
    pub fn encrypted(&self) -> PathBuf {
        let locations = self.instance.run(["list", "--json"]).succeeds().json();
        let protected =
            locations.as_array().unwrap().iter().find(|row| row["category"] == "@protected");
        let original = protected.expect("no server is encrypted")["path"].as_str().unwrap();
        self.instance.mount().join("protected").join(original.trim_start_matches('/'))
    }

    /// Gives a permit for the next run.
    #[track_caller]
    pub fn permit<S: AsRef<OsStr>>(&self, more: impl IntoIterator<Item = S>) -> Outcome {
        let mut command = self.instance.command("ezncrypt", ["guard", "permit"]);
        run(command.arg(self.server()).args(more))
    }

    /// The lines of the log with this event.
    pub fn logged(&self, event: &str) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.instance.state().join("log/audit.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &serde_json::Value| line["event"] == event).collect()
    }
}

/// The system's own server on plain data; its files are gone when this is dropped.
pub struct Bare {
    root: PathBuf,
    /// The server, and the data.
    pub place: Place,
}

impl Bare {
    /// Data with rows, as the guarded server has them.
    pub fn new() -> Self {
        let root = new_directory();
        let data = root.join("mysql");
        template::copy(&data);
        let place = Place::new(program("mysqld"), data, root.clone());
        Self { root, place }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
