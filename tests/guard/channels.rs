//! Every way in which somebody may tell a server to run without authentication.

use crate::support::server::Place;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// Spellings that turn authentication off, all tried on MariaDB 10.11.
pub const SPELLINGS: [&str; 22] = [
    "skip-grant-tables",
    "skip_grant_tables",
    "skip-grant_tables",
    "skip-grant",
    "skip-gr",
    "SKIP-GRANT-TABLES",
    "Skip_Grant",
    "skip-grant-tables=1",
    "skip-grant-tables=on",
    "skip-grant-tables=TRUE",
    "skip-gr=1",
    "loose-skip-grant-tables",
    "loose_skip_grant_tables",
    "enable-skip-grant-tables",
    "enable_skip_grant_tables",
    "loose-enable-skip-grant-tables",
    "enable-skip-gr",
    "enable-skip-grant-tables=1",
    "disable-skip-grant-tables=0",
    "skip-skip-grant-tables=0",
    "loose-disable-skip-grant-tables=0",
    "LOOSE-ENABLE-SKIP-GR",
];

/// Spellings that leave authentication on, or that no server takes.
pub const HARMLESS: [&str; 4] = [
    "skip-grant-tables=0",
    "skip-grant-tables=off",
    "disable-skip-grant-tables",
    "maximum-skip-grant-tables=1",
];

/// Other options that must hold whatever becomes of the one above, and what they set.
pub const OTHERS: [&str; 3] =
    ["max-connections=77", "sort_buffer_size=1572864", "wait-timeout=4321"];

/// What the server tells when all of [`OTHERS`] hold.
pub const IN_FORCE: &str = "77\t1572864\t4321";

/// Asks for it.
pub const ARE_IN_FORCE: &str =
    "SELECT @@GLOBAL.max_connections, @@GLOBAL.sort_buffer_size, @@GLOBAL.wait_timeout";

/// Makes the command that starts a server on the place with the options.
pub type Start = Box<dyn Fn(&Place, &[&str]) -> Command>;

/// A way that options can take into a server.
pub struct Channel {
    /// What a failing test says.
    pub name: String,
    /// The command that starts a server on the place with the options.
    pub command: Start,
}

fn channel(name: &str, command: impl Fn(&Place, &[&str]) -> Command + 'static) -> Channel {
    Channel { name: name.to_owned(), command: Box::new(command) }
}

/// All of them.
pub fn all() -> Vec<Channel> {
    let mut all = vec![
        channel("command line", |place, options| {
            place.command(["--no-defaults"], options.iter().map(|option| format!("--{option}")))
        }),
        channel("command line before --", |place, options| {
            let options = options.iter().map(|option| format!("--{option}"));
            place.command(["--no-defaults"], options.chain(["--".to_owned()]))
        }),
        channel("MYSQLD_OPTS of a unit", unit),
    ];
    for group in ["mysqld", "server", "mariadb", "mariadbd", "mysqld-10.11", "mariadb-10.11"] {
        all.push(channel(&format!("[{group}]"), move |place, options| {
            started_by(place, &place.file("options/my.cnf", &section(group, options)))
        }));
    }
    all.extend(suffixes());
    all.extend(files());
    all.extend(homes());
    all
}

fn suffixes() -> Vec<Channel> {
    let file = |place: &Place, options: &[&str]| {
        let text =
            section("mysqld.night", options) + &section("mariadbd-day", &["max-connections=5"]);
        place.file("options/suffixed.cnf", &text)
    };
    let mut channels = vec![channel("--defaults-group-suffix", move |place, options| {
        let file = format!("--defaults-file={}", file(place, options).display());
        place.command([file.as_str(), "--defaults-group-suffix=.night"], [""; 0])
    })];
    for name in ["MYSQL_GROUP_SUFFIX", "MARIADB_GROUP_SUFFIX"] {
        channels.push(channel(name, move |place, options| {
            let mut command = started_by(place, &file(place, options));
            command.env(name, ".night");
            command
        }));
    }
    channels
}

fn files() -> Vec<Channel> {
    vec![
        channel("!include", |place, options| {
            let included = place.file("options/included", &section("mysqld", options));
            let text = format!("[client]\nuser=x\n!include {}\n", included.display());
            started_by(place, &place.file("options/including.cnf", &text))
        }),
        channel("!includedir", |place, options| {
            place.file("options/d/b.cnf", &section("mariadb", options));
            place.file("options/d/not-read", &section("mariadb", &["max-connections=9"]));
            let text = format!("!includedir {}\n", place.directory("options/d").display());
            started_by(place, &place.file("options/including-all.cnf", &text))
        }),
        channel("--defaults-extra-file", |place, options| {
            let file = place.file("options/extra.cnf", &section("server", options));
            place.command([format!("--defaults-extra-file={}", file.display())], [""; 0])
        }),
        channel("comments, quotes and spaces", |place, options| {
            let lines: Vec<String> = options
                .iter()
                .map(|option| match option.split_once('=') {
                    Some((name, value)) => format!("  {name}\t=  \"{value}\"   # comment\n"),
                    None => format!("\t {option}   # comment\n"),
                })
                .collect();
            let text = format!("; comment\n\n [mysqld]  \n# comment\n{}", lines.concat());
            started_by(place, &place.file("options/odd.cnf", &text))
        }),
    ]
}

fn homes() -> Vec<Channel> {
    [
        ("MYSQL_HOME", "my.cnf"),
        ("MARIADB_HOME", "my.cnf"),
        // As `~/.my.cnf`.
        ("HOME", ".my.cnf"),
    ]
    .into_iter()
    .map(|(variable, name)| {
        channel(variable, move |place, options| {
            let home = place.directory(&format!("options/{variable}"));
            place.file(&format!("options/{variable}/{name}"), &section("mysqld", options));
            let mut command = place.command([""; 0], [""; 0]);
            command.env(variable, home);
            command
        })
    })
    .collect()
}

/// As systemd's unit does: a variable that is split into words.
fn unit(place: &Place, options: &[&str]) -> Command {
    let words: Vec<String> = options.iter().map(|option| format!("--{option}")).collect();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec \"$0\" \"$@\" $MYSQLD_OPTS"]).arg(&place.program);
    command.arg("--no-defaults").args(place.arguments());
    command.env("MYSQLD_OPTS", words.join(" ")).current_dir("/");
    command
}

/// The server with this option file and no other.
pub fn started_by(place: &Place, file: &Path) -> Command {
    let mut leading = OsString::from("--defaults-file=");
    leading.push(file);
    place.command([leading], [""; 0])
}

/// A group of an option file.
pub fn section(group: &str, options: &[&str]) -> String {
    format!("[{group}]\n{}\n", options.join("\n"))
}
