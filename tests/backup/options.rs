//! More and other options on the command line.

use crate::attack::{Attacks, all_work, loot, none_works, tells};
use crate::bench::{Bench, Rules};
use crate::fake::Fake;
use crate::support::process::Outcome;

/// The user's mysqldump with `before`, the file, and `after`.
fn with(bench: &Bench, before: &[&str], after: &[&str]) -> Outcome {
    let file = bench.arguments("backup.cnf")[0].clone();
    bench.mysqldump(before.iter().copied().chain([file.as_str()]).chain(after.iter().copied()))
}

const PRINTING: &Attacks = &[
    ("--print-defaults", |bench| with(bench, &[], &["--print-defaults"])),
    ("the same behind the right arguments", |bench| {
        with(bench, &[], &["--print-defaults", "--all-databases"])
    }),
    ("--defaults-extra-file", |bench| {
        let file = bench.option_file("backup.cnf");
        let file = format!("--defaults-extra-file={}", file.display());
        bench.mysqldump([file.as_str(), "--print-defaults"])
    }),
    ("to the terminal", |bench| {
        with(bench, &[], &["--all-databases", "--result-file=/dev/stdout"])
    }),
    ("to the terminal, from behind", |bench| {
        with(bench, &[], &["--result-file=/dev/stdout", "--all-databases"])
    }),
    ("to the terminal, one table", |bench| with(bench, &[], &["-r/dev/stdout", "shop", "people"])),
    ("to another file", |bench| {
        let mine = format!("--result-file={}", bench.home("mine.sql").display());
        with(bench, &[], &["--all-databases", &mine])
    }),
    ("to another file, abbreviated", |bench| {
        let mine = format!("--result={}", bench.home("mine.sql").display());
        with(bench, &[], &["--all-databases", &mine])
    }),
];

#[test]
fn under_a_wide_rule_options_print_the_password_and_the_rows() {
    all_work(&Bench::new(Rules::Wide), PRINTING);
}

#[test]
fn under_a_narrow_rule_no_option_prints_the_password_or_the_rows() {
    none_works(&Bench::new(Rules::Narrow), PRINTING);
}

const REDIRECTING: &Attacks = &[
    ("another socket", |bench| {
        let fake = Fake::on_a_socket(bench);
        let socket = format!("--socket={}", fake.socket.display());
        with(bench, &[], &[&socket, "--all-databases"])
    }),
    ("another socket, from behind", |bench| {
        let fake = Fake::on_a_socket(bench);
        let socket = format!("-S{}", fake.socket.display());
        with(bench, &[], &["--all-databases", &socket])
    }),
    ("another host and port", |bench| {
        let _fake = Fake::on_the_port(bench);
        let port = format!("--port={}", bench.port);
        with(bench, &[], &["--all-databases", "--host=127.0.0.1", "--protocol=tcp", &port])
    }),
    ("a plugin from another directory", |bench| {
        let fake = Fake::with_a_plugin(bench);
        let directory = format!("--plugin-dir={}", bench.account.home.display());
        let socket = format!("--socket={}", fake.socket.display());
        with(bench, &[], &[&socket, &directory, "--default-auth=stealing", "--all-databases"])
    }),
];

#[test]
fn under_a_wide_rule_a_fake_server_is_told_the_password() {
    all_work(&Bench::new(Rules::Wide), REDIRECTING);
}

#[test]
fn under_a_narrow_rule_no_option_leads_to_a_fake_server() {
    none_works(&Bench::new(Rules::Narrow), REDIRECTING);
}

/// What tells nothing under either rule, whoever asks.
#[test]
fn help_and_verbose_tell_no_secret() {
    for rules in [Rules::Wide, Rules::Narrow] {
        let bench = Bench::new(rules);
        for more in [
            &["--help"][..],
            &["--all-databases", "--help"],
            &["--all-databases", "--verbose"],
            &["-v", "-v", "-v", "--all-databases"],
            &["--all-databases", "--debug-info", "--debug-check"],
            &["--all-databases", "--log-error=log"],
        ] {
            let outcome = with(&bench, &[], more);
            assert!(!tells(&loot(&bench, &outcome)), "{outcome}");
            assert_eq!(outcome.code == Some(0), rules == Rules::Wide, "{outcome}");
        }
    }
}
