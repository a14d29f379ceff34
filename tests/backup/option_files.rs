//! Option files of the user's own.

use crate::attack::{Attacks, all_work, none_works};
use crate::bench::{Bench, CATEGORY, PASSWORD, Rules, SECRET};
use crate::fake::Fake;
use crate::support::process::{Outcome, run};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// The run as workflow 3 has it, with the file as an extra one.
fn with_extra_file(bench: &Bench, options: &str) -> Outcome {
    let file = bench.option_file(options);
    bench.mysqldump([&format!("--defaults-extra-file={}", file.display()), "--all-databases"])
}

/// The run with this file instead.
fn with_file(bench: &Bench, file: &Path) -> Outcome {
    bench.mysqldump([&format!("--defaults-file={}", file.display()), "--all-databases"])
}

/// The text of a file that takes in the encrypted one and then says something else.
fn including(file: &Path, then: &str) -> String {
    format!("!include {}\n[mysqldump]\n{then}\n", file.display())
}

const FILES: &Attacks = &[
    ("~/.my.cnf: another result file", |bench| {
        let mine = bench.home("mine.sql");
        bench.write_home(".my.cnf", &format!("[mysqldump]\nresult-file={}\n", mine.display()));
        with_extra_file(bench, "backup.cnf")
    }),
    ("~/.my.cnf: another server", |bench| {
        let fake = Fake::on_a_socket(bench);
        let text = format!("[client]\nsocket={}\n", fake.socket.display());
        bench.write_home(".my.cnf", &text);
        with_extra_file(bench, "backup.cnf")
    }),
    ("~/.my.cnf: a group with a suffix", |bench| {
        bench.write_home(".my.cnf", "[mysqldump-mine]\nresult-file=/dev/stdout\n");
        let file = format!("--defaults-extra-file={}", bench.option_file("backup.cnf").display());
        bench.mysqldump([&file, "--defaults-group-suffix=-mine", "--all-databases"])
    }),
    ("MYSQL_HOME", |bench| {
        let fake = Fake::on_a_socket(bench);
        let text = format!("[client]\nsocket={}\n", fake.socket.display());
        bench.write_home("my.cnf", &text);
        let file = format!("--defaults-extra-file={}", bench.option_file("short.cnf").display());
        let mut command = bench.command();
        run(command.args([&file, "--all-databases"]).env("MYSQL_HOME", &bench.account.home))
    }),
    ("!include: print the defaults", |bench| {
        let mine = bench.write_home("mine.cnf", &including(&bench.option_file("backup.cnf"), ""));
        bench.mysqldump([&format!("--defaults-file={}", mine.display()), "--print-defaults"])
    }),
    ("!include: another result file", |bench| {
        let text = including(&bench.option_file("backup.cnf"), "result-file=/dev/stdout");
        with_file(bench, &bench.write_home("mine.cnf", &text))
    }),
    ("!include: another server", |bench| {
        let fake = Fake::on_a_socket(bench);
        let then = format!("socket={}", fake.socket.display());
        let text = including(&bench.option_file("backup.cnf"), &then);
        with_file(bench, &bench.write_home("mine.cnf", &text))
    }),
    ("!includedir", |bench| {
        let directory = bench.option_file("backup.cnf");
        let directory = directory.parent().unwrap().display();
        let text = format!(
            "!includedir {directory}\n[mysqldump]\nhost=localhost\nprotocol=socket\nsocket={}\nresult-file=/dev/stdout\n",
            bench.socket().display()
        );
        with_file(bench, &bench.write_home("mine.cnf", &text))
    }),
    ("a link to it, and another server", |bench| {
        let fake = Fake::on_a_socket(bench);
        let link = bench.home("link.cnf");
        symlink(bench.option_file("backup.cnf"), &link).unwrap();
        let socket = format!("--socket={}", fake.socket.display());
        let file = format!("--defaults-file={}", link.display());
        bench.mysqldump([file.as_str(), &socket, "--all-databases"])
    }),
];

#[test]
fn under_a_wide_rule_files_of_the_users_own_give_everything_away() {
    all_work(&Bench::new(Rules::Wide), FILES);
}

#[test]
fn under_a_narrow_rule_files_of_the_users_own_give_nothing_away() {
    none_works(&Bench::new(Rules::Narrow), FILES);
}

#[test]
fn under_a_narrow_rule_files_of_the_users_own_are_not_read() {
    let bench = Bench::new(Rules::Narrow);
    for name in [".my.cnf", ".mylogin.cnf", "my.cnf"] {
        bench
            .write_home(name, "[client]\nuser=nobody_such\n[mysqldump]\nresult-file=/dev/stdout\n");
    }
    assert_eq!(bench.genuine("backup.cnf").succeeds().stdout, "");
}

/// Why the recipe names the option file by its path below the mount: a symlink in a directory of the
/// user's is the user's to replace, and the arguments stay the same.
#[test]
fn a_link_that_the_user_can_replace_is_no_path_for_a_rule() {
    let bench = Bench::without_rules(Rules::Narrow);
    let original = bench.write_home("protected.cnf", &bench_options(&bench));
    bench.instance.encrypt(CATEGORY, &original);
    let by_link = |bench: &Bench, file: &Path| {
        bench.allow(&format!(
            "/usr/bin/mysqldump --user={} --args='--defaults-file={} --all-databases'",
            bench.account.name,
            file.display()
        ));
    };
    by_link(&bench, &original);
    with_file(&bench, &original).succeeds();
    let below = bench.below_mount(&original);
    replace(&bench, &original, &including(&below, "result-file=/dev/stdout"));
    let printed = with_file(&bench, &original);
    assert!(printed.stdout.contains(SECRET), "the link could not be replaced: {printed}");

    bench.instance.access(["-d", "1"]).succeeds();
    by_link(&bench, &below);
    assert_ne!(with_file(&bench, &original).code, Some(0));
    with_file(&bench, &below).succeeds();
    // Nobody replaces that one, nor what it lies in.
    for above in below.ancestors().take_while(|path| *path != bench.instance.mount()) {
        let away = above.with_extension("away");
        for mut move_it in [bench.account.command("/usr/bin/mv"), Command::new("/usr/bin/mv")] {
            assert_ne!(run(move_it.arg(above).arg(&away)).code, Some(0), "{above:?}");
        }
        run(bench.account.command("/usr/bin/touch").arg(above.with_extension("new"))).denied();
    }
    assert!(with_file(&bench, &below).succeeds().stdout.is_empty());
}

fn bench_options(bench: &Bench) -> String {
    format!(
        "[mysqldump]\nuser=backup\npassword={}\nsocket={}\nresult-file={}\n",
        PASSWORD,
        bench.socket().display(),
        bench.dump().display()
    )
}

/// As the user does it.
fn replace(bench: &Bench, link: &Path, text: &str) {
    let mine = bench.write_home("mine.cnf", text);
    run(bench.account.command("/usr/bin/mv").arg("-f").arg(mine).arg(link)).succeeds();
    assert!(!fs::symlink_metadata(link).unwrap().is_symlink());
}
