//! Where one instance keeps its things. Everything follows from the state directory, so several
//! instances run side by side.

use std::path::{Path, PathBuf};

/// The state directory when nothing else is said.
pub const DEFAULT_STATE_DIR: &str = "/var/lib/ezncrypt";

/// The places of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    state: PathBuf,
    system_wide: bool,
}

impl Paths {
    /// The places of the instance in `state`, an absolute path.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        let state = state.into();
        let system_wide = state == Path::new(DEFAULT_STATE_DIR);
        Self { state, system_wide }
    }

    /// The same instance by the path of its state directory without symlinks: what the kernel says
    /// about processes and mounts is in such paths.
    #[must_use]
    pub fn resolved(&self) -> Self {
        let state = self.state.canonicalize().unwrap_or_else(|_| self.state.clone());
        Self { state, system_wide: self.system_wide }
    }

    /// The state directory itself.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The local encrypted keystore.
    pub fn keystore(&self) -> PathBuf {
        self.state.join("keystore")
    }

    /// Ciphertext: what a backup or a thief gets.
    pub fn storage(&self) -> PathBuf {
        self.state.join("storage")
    }

    /// What repairs keep of damaged files.
    pub fn quarantine(&self) -> PathBuf {
        self.state.join("quarantine")
    }

    /// The mount point: plaintext for allowed processes.
    pub fn mount(&self) -> PathBuf {
        self.state.join("ezncrypted")
    }

    /// Whoever holds this file's lock owns the state directory: a service, or a command that works
    /// without one.
    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    /// The socket that takes commands, from root only.
    pub fn control_socket(&self) -> PathBuf {
        self.run().join("control.sock")
    }

    /// The socket that tells anyone the status and takes no input.
    pub fn status_socket(&self) -> PathBuf {
        self.run().join("status.sock")
    }

    /// The socket that tells guards their policy and takes their reports, from anyone.
    pub fn guard_socket(&self) -> PathBuf {
        self.run().join("guard.sock")
    }

    /// The service's process id, in decimal.
    pub fn pid_file(&self) -> PathBuf {
        self.run().join("ezncrypt.pid")
    }

    /// Held by the supervisor, if there is one; says which process it is and why the last service ended.
    pub fn supervisor_file(&self) -> PathBuf {
        self.run().join("supervisor")
    }

    /// The log of decisions and events, JSON lines.
    pub fn audit_log(&self) -> PathBuf {
        self.log().join("audit.jsonl")
    }

    /// The socket of the system's log: `/dev/log`, or one beside the instance's own.
    pub fn syslog_socket(&self) -> PathBuf {
        if self.system_wide { "/dev/log".into() } else { self.run().join("syslog") }
    }

    /// The configuration file: `/etc/ezncrypt/ezncrypt.toml`, or one in the instance's own directory.
    pub fn configuration(&self) -> PathBuf {
        if self.system_wide {
            "/etc/ezncrypt/ezncrypt.toml".into()
        } else {
            self.state.join("ezncrypt.toml")
        }
    }

    /// The directory of sockets and pid file.
    pub fn run(&self) -> PathBuf {
        if self.system_wide { "/run/ezncrypt".into() } else { self.state.join("run") }
    }

    /// The directory of the log.
    pub fn log(&self) -> PathBuf {
        if self.system_wide { "/var/log/ezncrypt".into() } else { self.state.join("log") }
    }
}
