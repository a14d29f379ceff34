//! However a server is told to run without authentication, behind the guard it runs with it, and
//! with everything else that it was told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "guard/channels.rs"]
mod channels;
mod support;

use channels::{ARE_IN_FORCE, Channel, HARMLESS, IN_FORCE, OTHERS, SPELLINGS, section, started_by};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::guarded::{Bare, Guarded};
use support::machine::{program, user};
use support::process::{Killed, run};
use support::server::{Attempt, Place, Server};
use support::template::PASSWORD;

/// The option first, last, and in its middle: its place must not matter.
fn with_others(spelling: &'static str, position: usize) -> Vec<&'static str> {
    let mut options = OTHERS.to_vec();
    options.insert(position % (OTHERS.len() + 1), spelling);
    options
}

#[track_caller]
fn assert_closed_with_the_others(server: &Server, when: &str) {
    server.assert_closed(when);
    let wrong = server.sql_as("root", "guess", "SELECT 1");
    assert_ne!(wrong.code, Some(0), "{when}: any password will do");
    let right = server.sql_as("root", PASSWORD, ARE_IN_FORCE);
    assert_eq!(right.stdout.trim(), IN_FORCE, "{when}: {right}");
}

/// What is tried: each spelling on the command line, and a few through each other channel.
fn table() -> Vec<(Channel, &'static str)> {
    let mut table = Vec::new();
    for spelling in SPELLINGS {
        table.push((channels::all().swap_remove(0), spelling));
    }
    for (index, channel) in channels::all().into_iter().enumerate() {
        // All channels know all spellings: a walk through both shows it as well as their product.
        table.push((channel, SPELLINGS[index % SPELLINGS.len()]));
    }
    table
}

#[test]
fn on_the_bare_server_every_spelling_and_channel_turns_authentication_off() {
    let bare = Bare::new();
    for (index, (channel, spelling)) in table().into_iter().enumerate() {
        let when = format!("{spelling} by {}", channel.name);
        let options = with_others(spelling, index);
        let server = bare.place.attempt(&mut (channel.command)(&bare.place, &options)).up();
        let open = server.sql_as("nobody_such", "", ARE_IN_FORCE);
        assert_eq!(open.stdout.trim(), IN_FORCE, "{when} is no attack: a blind test: {open}");
    }
}

#[test]
fn behind_the_guard_no_spelling_on_the_command_line_turns_authentication_off() {
    let guarded = Guarded::new();
    let table = table();
    for (index, (channel, spelling)) in table.iter().take(SPELLINGS.len()).enumerate() {
        assert_harmless(&guarded.place, channel, spelling, index);
    }
    for spelling in HARMLESS {
        assert_harmless(&guarded.place, &table[0].0, spelling, 0);
    }
}

#[test]
fn behind_the_guard_no_channel_turns_authentication_off() {
    let guarded = Guarded::new();
    for (index, (channel, spelling)) in table().iter().enumerate().skip(SPELLINGS.len()) {
        assert_harmless(&guarded.place, channel, spelling, index);
    }
}

#[track_caller]
fn assert_harmless(place: &Place, channel: &Channel, spelling: &'static str, position: usize) {
    let when = format!("{spelling} by {}", channel.name);
    let options = with_others(spelling, position);
    match place.attempt(&mut (channel.command)(place, &options)) {
        Attempt::Up(server) => assert_closed_with_the_others(&server, &when),
        Attempt::Ended(outcome, log) => panic!("{when}: no server: {outcome}\n{log}"),
    }
}

/// A word behind `--` is no option, and a word that is a value is none either.
#[test]
fn words_that_only_look_like_the_option_are_passed_on() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    for more in [
        &["--init-connect", "SET @a = '--skip-grant-tables'"][..],
        &["--server-id=7", "--report-host", "--skip-grant-tables"],
        &["--report-host=--skip-grant-tables"],
    ] {
        let server = place.attempt(&mut place.command(["--no-defaults"], more)).up();
        server.assert_closed("a value");
        let seen = server.sql("SELECT @@report_host, @@init_connect");
        assert!(seen.contains("--skip-grant-tables"), "{more:?} became {seen:?}");
    }
    // Too short: no server takes it for the option.
    let server = place.attempt(&mut place.command(["--no-defaults"], ["--skip-g"])).up();
    server.assert_closed("--skip-g");
}

/// Files whose content may be another at the next look.
fn unsteady_files(place: &Place) -> Vec<(&'static str, PathBuf, Option<Killed>)> {
    let text = place.file("options/steady.cnf", &section("mysqld", &with_others(SPELLINGS[0], 0)));
    let fifo = place.directory("options").join("fifo");
    if !fifo.exists() {
        run(Command::new(program("mkfifo")).arg(&fifo)).succeeds();
    }
    let mut shell = Command::new("/bin/sh");
    let script = format!("cat '{}' >'{}'", text.display(), fifo.display());
    let writer = Killed(shell.arg("-c").arg(script).stdin(Stdio::null()).spawn().unwrap());
    vec![
        ("a FIFO", fifo, Some(writer)),
        ("/proc/self/fd", "/proc/self/fd/0".into(), None),
        ("/dev/stdin", "/dev/stdin".into(), None),
        ("/dev/fd", "/dev/fd/0".into(), None),
    ]
}

fn attempt_by_unsteady(place: &Place, file: &Path) -> Attempt {
    let text = fs::File::open(place.directory("options").join("steady.cnf")).unwrap();
    place.attempt_with(&mut started_by(place, file), text)
}

#[test]
fn option_files_whose_content_may_change_are_refused() {
    let bare = Bare::new();
    for (name, file, _writer) in unsteady_files(&bare.place) {
        let server = attempt_by_unsteady(&bare.place, &file).up();
        let open = server.sql_as("nobody_such", "", ARE_IN_FORCE);
        assert_eq!(open.stdout.trim(), IN_FORCE, "{name} is no attack: a blind test: {open}");
    }
    let guarded = Guarded::new();
    for (_, file, _writer) in unsteady_files(&guarded.place) {
        attempt_by_unsteady(&guarded.place, &file).refused(file.to_str().unwrap());
    }
    // Read by the home variables or an inclusion, it is no better.
    let place = &guarded.place;
    let including = place.file("options/i.cnf", "!include /proc/self/fd/0\n[mysqld]\n");
    attempt_by_unsteady(place, &including).refused("/proc/self/fd/0");
}

#[test]
fn an_option_file_that_others_can_change_is_refused() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let text = section("mysqld", &OTHERS);
    let good = place.file("options/good.cnf", &text);
    let (uid, _) = user("mysql");
    let refuse = |path: &Path| {
        place.attempt(&mut started_by(place, path)).refused(path.to_str().unwrap());
    };

    let foreign = place.file("options/foreign.cnf", &text);
    chown(&foreign, Some(uid), None).unwrap();
    let writable = place.file("options/writable.cnf", &text);
    fs::set_permissions(&writable, fs::Permissions::from_mode(0o664)).unwrap();
    let loose = place.open_directory("loose");
    let within = place.file("loose/my.cnf", &text);
    let (to_foreign, to_good) =
        (place.directory("links").join("f"), place.directory("links").join("g"));
    symlink(&foreign, &to_foreign).unwrap();
    symlink(&good, &to_good).unwrap();
    let exchangeable = loose.join("link.cnf");
    symlink(&good, &exchangeable).unwrap();

    for path in [&foreign, &writable, &within, &exchangeable] {
        refuse(path);
    }
    let outcome = place.attempt(&mut started_by(place, &to_foreign)).refused("foreign.cnf");
    assert!(outcome.stderr.contains("belongs to user"), "{outcome}");
    let including = format!("!include {}\n", writable.display());
    place
        .attempt(&mut started_by(place, &place.file("options/inc.cnf", &including)))
        .refused("writable.cnf");
    for path in [&good, &to_good] {
        let server = place.attempt(&mut started_by(place, path)).up();
        assert_closed_with_the_others(&server, path.to_str().unwrap());
    }
}
