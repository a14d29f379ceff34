//! The scripts that start servers, and workflow 2 as users type it: with a guard they go on as they
//! did without one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use rustix::process::Signal;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;
use support::guarded::{Bare, Guarded};
use support::instance::BINARY;
use support::machine::{program, user};
use support::process::{self, Outcome, run};
use support::server::{Place, Server, sql};
use support::template::{PASSWORD, SECRET};

const GUARD: &str = "mysqld-guard";
const SOON: Duration = Duration::from_secs(30);

fn guarded() -> Guarded {
    Guarded::installed(&["--name", GUARD], GUARD)
}

/// The two lines of workflow 2, where the programs are, and the options of the server in `group`.
fn option_file(place: &Place, group: &str) -> String {
    let (directory, name) = (place.program.parent().unwrap(), place.program.file_name().unwrap());
    format!(
        "[mysqld_safe]\nmysqld = {}\nledir = {}\nskip-syslog\n\
         [mysqld_multi]\nmysqld = /usr/bin/mysqld_safe\nmysqladmin = /usr/bin/mysqladmin\n\
         user = root\npassword = {PASSWORD}\nlog = {}\n\
         [{group}]\nskip-grant-tables\n{}\n",
        name.display(),
        directory.display(),
        place.open_directory("multi").join("log").display(),
        place.options().join("\n"),
    )
}

fn mysqld_safe(place: &Place) -> Server {
    let file = place.file("safe.cnf", &option_file(place, "mysqld"));
    let mut command = Command::new(program("mysqld_safe"));
    command.arg(format!("--defaults-file={}", file.display()));
    // So that the script's own arguments name the socket, and a failed test leaves nothing behind.
    command.arg(format!("--socket={}", place.socket().display())).current_dir("/");
    place.attempt(&mut command).up()
}

fn server_pid(place: &Place) -> Option<u32> {
    fs::read_to_string(place.pid_file()).ok()?.trim().parse().ok()
}

/// What the wrappers must do on a place, whatever the server is.
fn a_wrapped_server_restarts_after_a_crash_and_ends_by_a_signal(place: &Place, closed: bool) {
    let script = mysqld_safe(place);
    assert_eq!(script.sql_as("nobody_such", "", "SELECT 1").code != Some(0), closed);
    let first = server_pid(place).unwrap();
    process::send(first, Signal::KILL);
    process::until("mysqld_safe starts the server again", SOON, || {
        server_pid(place).is_some_and(|pid| pid != first) && place.answers()
    });
    assert_eq!(script.sql_as("nobody_such", "", "SELECT 1").code != Some(0), closed);
    assert_eq!(script.sql("SELECT text FROM shop.people").trim(), SECRET);
    process::send(server_pid(place).unwrap(), Signal::TERM);
    assert_eq!(script.wait().code, Some(0));
    assert!(!place.answers());
}

fn a_wrapped_server_is_shut_down_by_its_client(place: &Place) {
    let script = mysqld_safe(place);
    let mut client = Command::new(program("mysqladmin"));
    client.args(["--no-defaults", "--user=root", "shutdown"]).env("MYSQL_PWD", PASSWORD);
    run(client.arg(format!("--socket={}", place.socket().display()))).succeeds();
    assert_eq!(script.wait().code, Some(0));
    assert!(!place.answers());
}

#[test]
fn mysqld_safe_brings_up_the_guarded_server_as_it_does_the_bare_one() {
    let bare = Bare::new();
    a_wrapped_server_restarts_after_a_crash_and_ends_by_a_signal(&bare.place, false);
    a_wrapped_server_is_shut_down_by_its_client(&bare.place);
    let guarded = guarded();
    a_wrapped_server_restarts_after_a_crash_and_ends_by_a_signal(&guarded.place, true);
    a_wrapped_server_is_shut_down_by_its_client(&guarded.place);
}

/// Runs `mysqld_multi VERB 1`, which reads the option file by the home directory.
fn mysqld_multi(place: &Place, verb: &str) -> Outcome {
    place.file("home/.my.cnf", &option_file(place, "mysqld1"));
    let mut command = Command::new(program("mysqld_multi"));
    run(command.args([verb, "1"]).env("HOME", place.directory("home")).current_dir("/"))
}

/// Kills what `mysqld_multi` left running.
struct Detached<'a>(&'a Place);

impl Drop for Detached<'_> {
    fn drop(&mut self) {
        process::kill_all_naming(&self.0.socket());
    }
}

fn a_server_of_several_starts_and_stops(place: &Place, closed: bool) {
    let _detached = Detached(place);
    mysqld_multi(place, "start").succeeds();
    process::until("the server of mysqld_multi answers", SOON, || place.answers());
    let stranger = sql(&place.socket(), "nobody_such", "", "SELECT 1");
    assert_eq!(stranger.code != Some(0), closed, "{stranger}");
    let row = sql(&place.socket(), "root", PASSWORD, "SELECT text FROM shop.people").succeeds();
    assert_eq!(row.stdout.trim(), SECRET);
    let report = mysqld_multi(place, "report").succeeds();
    assert!(report.stdout.contains("is running"), "{report}");
    let pid = server_pid(place).unwrap();
    mysqld_multi(place, "stop").succeeds();
    assert!(process::ended_within(pid, SOON), "mysqld_multi stop does not end it");
}

#[test]
fn mysqld_multi_starts_and_stops_the_guarded_server_as_it_does_the_bare_one() {
    a_server_of_several_starts_and_stops(&Bare::new().place, false);
    a_server_of_several_starts_and_stops(&guarded().place, true);
}

/// As in systemd's unit, where nothing ever is root.
#[test]
fn the_servers_own_user_starts_it_too() {
    let guarded = guarded();
    let (uid, gid) = user("mysql");
    let mut command = guarded.place.command(["--no-defaults"], ["--skip-grant-tables"]);
    let server = guarded.place.attempt(command.uid(uid).gid(gid)).up();
    server.assert_closed("started by mysql");
    assert_eq!(server.sql("SELECT text FROM shop.people").trim(), SECRET);
    assert_eq!(server.stop().code, Some(0));
}

/// Workflow 2 without `guard install`: the guard is a copy of our program, the policy the default.
#[test]
fn workflow_two_works_as_it_is_typed_by_hand() {
    let guarded = Guarded::not_yet(GUARD);
    let (instance, place, server) = (&guarded.instance, &guarded.place, guarded.server());
    instance.run([OsStr::new("-e"), OsStr::new("@protected"), server.as_os_str()]).succeeds();
    run(Command::new(program("cp")).arg(BINARY).arg(&place.program)).succeeds();
    fs::set_permissions(&place.program, fs::Permissions::from_mode(0o755)).unwrap();
    let data_rule = format!("ALLOW @mysql     *    {}", guarded.encrypted().display());
    instance.access(["-a", &data_rule]).succeeds();
    let guard_rule = format!("ALLOW @protected {} {}", server.display(), place.program.display());
    instance.access(["-a", &guard_rule]).succeeds();

    let server = mysqld_safe(place);
    server.assert_closed("by hand");
    assert_eq!(server.sql("SELECT text FROM shop.people").trim(), SECRET);
    drop(server);
    let file = place.file("init.sql", "CREATE DATABASE made;\n");
    let option = format!("--init-file={}", file.display());
    place.attempt(&mut place.command(["--no-defaults"], [option])).refused("init_file");
    let mut shell = Command::new("/bin/bash");
    run(shell.args(["-c", "exec \"$0\" --version"]).arg(guarded.encrypted())).denied();
}

#[test]
fn privileges_are_loaded_again_once_the_server_is_up() {
    let guarded = Guarded::installed(&["--reload-privileges"], "mysqld");
    let server = guarded.place.start();
    process::until("the log tells of it", SOON, || {
        !guarded.logged("privileges_reloaded").is_empty()
    });
    let line = guarded.logged("privileges_reloaded").remove(0);
    assert_eq!(line["pid"], server.pid(), "{line}");
    server.assert_closed("after the reload");
    assert_eq!(server.sql("SELECT 1").trim(), "1", "the server survived the signal");
}
