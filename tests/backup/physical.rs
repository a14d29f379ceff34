//! mariadb-backup of a server whose data are encrypted too.

use crate::attack::{Attacks, all_work, none_works, tells};
use crate::bench::{Bench, PASSWORD, Rules};
use crate::cron::Cron;
use crate::database::contents;
use crate::fake::Fake;
use crate::support::machine::{program, user};
use crate::support::process::{Outcome, run};
use crate::support::server::Place;
use crate::tools::{assert_no_plaintext_at_rest, assert_out_of_reach};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const PROGRAM: &str = "/usr/bin/mariadb-backup";

/// A bench whose data are encrypted, and readable for the user's group as far as modes go.
#[track_caller]
fn encrypted(rules: Rules) -> Bench {
    let bench = Bench::with_encrypted_data(rules);
    let text = format!(
        "[mariadb-backup]\nuser=backup\npassword={PASSWORD}\nsocket={}\ndatadir={}\ntarget-dir={}\n",
        bench.socket().display(),
        bench.data().display(),
        target(&bench).display()
    );
    bench.encrypt_options("physical.cnf", &text);
    let binding = match rules {
        Rules::Wide => String::new(),
        Rules::Narrow => {
            let file = bench.option_file("physical.cnf");
            let name = &bench.account.name;
            format!("--user={name} --args='--defaults-file={} --backup'", file.display())
        }
    };
    bench.allow(&format!("{PROGRAM} {binding}"));
    let reading = if rules == Rules::Narrow { "--access=read" } else { "" };
    let rule = format!("ALLOW @mysql * {PROGRAM} {binding} {reading}");
    bench.instance.access(["-a", rule.trim()]).succeeds();
    bench
}

fn target(bench: &Bench) -> PathBuf {
    bench.dumps().join("full")
}

fn file_option(bench: &Bench) -> String {
    format!("--defaults-file={}", bench.option_file("physical.cnf").display())
}

fn backup(bench: &Bench, more: &[&str]) -> Outcome {
    let mut command = bench.account.command_with_groups(PROGRAM);
    run(command.arg(file_option(bench)).args(more))
}

const ATTACKS: &Attacks = &[
    ("a fake server that asks for a plugin of the user's", |bench| {
        let fake = Fake::with_a_plugin(bench);
        let directory = format!("--plugin-dir={}", bench.account.home.display());
        let socket = format!("--socket={}", fake.socket.display());
        backup(bench, &["--backup", &directory, &socket])
    }),
    ("a stream to the terminal", |bench| backup(bench, &["--backup", "--stream=xbstream"])),
    ("another target", |bench| {
        let mine = format!("--target-dir={}", bench.home("mine").display());
        backup(bench, &["--backup", &mine])
    }),
    ("copy back into a directory of the user's", |bench| {
        backup(bench, &["--backup"]);
        let mine = format!("--datadir={}", bench.home("mine").display());
        backup(bench, &["--copy-back", "--force-non-empty-directories", &mine])
    }),
    ("an option file of the user's", |bench| {
        let text = format!(
            "!include {}\n[mariadb-backup]\ntarget-dir={}\n",
            bench.option_file("physical.cnf").display(),
            bench.home("mine").display()
        );
        let mine = bench.write_home("mine.cnf", &text);
        let mut command = bench.account.command_with_groups(PROGRAM);
        run(command.arg(format!("--defaults-file={}", mine.display())).arg("--backup"))
    }),
];

#[test]
fn under_a_wide_rule_mariadb_backup_gives_the_data_away() {
    all_work(&encrypted(Rules::Wide), ATTACKS);
}

#[test]
fn under_a_narrow_rule_mariadb_backup_gives_nothing_away() {
    none_works(&encrypted(Rules::Narrow), ATTACKS);
}

#[test]
fn cron_runs_mariadb_backup_on_encrypted_data_and_it_restores() {
    let bench = encrypted(Rules::Narrow);
    let line = format!("{PROGRAM} {} --backup", file_option(&bench));
    let stream = format!("{line} --stream=xbstream");
    let ran = Cron::running().once(&bench.account, &[], &[line, stream]);
    assert_eq!(ran[0].0, 0, "{}", ran[0].1);
    assert!(ran[0].1.contains("completed OK"), "{}", ran[0].1);
    assert!(ran[1].0 != 0 && !tells(&ran[1].1), "{}", ran[1].1);
    assert_out_of_reach(&bench, &target(&bench).join("ibdata1"));
    assert_out_of_reach(&bench, &bench.data().join("ibdata1"));
    assert_no_plaintext_at_rest(&bench);

    bench.instance.decrypt(&bench.dumps());
    let full = target(&bench);
    let prepare = format!("--target-dir={}", full.display());
    run(Command::new(PROGRAM).args(["--no-defaults", "--prepare", &prepare])).succeeds();
    let base = bench.instance.work().join("second");
    fs::create_dir(&base).unwrap();
    let data = base.join("data");
    run(Command::new("/usr/bin/cp").arg("-a").arg(&full).arg(&data)).succeeds();
    let (uid, gid) = user("mysql");
    run(Command::new("/usr/bin/chown").arg("-R").arg(format!("{uid}:{gid}")).arg(&data)).succeeds();
    let second = Place::new(program("mariadbd"), data, base).start();
    assert_eq!(contents(&second), contents(&bench.server));
}

/// The backup is made ready where it lies, still encrypted, under a rule for exactly that.
#[test]
fn a_backup_is_prepared_in_place_under_a_rule_of_its_own() {
    let bench = encrypted(Rules::Narrow);
    backup(&bench, &["--backup"]).succeeds();
    let arguments = ["--prepare".to_owned(), format!("--target-dir={}", target(&bench).display())];
    let prepare = || run(bench.account.command(PROGRAM).args(&arguments));
    assert_ne!(prepare().code, Some(0));
    let name = &bench.account.name;
    bench.allow(&format!("{PROGRAM} --user={name} --args='{}'", arguments.join(" ")));
    prepare().succeeds().says("completed OK");
    assert_out_of_reach(&bench, &target(&bench).join("ibdata1"));
}
