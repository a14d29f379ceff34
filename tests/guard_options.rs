//! Our reading of a server's options against the real server's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "options/files.rs"]
mod files;
#[path = "options/spellings.rs"]
mod spellings;
mod support;

use ezncrypt::guard::server::{Flavour, Server};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

const SERVER: &str = "/usr/sbin/mariadbd";

static REAL: LazyLock<Server> = LazyLock::new(|| {
    let output = ask(&["--no-defaults".into(), "--verbose".into(), "--help".into()]);
    Server::from_help(&output.stdout).unwrap()
});

/// Runs the real server in an environment with nothing but `variables`.
fn run(args: &[OsString], variables: &[(&str, &Path)]) -> Output {
    let _ = support::machine::program("mariadbd");
    Command::new(SERVER)
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir("/")
        .output()
        .unwrap()
}

fn ask(args: &[OsString]) -> Output {
    run(args, &[])
}

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

#[test]
fn the_real_servers_help_is_read_in_full() {
    assert_eq!(REAL.flavour, Flavour::MariaDb);
    assert!(REAL.version.starts_with("10.") || REAL.version.starts_with("11."), "{}", REAL.version);
    assert!(REAL.options.len() > 600 && REAL.letters.len() > 12, "{:?}", REAL.letters);
    assert_eq!(REAL.letters[&b'b'], "basedir");
    assert!(
        REAL.options.contains_key("skip_grant_tables")
            && REAL.groups.contains(&"mysqld".to_owned())
    );
    assert_eq!(REAL.files.last().unwrap(), Path::new("~/.my.cnf"));
    assert!(REAL.plugin_dir.is_dir() && REAL.basedir.is_dir());
    let text = REAL.to_text();
    assert!(text.len() < 27 << 10, "{}", text.len());
    assert_eq!(Server::from_text(&text).as_ref(), Ok(&*REAL));
}
