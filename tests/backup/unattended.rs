//! Workflow 3 from beginning to end, run by cron.

use crate::attack::tells;
use crate::bench::{Bench, CATEGORY, PASSWORD, Rules, SECRET};
use crate::cron::Cron;
use crate::database::assert_restores;
use crate::tools::{assert_no_plaintext_at_rest, assert_out_of_reach};
use std::fs;

#[test]
fn cron_makes_a_complete_dump_under_a_narrow_rule() {
    let bench = Bench::new(Rules::Narrow);
    let [file, all] = bench.arguments("backup.cnf");
    let genuine = format!("/usr/bin/mysqldump {file} {all}");
    let mine = bench.home("mine.sql");
    let ran = Cron::running().once(
        &bench.account,
        &[],
        &[
            genuine.clone(),
            format!("cat {}", bench.dump().display()),
            format!("{genuine} --result-file={}", mine.display()),
            format!("/usr/bin/mysqldump {file} --print-defaults"),
            format!("MYSQL_UNIX_PORT=/tmp/socket {genuine}"),
        ],
    );
    assert_eq!(ran[0], (0, String::new()));
    for (code, printed) in &ran[1..] {
        assert_ne!(*code, 0, "{printed}");
        assert!(!tells(printed), "{printed}");
    }
    assert!(!fs::exists(mine).unwrap());
    assert_out_of_reach(&bench, &bench.dump());
    assert_no_plaintext_at_rest(&bench);

    bench.instance.decrypt(&bench.dumps());
    assert_restores(&bench.dump(), &bench.server, bench.instance.work().join("second"));
}

#[test]
fn a_variable_in_the_crontab_ends_the_backup_under_a_narrow_rule() {
    let bench = Bench::new(Rules::Narrow);
    let [file, all] = bench.arguments("backup.cnf");
    let lines = [format!("/usr/bin/mysqldump {file} {all}")];
    let ran = Cron::running().once(&bench.account, &["MYSQL_GROUP_SUFFIX=-mine"], &lines);
    assert_ne!(ran[0].0, 0, "{ran:?}");
}

/// Word for word as the product promises it, with the en dashes of a web page.
#[test]
fn the_wide_rule_works_from_the_terminal_and_from_cron() {
    let bench = Bench::without_rules(Rules::Wide);
    let text = format!(
        "[mysqldump]\nuser=backup\npassword={PASSWORD}\nsocket={}\nresult-file={}\n",
        bench.socket().display(),
        bench.dump().display()
    );
    let options = bench.write_home("protected.cnf", &text);
    bench.instance.run(["–e".as_ref(), CATEGORY.as_ref(), options.as_os_str()]).succeeds();
    let added = bench.instance.access(["–add", "ALLOW @mysqlbackup * /usr/bin/mysqldump"]);
    added.succeeds().says("--args");
    let file = format!("--defaults-extra-file={}", options.display());
    bench.mysqldump([&file, "--all-databases"]).succeeds();
    let line = format!("mysqldump {file} --all-databases");
    let ran = Cron::running().once(&bench.account, &[], &[line]);
    assert_eq!(ran[0], (0, String::new()));
    for file in [&options, &bench.dump()] {
        crate::support::process::run(bench.account.command("/usr/bin/cat").arg(file)).denied();
    }
    assert_no_plaintext_at_rest(&bench);
    bench.instance.decrypt(&bench.dumps());
    let dump = fs::read(bench.dump()).unwrap();
    assert!(String::from_utf8_lossy(&dump).contains(SECRET));
}
