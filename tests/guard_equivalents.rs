//! Whatever gives the effect of a server without authentication works on a bare server, and is
//! refused behind the guard, where nothing of the attacker's runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "guard/attacks.rs"]
mod attacks;
#[path = "guard/evidence.rs"]
mod evidence;
mod support;

use attacks::by_mysqld_safe;
use evidence::{Evidence, marked, marker, spy};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use support::guarded::{Bare, Guarded};
use support::mariadb::owned_by_mysql;
use support::process::run;
use support::server::Place;
use support::template::{self, SECRET};

#[test]
fn each_attack_works_on_the_bare_server() {
    let bare = Bare::new();
    for attack in attacks::all().iter().filter(|attack| attack.evidence != Evidence::RefusalOnly) {
        let commands =
            [Some(attack.by_command_line(&bare.place)), attack.by_option_file(&bare.place)];
        for mut command in commands.into_iter().flatten() {
            let attempt = attack.attempt(&bare.place, &mut command);
            let worked = attack.evidence.seen(&bare.place, &command, attempt);
            assert!(worked, "{} is no attack: a blind test\n{command:?}", attack.name);
        }
    }
}

#[test]
fn each_attack_is_refused_by_the_guard_on_the_command_line() {
    let guarded = Guarded::new();
    for attack in attacks::all() {
        let mut command = attack.by_command_line(&guarded.place);
        attack.attempt(&guarded.place, &mut command).refused(attack.reason).says("hint:");
        assert!(!marker(&guarded.place).exists(), "{}: its code ran", attack.name);
    }
    assert_nothing_came_of_it(&guarded);
}

#[test]
fn each_attack_is_refused_by_the_guard_in_an_option_file() {
    let guarded = Guarded::new();
    for attack in attacks::all() {
        if let Some(mut command) = attack.by_option_file(&guarded.place) {
            attack.attempt(&guarded.place, &mut command).refused(attack.reason).says("hint:");
            assert!(!marker(&guarded.place).exists(), "{}: its code ran", attack.name);
        }
    }
    assert_nothing_came_of_it(&guarded);
    assert!(!guarded.logged("guard_refused").is_empty(), "the refusals are in no log");
}

#[track_caller]
fn assert_nothing_came_of_it(guarded: &Guarded) {
    assert_eq!(marked(&guarded.place), [""; 0]);
    let server = guarded.place.start();
    server.assert_closed("after all attacks");
    assert_ne!(server.sql_as("intruder", "x", "SELECT 1").code, Some(0), "a user was made");
    assert_eq!(server.sql("SELECT text FROM shop.people").trim(), SECRET);
    assert_eq!(server.sql("SELECT text FROM shop.secrets").trim(), SECRET);
}

/// Starts the server with the library preloaded.
fn preloaded(place: &Place) -> Command {
    let mut command = place.command(["--no-defaults"], [""; 0]);
    command.env("LD_PRELOAD", spy(place));
    command
}

/// Starts the server by a script that preloads the library.
fn with_malloc_library(place: &Place) -> Command {
    by_mysqld_safe(place, &[format!("--malloc-lib={}", spy(place).display())])
}

/// Whether the library ran in the server; it runs in the shell's other children too.
fn ran_in_the_server(place: &Place) -> bool {
    marked(place).iter().any(|name| name == "mysqld" || name == "mariadbd")
}

#[test]
fn a_preloaded_library_runs_in_the_bare_server_and_not_behind_the_guard() {
    let ways =
        [("LD_PRELOAD", preloaded as fn(&Place) -> Command), ("--malloc-lib", with_malloc_library)];
    let bare = Bare::new();
    for (name, command) in ways {
        drop(bare.place.attempt(&mut command(&bare.place)).up());
        assert!(ran_in_the_server(&bare.place), "{name} is no attack: a blind test");
        fs::remove_file(marker(&bare.place)).unwrap();
    }
    let guarded = Guarded::new();
    for (name, command) in ways {
        let server = guarded.place.attempt(&mut command(&guarded.place)).up();
        server.assert_closed(name);
        assert!(!ran_in_the_server(&guarded.place), "{name}: the library ran in the server");
    }
}

/// An option file with statements, and the command that runs it at the start.
fn with_init_file(place: &Place) -> Command {
    let statements = "CREATE DATABASE IF NOT EXISTS made_by_maintenance;\n";
    let file = place.file("maintenance.sql", statements);
    place.command(["--no-defaults"], [format!("--init-file={}", file.display())])
}

#[test]
fn a_permit_lets_one_run_through_and_no_second_one() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    place.attempt(&mut with_init_file(place)).refused("init_file");
    let wrong = guarded.instance.secret_file("wrong", "guess\n");
    let mut asking = guarded.instance.command("ezncrypt", ["guard", "permit"]);
    asking.arg(guarded.server()).args(["--allow", "init_file", "--for", "5m"]);
    run(asking.env("EZNCRYPT_PASSPHRASE_FILE", wrong)).exits(3);
    place.attempt(&mut with_init_file(place)).refused("init_file");

    guarded.permit(["--allow", "init_file", "--for", "5m"]).succeeds();
    let server = place.attempt(&mut with_init_file(place)).up();
    server.assert_closed("with a permit for something else");
    assert_eq!(server.sql("SHOW DATABASES LIKE 'made_by%'").trim(), "made_by_maintenance");
    server.stop();
    place.attempt(&mut with_init_file(place)).refused("init_file");
    place.start().assert_closed("after the permitted run");
}

#[test]
fn a_permit_ends_with_its_time() {
    let guarded = Guarded::new();
    guarded.permit(["--allow", "init_file", "--for", "1s"]).succeeds();
    // Nothing tells when the second is over but the clock.
    std::thread::sleep(Duration::from_millis(1500));
    guarded.place.attempt(&mut with_init_file(&guarded.place)).refused("init_file");
}

/// The documented way to a new data directory, which is made by statements on standard input.
#[test]
fn with_a_permit_statements_are_read_from_standard_input_once() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let bootstrap = || {
        let statements = place.file("statements.sql", "CREATE DATABASE made_by_bootstrap;\n");
        let mut command = place.command(["--no-defaults"], ["--bootstrap"]);
        place.attempt_with(&mut command, fs::File::open(statements).unwrap())
    };
    bootstrap().refused("bootstrap");
    guarded.permit(["--allow", "bootstrap"]).succeeds();
    bootstrap().ended().succeeds();
    bootstrap().refused("bootstrap");
    let server = place.start();
    assert_eq!(server.sql("SHOW DATABASES LIKE 'made_by%'").trim(), "made_by_bootstrap");
}

/// What `mysql_install_db` does: there are no grants yet that could be in force.
#[test]
fn with_a_permit_a_new_data_directory_is_made() {
    let guarded = Guarded::new();
    let (instance, place) = (&guarded.instance, &guarded.place);
    let data = instance.work().join("new data");
    owned_by_mysql(&data);
    instance.encrypt("@mysql", &data);
    let read = |name: &str| fs::read_to_string(Path::new("/usr/share/mysql").join(name)).unwrap();
    let statements = "create database mysql;\nuse mysql;\nSET @auth_root_socket=NULL;\n".to_owned()
        + &read("mysql_system_tables.sql")
        + &read("mysql_system_tables_data.sql");
    let statements = place.file("new.sql", &statements);
    guarded.permit(["--allow", "bootstrap"]).succeeds();
    let words = ["--bootstrap".to_owned(), format!("--datadir={}", data.display())];
    let mut command = place.command(["--no-defaults"], words);
    let made = place.attempt_with(&mut command, fs::File::open(statements).unwrap()).ended();
    made.succeeds().says("permit: allow bootstrap");
    assert!(data.join("mysql/global_priv.frm").exists(), "no grant tables were made");
}

#[test]
fn a_version_that_is_set_is_a_variable_and_no_question() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let words = ["--version=10.11.99-theirs", "--skip-grant-tables"];
    let server = place.attempt(&mut place.command(["--no-defaults"], words)).up();
    server.assert_closed("with a version");
    assert_eq!(server.sql("SELECT @@version").trim(), "10.11.99-theirs");
}

/// Encrypting needs no secret, so anybody who is root may add data to the category.
#[test]
fn data_that_were_encrypted_without_the_secret_are_not_served() {
    let guarded = Guarded::new();
    let (instance, place) = (&guarded.instance, &guarded.place);
    let foreign = instance.work().join("foreign");
    template::copy_without_rows(&foreign);
    let mut encrypt = instance.command("ezncrypt", ["-e", "@mysql", foreign.to_str().unwrap()]);
    let secrets = ["EZNCRYPT_PASSPHRASE_FILE", "EZNCRYPT_SALT_FILE"];
    run(secrets.iter().fold(&mut encrypt, |command, name| command.env_remove(name))).succeeds();
    let option = format!("--datadir={}", foreign.display());
    place.attempt(&mut place.command(["--no-defaults"], [option])).refused("datadir");
}

/// The documented way to a lost root password.
#[test]
fn with_a_permit_a_lost_root_password_is_reset() {
    let guarded = Guarded::new();
    guarded.permit(["--allow", "authentication", "--for", "5m"]).succeeds();
    let place = &guarded.place;
    let open = || place.command(["--no-defaults"], ["--skip-grant-tables"]);
    let server = place.attempt(&mut open()).up();
    let reset = "FLUSH PRIVILEGES; ALTER USER root@localhost IDENTIFIED BY 'New'";
    server.sql_as("anybody", "", reset).succeeds();
    server.stop();
    let server = place.attempt(&mut open()).up();
    server.assert_closed("after the permitted run");
    server.sql_as("root", "New", "SELECT 1").succeeds();
}
