//! Directories that hold the same, each encrypted by somebody else or by nobody.

use super::options::Options;
use super::support::Instance;
use super::support::machine::{detach, is_mounted, program};
use super::support::process::{Running, run, until};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The plain disk, to which all others are compared.
pub const PLAIN: &str = "plain";
/// This program.
pub const OURS: &str = "ezncrypt";
/// The plain disk under a database server that encrypts by itself.
pub const SERVER: &str = "MariaDB's own";

/// One directory.
pub struct Side {
    pub name: &'static str,
    /// Where it is worked on.
    pub path: PathBuf,
    /// What holds a mount there, when it is a process in the foreground.
    process: Option<Running>,
}

/// All of them, on one disk. They are unmounted before that is removed.
pub struct Sides {
    pub all: Vec<Side>,
    pub instance: Instance,
}

impl Sides {
    pub fn set_up(options: &Options) -> Self {
        let mut instance = Instance::started();
        instance.may_live_for(Duration::from_secs(6 * 3600));
        let top = instance.work().join("sides");
        fs::create_dir(&top).unwrap();
        fs::write(top.join("password"), "correct horse\n").unwrap();
        let mut all = Vec::new();
        for (name, make) in MAKERS {
            if options.sides.is_empty() || options.sides.contains(&(*name).to_owned()) {
                let home = top.join(name.replace([' ', '\''], "_"));
                fs::create_dir(&home).unwrap();
                all.push(make(name, &home, &instance));
            }
        }
        Self { all, instance }
    }
}

type Make = fn(&'static str, &Path, &Instance) -> Side;

const MAKERS: &[(&str, Make)] = &[
    (PLAIN, plain),
    (OURS, ours),
    ("gocryptfs", gocryptfs),
    ("encfs", encfs),
    ("securefs", securefs),
    ("cryfs", cryfs),
    (SERVER, plain),
];

fn plain(name: &'static str, home: &Path, _: &Instance) -> Side {
    let path = home.join("mount");
    fs::create_dir(&path).unwrap();
    Side { name, path, process: None }
}

fn ours(name: &'static str, home: &Path, instance: &Instance) -> Side {
    let side = plain(name, home, instance);
    instance.encrypt("@bench", &side.path);
    instance.allow_this_test("@bench");
    for allowed in ["fio", "mariadbd", "cp", "chown"] {
        instance.allow("@bench", &program(allowed));
    }
    side
}

/// Two directories, and the file with the password.
fn directories(home: &Path) -> [PathBuf; 3] {
    let [cipher, mount] = ["cipher", "mount"].map(|name| home.join(name));
    fs::create_dir(&cipher).unwrap();
    fs::create_dir(&mount).unwrap();
    [cipher, mount, home.parent().unwrap().join("password")]
}

fn mounted(name: &'static str, mount: PathBuf, command: &mut Command) -> Side {
    let process = Running::spawn(command.stdin(Stdio::null()));
    until(name, Duration::from_secs(60), || is_mounted(&mount));
    Side { name, path: mount, process: Some(process) }
}

fn gocryptfs(name: &'static str, home: &Path, _: &Instance) -> Side {
    let [cipher, mount, password] = directories(home);
    let command = || {
        let mut command = Command::new(program("gocryptfs"));
        command.args(["-quiet", "-passfile"]).arg(&password);
        command
    };
    run(command().arg("-init").arg(&cipher)).succeeds();
    mounted(name, mount.clone(), command().args(["-fg", "-allow_other"]).arg(&cipher).arg(&mount))
}

fn encfs(name: &'static str, home: &Path, _: &Instance) -> Side {
    let [cipher, mount, password] = directories(home);
    let mut command = Command::new(program("encfs"));
    command.args(["-f", "--public", "--standard"]);
    command.arg(format!("--extpass=cat {}", password.display())).arg(&cipher).arg(&mount);
    mounted(name, mount, &mut command)
}

fn securefs(name: &'static str, home: &Path, _: &Instance) -> Side {
    let [cipher, mount, _] = directories(home);
    let command = |verb: &str| {
        let mut command = Command::new(program("securefs"));
        command.args([verb, "--pass", "correct horse"]);
        command
    };
    run(command("create").arg(&cipher)).succeeds();
    mounted(
        name,
        mount.clone(),
        command("mount").args(["-o", "allow_other"]).arg(&cipher).arg(&mount),
    )
}

fn cryfs(name: &'static str, home: &Path, _: &Instance) -> Side {
    let [cipher, mount, password] = directories(home);
    let mut command = Command::new(program("cryfs"));
    command.env("CRYFS_FRONTEND", "noninteractive").env("CRYFS_NO_UPDATE_CHECK", "true");
    command.arg("-f").arg(&cipher).arg(&mount).args(["--", "-o", "allow_other"]);
    let process = Running::spawn(command.stdin(fs::File::open(password).unwrap()));
    until(name, Duration::from_secs(60), || is_mounted(&mount));
    Side { name, path: mount, process: Some(process) }
}

impl Side {
    /// Whether it goes through FUSE and is not ours.
    pub fn is_peer(name: &str) -> bool {
        ![PLAIN, OURS, SERVER].contains(&name)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        if self.process.is_some() {
            detach(&self.path);
        }
    }
}
