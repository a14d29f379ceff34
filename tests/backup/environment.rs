//! The right arguments, and environment variables that change what they mean.

use crate::attack::{Attacks, all_work, none_works};
use crate::bench::{Bench, Rules};
use crate::fake::{Fake, stealing_plugin};
use crate::support::process::{Outcome, run};
use std::ffi::OsStr;

/// The run that a rule is about, with a variable.
fn with(bench: &Bench, options: &str, name: &str, value: impl AsRef<OsStr>) -> Outcome {
    run(bench.command().args(bench.arguments(options)).env(name, value))
}

// Each of them needs an option file that leaves the thing open: `short.cnf` names no socket, and
// `port.cnf` no port. So it is the rule that closes the door and not the file.
const VARIABLES: &Attacks = &[
    ("MYSQL_UNIX_PORT", |bench| {
        let fake = Fake::on_a_socket(bench);
        with(bench, "short.cnf", "MYSQL_UNIX_PORT", &fake.socket)
    }),
    ("MYSQL_TCP_PORT", |bench| {
        let _fake = Fake::on_the_port(bench);
        with(bench, "port.cnf", "MYSQL_TCP_PORT", bench.port.to_string())
    }),
    ("LIBMYSQL_PLUGINS", |bench| {
        stealing_plugin(bench, "stealing");
        let mut command = bench.command();
        command.args(bench.arguments("backup.cnf")).env("LIBMYSQL_PLUGINS", "stealing");
        run(command.env("MARIADB_PLUGIN_DIR", &bench.account.home))
    }),
];

#[test]
fn under_a_wide_rule_variables_give_the_password_away() {
    all_work(&Bench::new(Rules::Wide), VARIABLES);
}

#[test]
fn under_a_narrow_rule_no_variable_gives_the_password_away() {
    none_works(&Bench::new(Rules::Narrow), VARIABLES);
}

/// Of MySQL's programs and MariaDB's, and of the libraries below them.
#[test]
fn under_a_narrow_rule_a_variable_that_could_change_the_run_ends_it() {
    let bench = Bench::new(Rules::Narrow);
    let mut passed = Vec::new();
    for name in [
        "MYSQL_UNIX_PORT",
        "MARIADB_UNIX_PORT",
        "MYSQL_TCP_PORT",
        "MYSQL_HOST",
        "MYSQL_PWD",
        "MYSQL_HOME",
        "MARIADB_HOME",
        "MYSQL_GROUP_SUFFIX",
        "MARIADB_GROUP_SUFFIX",
        "MYSQL_TEST_LOGIN_FILE",
        "MYSQL_DEBUG",
        "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN",
        "LIBMYSQL_PLUGIN_DIR",
        "LIBMYSQL_PLUGINS",
        "MARIADB_PLUGIN_DIR",
        "MARIADB_TLS_DISABLE_PEER_VERIFICATION",
        "OPENSSL_CONF",
        "SSL_CERT_FILE",
        "GCONV_PATH",
        "LOCPATH",
        "LD_BIND_NOW",
        "ANYTHING_UNKNOWN",
    ] {
        let outcome = with(&bench, "backup.cnf", name, "");
        if outcome.code == Some(0) {
            passed.push(name);
        }
    }
    assert!(passed.is_empty(), "not refused: {passed:?}");
    let foreign_path = format!("{}:/usr/bin:/bin", bench.account.home.display());
    assert_ne!(with(&bench, "backup.cnf", "PATH", foreign_path).code, Some(0));
    assert_ne!(with(&bench, "backup.cnf", "TZ", "/home/somebody/zone").code, Some(0));
}

#[test]
fn under_a_narrow_rule_the_variables_of_an_ordinary_session_are_no_objection() {
    let bench = Bench::new(Rules::Narrow);
    let mut command = bench.command();
    command.args(bench.arguments("backup.cnf"));
    for (name, value) in [
        ("TERM", "xterm-256color"),
        ("LC_ALL", "C.UTF-8"),
        ("LC_TIME", "de_DE.UTF-8"),
        ("TZ", "Europe/Vienna"),
        ("MAIL", "/var/mail/backup"),
        ("MAILTO", "root"),
        ("SHLVL", "1"),
        ("PWD", "/"),
        ("OLDPWD", "/tmp"),
        ("SUDO_USER", "root"),
        ("SUDO_COMMAND", "/usr/bin/mysqldump"),
        ("SSH_CONNECTION", "127.0.0.1 1 127.0.0.1 22"),
        ("XDG_RUNTIME_DIR", "/run/user/1000"),
        ("INVOCATION_ID", "0123"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ] {
        command.env(name, value);
    }
    run(&mut command).succeeds();
}
