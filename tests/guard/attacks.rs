//! What has the effect of a server without authentication, though the server keeps it on.

use crate::evidence::{Evidence, spy};
use crate::support::machine::program;
use crate::support::server::{Attempt, Place};
use crate::support::template;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One of them.
pub struct Attack {
    /// What a failing test says.
    pub name: &'static str,
    /// What the refusal must name.
    pub reason: &'static str,
    /// Options without the two hyphens. A word that begins with a hyphen or a slash is for a command
    /// line only, as it is.
    pub options: fn(&Place) -> Vec<String>,
    /// Statements on standard input.
    pub input: &'static str,
    /// How it is seen.
    pub evidence: Evidence,
}

const INTRUDER: &str = "CREATE USER intruder@localhost IDENTIFIED BY 'x';\n\
    GRANT ALL ON *.* TO intruder@localhost;\n";

/// In a bootstrap there are no grants yet: the row itself.
const INTRUDER_ROW: &str = "INSERT INTO mysql.global_priv VALUES ('localhost', 'intruder', \
    JSON_OBJECT('access', 1, 'plugin', 'mysql_native_password', \
    'authentication_string', PASSWORD('x')));\n";

const fn attack(
    name: &'static str,
    reason: &'static str,
    evidence: Evidence,
    options: fn(&Place) -> Vec<String>,
) -> Attack {
    Attack { name, reason, options, input: "", evidence }
}

/// All of them.
pub fn all() -> Vec<Attack> {
    let mut all = statements();
    all.extend(libraries());
    all.extend(foreign_state());
    all
}

fn statements() -> Vec<Attack> {
    use Evidence::{Intruder, RefusalOnly};
    vec![
        attack("init-file", "init_file", Intruder, |place| vec![of_file("init-file", place)]),
        attack("abbreviated init-file", "init_file", Intruder, |place| {
            vec![of_file("init-fi", place)]
        }),
        attack("loose init-file", "init_file", Intruder, |place| {
            vec![of_file("loose_init_file", place)]
        }),
        attack("init-file as two words", "init_file", Intruder, |place| {
            vec!["--init-file".into(), init_file(place)]
        }),
        Attack {
            input: INTRUDER_ROW,
            ..attack("bootstrap", "bootstrap", Intruder, |_| vec!["bootstrap".into()])
        },
        Attack {
            input: INTRUDER_ROW,
            ..attack("abbreviated bootstrap", "bootstrap", Intruder, |_| vec!["boots".into()])
        },
        attack("init-slave", "init_slave", RefusalOnly, |_| {
            vec!["init-slave=GRANT ALL ON *.* TO x@localhost".into()]
        }),
        attack("abbreviated init-slave", "init_slave", RefusalOnly, |_| {
            vec!["init-sl=GRANT ALL ON *.* TO x@localhost".into()]
        }),
        attack("init-connect", "init_connect", RefusalOnly, |_| {
            vec!["init-connect=GRANT ALL ON *.* TO x@localhost".into()]
        }),
    ]
}

fn libraries() -> Vec<Attack> {
    use Evidence::{Marker, Port};
    vec![
        attack("plugin-load-add", "plugin", Marker, |place| {
            vec![plugin_dir("plugin-dir", place), "plugin-load-add=spy.so".into()]
        }),
        attack("plugin-load", "plugin", Marker, |place| {
            vec![plugin_dir("plugin_dir", place), "plugin_load=x=spy.so".into()]
        }),
        attack("abbreviated plugin-load-add", "plugin", Marker, |place| {
            vec![plugin_dir("loose-plugin-di", place), "loose-plugin-load-a=spy".into()]
        }),
        attack("plugin-load-add under --help", "plugin", Marker, |place| {
            let load = vec![plugin_dir("plugin-dir", place), "plugin-load-add=spy.so".into()];
            load.into_iter().chain(["--verbose".into(), "--help".into()]).collect()
        }),
        attack("plugin-load-add before a --", "plugin", Marker, |place| {
            vec![plugin_dir("plugin-dir", place), "--plugin-load-add=spy.so".into(), "--".into()]
        }),
        attack("basedir", "basedir", Marker, |place| {
            spy(place);
            vec![base_dir("basedir", place), "plugin-load-add=spy.so".into(), messages()]
        }),
        attack("short basedir", "basedir", Marker, |place| {
            let base = spy(place).ancestors().nth(4).unwrap().to_owned();
            vec![
                "-b".into(),
                base.display().to_string(),
                "plugin-load-add=spy.so".into(),
                messages(),
            ]
        }),
        attack("wsrep-provider", "wsrep_provider", Marker, |place| {
            let provider = format!("wsrep-provider={}", spy(place).display());
            let more = ["wsrep-on=ON", "wsrep-cluster-address=gcomm://", "binlog-format=ROW"];
            more.iter().map(|&option| option.to_owned()).chain([provider]).collect()
        }),
        attack("handlersocket", "handlersocket", Port, |_| {
            let (reading, writing) = (free_port(), free_port());
            vec![
                "plugin-load-add=handlersocket.so".into(),
                "plugin-maturity=alpha".into(),
                "loose-handlersocket-address=127.0.0.1".into(),
                "loose-handlersocket-plain-secret=OfTheAttacker".into(),
                format!("loose-handlersocket-port={reading}"),
                format!("loose-handlersocket-port-wr={writing}"),
            ]
        }),
    ]
}

fn foreign_state() -> Vec<Attack> {
    use Evidence::{RefusalOnly, Row};
    vec![
        attack("a foreign datadir", "datadir", Row("secrets"), |place| {
            vec![format!("datadir={}", foreign(place).display())]
        }),
        attack("a foreign datadir by a letter", "datadir", Row("secrets"), |place| {
            vec![format!("-h{}", foreign(place).display())]
        }),
        attack("a foreign datadir, abbreviated", "datadir", Row("secrets"), |place| {
            vec![format!("loose_datad={}", foreign(place).display())]
        }),
        attack("a foreign datadir on the real InnoDB files", "datadir", Row("people"), |place| {
            let real = place.data.display();
            vec![
                format!("datadir={}", foreign(place).display()),
                format!("innodb-data-home-dir={real}"),
                format!("innodb-log-group-home-dir={real}"),
                format!("innodb-undo-directory={real}"),
            ]
        }),
        attack("a foreign redo log", "innodb_log_group_home_dir", RefusalOnly, |place| {
            vec![format!("innodb-log-group={}", place.open_directory("redo").display())]
        }),
        attack("foreign system tables", "innodb_data_home_dir", RefusalOnly, |place| {
            vec![format!("innodb-data-h={}", place.open_directory("ibdata").display())]
        }),
        attack("InnoDB's files by absolute paths", "innodb_data_file_path", RefusalOnly, |place| {
            let file = place.open_directory("ibdata").join("ibdata1");
            let path = format!("innodb-data-file-path={}:12M:autoextend", file.display());
            vec!["innodb-data-home-dir=".into(), path]
        }),
        attack("foreign undo logs", "innodb_undo_directory", RefusalOnly, |place| {
            vec![format!("innodb_undo_directory={}", place.open_directory("undo").display())]
        }),
        attack("a foreign Aria log", "aria_log_dir_path", RefusalOnly, |place| {
            vec![format!("aria-log-dir-path={}", place.open_directory("aria").display())]
        }),
        attack("a foreign master", "master_info_file", RefusalOnly, |place| {
            let file = place.open_directory("master").join("master.info");
            vec![format!("master-info-file={}", file.display())]
        }),
        attack("a foreign state of replication", "relay_log_info_file", RefusalOnly, |place| {
            let file = place.open_directory("master").join("relay-log.info");
            vec![format!("relay-log-info-file={}", file.display())]
        }),
        attack("a cluster of the attacker's", "wsrep", RefusalOnly, |_| {
            ["wsrep-on=1", "wsrep-provider=/usr/lib/galera/libgalera_smm.so", "binlog-format=ROW"]
                .iter()
                .map(|&option| option.to_owned())
                .chain(["wsrep-cluster-address=gcomm://127.0.0.1:9".to_owned()])
                .collect()
        }),
        attack("accounts by replication", "replicate_rewrite_db", RefusalOnly, |_| {
            vec!["replicate-rewrite-db=theirs->mysql".into()]
        }),
        attack("messages that others can write", "lc_messages_dir", RefusalOnly, |place| {
            vec![format!("lc-messages-dir={}", place.open_directory("messages").display())]
        }),
        attack("a foreign relay log", "relay_log", RefusalOnly, |place| {
            vec![format!("relay-log={}", place.open_directory("relay").join("log").display())]
        }),
        attack("a log that becomes master.info", "general_log_file", RefusalOnly, |place| {
            vec![format!("general-log-file={}", place.data.join("master.info").display())]
        }),
        attack("a log that becomes triggers", "log_error", RefusalOnly, |_| {
            vec!["log-error=shop/people.TRG".into()]
        }),
        attack("a log that is read as master.info", "master_info_file", RefusalOnly, |_| {
            vec!["master-info-file=vm.log".into()]
        }),
        attack("a pid file over a table", "pid_file", RefusalOnly, |place| {
            vec![format!("pid-file={}", place.data.join("shop/people.ibd").display())]
        }),
        attack("a socket over a table", "socket", RefusalOnly, |_| {
            vec!["socket=shop/people.ibd".into()]
        }),
        attack(
            "a temporary tablespace over a table",
            "innodb_temp_data_file_path",
            RefusalOnly,
            |_| vec!["innodb-temp-data-file-path=shop/people.ibd:12M".into()],
        ),
        attack("chroot", "chroot", RefusalOnly, |place| {
            vec![format!("chroot={}", place.directory("root").display())]
        }),
        attack("chroot by a letter", "chroot", RefusalOnly, |place| {
            vec![format!("-r{}", place.directory("root").display())]
        }),
    ]
}

fn is_verbatim(word: &str) -> bool {
    word.starts_with(['-', '/'])
}

fn init_file(place: &Place) -> String {
    place.file("attack/init.sql", INTRUDER).display().to_string()
}

fn of_file(option: &str, place: &Place) -> String {
    format!("{option}={}", init_file(place))
}

fn plugin_dir(option: &str, place: &Place) -> String {
    format!("{option}={}", spy(place).parent().unwrap().display())
}

fn base_dir(option: &str, place: &Place) -> String {
    format!("{option}={}", spy(place).ancestors().nth(4).unwrap().display())
}

/// With another basedir the server would not find its messages, and say so.
fn messages() -> String {
    "lc-messages-dir=/usr/share/mysql".into()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Somebody's own data directory, with the schema of the real one in it.
fn foreign(place: &Place) -> PathBuf {
    let data = place.directory("attack").join("foreign");
    if !data.exists() {
        template::copy_without_rows(&data);
        symlink(place.data.join("shop"), data.join("shop")).unwrap();
    }
    data
}

impl Attack {
    /// The command that carries it out by the command line.
    pub fn by_command_line(&self, place: &Place) -> Command {
        let words = (self.options)(place).into_iter();
        let words = words.map(|word| if is_verbatim(&word) { word } else { format!("--{word}") });
        place.command(["--no-defaults"], words)
    }

    /// The command that carries it out by an option file; none if a file cannot say it.
    pub fn by_option_file(&self, place: &Place) -> Option<Command> {
        let options = (self.options)(place);
        if options.iter().any(|word| is_verbatim(word)) {
            return None;
        }
        let lines: Vec<String> = place.options().into_iter().chain(options).collect();
        let file = place.file("attack/my.cnf", &format!("[server]\n{}\n", lines.join("\n")));
        let mut command = Command::new(&place.program);
        command.arg(format!("--defaults-file={}", file.display())).current_dir("/");
        Some(command)
    }

    /// Runs one of these commands.
    #[track_caller]
    pub fn attempt(&self, place: &Place, command: &mut Command) -> Attempt {
        let input = place.file("attack/input.sql", self.input);
        place.attempt_with(command, fs::File::open(input).unwrap())
    }
}

/// The command that starts the place's server by `mysqld_safe`, which takes these arguments.
pub fn by_mysqld_safe(place: &Place, arguments: &[String]) -> Command {
    let (directory, name) = (place.program.parent().unwrap(), place.program.file_name().unwrap());
    let mut command = Command::new(program("mysqld_safe"));
    command.arg("--no-defaults").args(arguments).args(place.arguments()).current_dir("/");
    command.arg(format!("--ledir={}", directory.display()));
    command.arg(format!("--mysqld={}", Path::new(name).display()));
    command
}
