//! A server with rows, an ordinary user who backs it up, and the rules for that.

use crate::database::OBJECTS;
use crate::support::Instance;
use crate::support::account::Account;
use crate::support::machine::{program, user};
use crate::support::process::{Outcome, run};
use crate::support::server::{Place, Server};
use crate::support::template;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use crate::support::template::SECRET;

/// The category of option files and dumps.
pub const CATEGORY: &str = "@mysqlbackup";

/// What only the option files tell.
pub const PASSWORD: &str = "PasswordInTheOptionFile";

/// Which rules a bench has.
#[derive(Clone, Copy, PartialEq)]
pub enum Rules {
    /// The program, however it is run.
    Wide,
    /// The program, the user and the arguments.
    Narrow,
}

/// The server, the user, the encrypted option files and the encrypted directory of the dumps.
pub struct Bench {
    pub rules: Rules,
    pub server: Server,
    pub account: Account,
    /// A port on which nothing listens; it stands in the option file `port.cnf`.
    pub port: u16,
    // Last, as it takes the directories of the others with it.
    pub instance: Instance,
}

impl Bench {
    /// A bench with the rules for mysqldump.
    #[track_caller]
    pub fn new(rules: Rules) -> Self {
        let bench = Self::without_rules(rules);
        match rules {
            Rules::Wide => {
                bench.allow("/usr/bin/mysqldump");
            }
            Rules::Narrow => ["backup.cnf", "short.cnf", "port.cnf"]
                .iter()
                .for_each(|name| bench.allow_arguments(name)),
        }
        bench.genuine("backup.cnf").succeeds();
        bench
    }

    /// A bench where nobody may anything yet.
    #[track_caller]
    pub fn without_rules(rules: Rules) -> Self {
        Self::with_data(rules, |_, _| ())
    }

    /// The same, with a data directory that only the server may read, whatever the modes say: they let
    /// the user's group in.
    #[track_caller]
    pub fn with_encrypted_data(rules: Rules) -> Self {
        Self::with_data(rules, |instance, data| {
            let (_, group) = user("mysql");
            std::os::unix::fs::chown(data, None, Some(group)).unwrap();
            run(Command::new("/usr/bin/chmod").args(["-R", "g+rX"]).arg(data)).succeeds();
            instance.encrypt("@mysql", data);
            instance.allow("@mysql", &program("mariadbd"));
        })
    }

    fn with_data(rules: Rules, prepare: impl FnOnce(&Instance, &Path)) -> Self {
        let instance = Instance::started();
        let work = instance.work();
        let data = work.join("mysql");
        template::copy(&data);
        prepare(&instance, &data);
        let place = Place::new(program("mariadbd"), data, work.clone());
        let mut command = place.command(["--no-defaults"], [""; 0]);
        let server = place.attempt(command.env("UMASK", "0640").env("UMASK_DIR", "0750")).up();
        server.sql(&format!(
            "{OBJECTS}; CREATE USER backup@localhost IDENTIFIED BY '{PASSWORD}';
             GRANT ALL ON *.* TO backup@localhost"
        ));
        let account = Account::new(&work.join("home"), &["mysql"]);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let bench = Self { rules, server, account, port, instance };
        bench.encrypt_places();
        bench
    }

    /// The recommended option file, and others that leave a door open for the tests.
    fn encrypt_places(&self) {
        let dumps = self.dumps();
        fs::create_dir(&dumps).unwrap();
        self.account.own(&dumps);
        self.instance.encrypt(CATEGORY, &dumps);
        let login = format!("[client]\nuser=backup\npassword={PASSWORD}\n");
        let socket = format!("socket={}\n", self.socket().display());
        let complete = "[mysqldump]\nroutines\nevents\nsingle-transaction\n";
        let result = format!("{complete}result-file={}\n", self.dump().display());
        let tcp = "host=127.0.0.1\nprotocol=tcp\n";
        self.encrypt_options("backup.cnf", &format!("{login}{socket}{result}protocol=socket\n"));
        self.encrypt_options("short.cnf", &format!("{login}{result}"));
        self.encrypt_options("port.cnf", &format!("{login}{tcp}{result}"));
        self.encrypt_options("script.cnf", &format!("{login}{socket}{complete}"));
    }

    /// Encrypts an option file, which everybody may read as far as modes go.
    pub fn encrypt_options(&self, name: &str, text: &str) {
        let etc = self.instance.work().join("etc");
        fs::create_dir_all(&etc).unwrap();
        let file = etc.join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        self.instance.encrypt(CATEGORY, &file);
    }

    /// Adds a rule for the whole category.
    #[track_caller]
    pub fn allow(&self, process: &str) -> Outcome {
        self.instance.access(["-a", &format!("ALLOW {CATEGORY} * {process}")]).succeeds()
    }

    /// Adds the narrow rule for this user, this option file and all databases.
    #[track_caller]
    pub fn allow_arguments(&self, options: &str) {
        let (name, arguments) = (&self.account.name, self.arguments(options).join(" "));
        self.allow(&format!("/usr/bin/mysqldump --user={name} --args='{arguments}'"));
    }

    /// The path of an option file that nobody can replace: below the mount.
    pub fn option_file(&self, name: &str) -> PathBuf {
        let below = self.instance.work().join("etc").join(name);
        self.below_mount(&below)
    }

    /// Where an original path of the category is below the mount.
    pub fn below_mount(&self, original: &Path) -> PathBuf {
        let below = original.strip_prefix("/").unwrap();
        self.instance.mount().join(&CATEGORY[1..]).join(below)
    }

    /// The server's data directory.
    pub fn data(&self) -> PathBuf {
        self.instance.work().join("mysql")
    }

    /// The directory of the dumps.
    pub fn dumps(&self) -> PathBuf {
        self.instance.work().join("mysqlbackup")
    }

    /// The dump.
    pub fn dump(&self) -> PathBuf {
        self.dumps().join("all.sql")
    }

    /// The real server's socket.
    pub fn socket(&self) -> PathBuf {
        self.instance.work().join("run/s")
    }

    /// A path in the user's home directory.
    pub fn home(&self, name: &str) -> PathBuf {
        self.account.home.join(name)
    }

    /// Writes a file of the user's in the home directory.
    pub fn write_home(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        self.account.own(&path);
        path
    }

    /// The user runs mysqldump, with a pipe for its standard output, which it can open by name.
    #[track_caller]
    pub fn mysqldump<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome {
        let mut shell = self.account.command("/bin/bash");
        shell.args(["-o", "pipefail", "-c", "\"$@\" | cat", "bash"]).arg(program("mysqldump"));
        run(shell.args(arguments))
    }

    /// The user's mysqldump, without arguments yet.
    pub fn command(&self) -> Command {
        self.account.command(program("mysqldump"))
    }

    /// The arguments that the rules are about.
    pub fn arguments(&self, options: &str) -> [String; 2] {
        let file = self.option_file(options);
        [format!("--defaults-file={}", file.display()), "--all-databases".into()]
    }

    /// The run that the rules are about.
    #[track_caller]
    pub fn genuine(&self, options: &str) -> Outcome {
        self.mysqldump(self.arguments(options))
    }
}
