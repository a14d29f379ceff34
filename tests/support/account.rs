//! An account of the system, made for one test.

use super::machine::{program, user};
use super::process::run;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

static MADE: AtomicU32 = AtomicU32::new(0);

/// An ordinary user who is gone, with crontab, when this is dropped. The home directory is the
/// caller's to remove.
pub struct Account {
    /// The user's name.
    pub name: String,
    /// The home directory, which the user owns.
    pub home: PathBuf,
    uid: u32,
    gid: u32,
}

impl Account {
    /// Makes a user with a home directory at `home`, and in these groups besides.
    #[track_caller]
    pub fn new(home: &Path, groups: &[&str]) -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("ezntest{}x{number}", std::process::id());
        let mut command = Command::new(program("useradd"));
        command.args(["--no-create-home", "--no-log-init", "--shell", "/bin/sh"]);
        // A password that nobody can type, and an account that is not locked.
        command.args(["--password", "*", "--user-group", "--home-dir"]).arg(home);
        if !groups.is_empty() {
            command.arg("--groups").arg(groups.join(","));
        }
        // From here on the account is removed whatever happens.
        let mut account = Self { name, home: home.to_owned(), uid: 0, gid: 0 };
        run(command.arg(&account.name)).succeeds();
        (account.uid, account.gid) = user(&account.name);
        account.empty_home();
        account
    }

    /// Makes the home directory anew.
    pub fn empty_home(&self) {
        let _ = fs::remove_dir_all(&self.home);
        fs::create_dir(&self.home).unwrap();
        self.own(&self.home);
    }

    /// Gives a file to the user.
    pub fn own(&self, path: &Path) {
        chown(path, Some(self.uid), Some(self.gid)).unwrap();
    }

    /// A command of this user's, in the home directory, with the environment of a plain login.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.uid(self.uid).gid(self.gid);
        self.at_home(&mut command);
        command
    }

    /// The same with all the groups of the user.
    pub fn command_with_groups(&self, inner: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program("setpriv"));
        command.args(["--reuid", &self.name, "--regid", &self.name, "--init-groups", "--"]);
        command.arg(inner.as_ref());
        self.at_home(&mut command);
        command
    }

    fn at_home(&self, command: &mut Command) {
        command.env_clear().current_dir(&self.home);
        command.env("HOME", &self.home).env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh");
        command.env("USER", &self.name).env("LOGNAME", &self.name).env("LANG", "C.UTF-8");
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let mut crontab = Command::new("/usr/bin/crontab");
        let _ = crontab.args(["-u", &self.name, "-r"]).stderr(Stdio::null()).status();
        let mut command = Command::new(program("userdel"));
        let _ = command.arg("--force").arg(&self.name).stderr(Stdio::null()).status();
    }
}
