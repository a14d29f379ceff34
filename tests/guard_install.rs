//! `ezncrypt guard install`, `show` and `remove`: what they leave, what they refuse, and what a run
//! that failed or was killed leaves. Runs as root, on copies of the real server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "guard_install/bench.rs"]
mod bench;
#[path = "guard_install/interrupted.rs"]
mod interrupted;
#[path = "guard_install/package.rs"]
mod package;
#[path = "guard_install/refused.rs"]
mod refused;
mod support;
#[path = "guard_install/upgrade.rs"]
mod upgrade;

use bench::Bench;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use support::instance::BINARY;

#[test]
fn a_guard_takes_the_servers_path_and_removing_it_puts_all_back() {
    let bench = Bench::new();
    let before = bench.shape();
    let told = bench.install(&["--category", "@mysql"]).succeeds();
    let told = told.says("called as mariadbd, mysqld").says("version 10.");
    told.says(format!("is encrypted at {}", bench.guarded().display()));

    let guard = fs::metadata(bench.server()).unwrap();
    assert_eq!((guard.mode() & 0o7777, guard.uid(), guard.gid()), (0o711, 0, 0));
    assert!(fs::read(bench.server()).unwrap() == fs::read(BINARY).unwrap());
    bench.assert_encrypted(&bench.guarded());
    let directory = fs::metadata(bench.guarded().parent().unwrap()).unwrap();
    assert_eq!(directory.permissions().mode() & 0o7777, 0o755);
    let inside = bench.in_mount(&bench.guarded());
    bench.assert_rules(&[
        ("@mysql", "*", inside.to_str().unwrap()),
        ("@protected", bench.guarded().to_str().unwrap(), bench.server().to_str().unwrap()),
    ]);

    bench.guard("remove", &[]).succeeds().says("as it was");
    before.assert_same(&bench.shape(), "after install and remove");
    bench.assert_rules(&[]);
    bench.assert_untouched();
    bench.guard("remove", &[]).exits(1).says("there is no guard at");
}

#[test]
fn a_guard_with_a_name_leaves_the_server_where_it_is() {
    let bench = Bench::new();
    let before = bench.shape();
    bench.instance.allow("@mysql", &bench.server());
    bench.install(&["--name", "mysqld-guard"]).succeeds();
    let guard = bench.sbin().join("mysqld-guard");
    assert_eq!(fs::metadata(&guard).unwrap().mode() & 0o7777, 0o711);
    bench.assert_encrypted(&bench.server());
    assert!(!bench.guarded().parent().unwrap().exists());
    let shown = &bench.show(0)[0];
    assert_eq!(shown["guard"], guard.to_str().unwrap());
    assert_eq!(shown["names"], serde_json::json!(["mariadbd", "mysqld", "mysqld-guard"]));

    let (server, inside) = (bench.server(), bench.in_mount(&bench.server()));
    let (server, inside) = (server.to_str().unwrap(), inside.to_str().unwrap());
    bench.assert_rules(&[("@mysql", "*", inside), ("@protected", server, guard.to_str().unwrap())]);

    bench.install(&["--name", "other"]).exits(1).says("has a guard already");
    bench.instance.run(["guard", "remove", guard.to_str().unwrap()]).succeeds();
    before.assert_same(&bench.shape(), "after install and remove");
    bench.assert_rules(&[("@mysql", "*", server)]);
}

#[test]
fn settings_are_kept_until_others_are_given_and_the_server_stays_as_it_is() {
    let bench = Bench::new();
    let subject = |shown: &serde_json::Value, subject: &str| {
        let policy = shown["policy"].as_array().unwrap();
        let of = policy.iter().find(|one| one["subject"] == subject).unwrap();
        of["treatment"].as_str().unwrap().to_owned()
    };
    bench
        .install(&["--category", "@mysql", "--allow", "init_file", "--reload-privileges"])
        .succeeds();
    let first = bench.show(0);
    assert_eq!(subject(&first[0], "init_file"), "allow");
    assert_eq!(first[0]["reload_privileges"], true);
    assert_eq!(first[0]["category"], "@mysql");
    let link = fs::symlink_metadata(bench.guarded()).unwrap().ino();

    let again = bench.install(&[]).succeeds();
    assert!(!again.stderr.contains("encrypting"), "{again}");
    assert_eq!(bench.show(0), first);
    bench.install(&["--warn", "init_slave"]).succeeds();
    let shown = &bench.show(0)[0];
    assert_eq!(subject(shown, "init_file"), "forbid");
    assert_eq!(subject(shown, "init_slave"), "warn");
    assert_eq!(shown["reload_privileges"], false);
    assert_eq!(fs::symlink_metadata(bench.guarded()).unwrap().ino(), link);
}

#[test]
fn the_category_is_found_by_a_rule_which_then_names_the_encrypted_server() {
    let bench = Bench::new();
    bench.install(&[]).exits(2).says("--category @CATEGORY");
    bench.assert_untouched();
    bench.instance.allow("@mysql", &bench.server());
    bench.install(&[]).succeeds().says("only it may open @mysql");
    assert_eq!(bench.show(0)[0]["category"], "@mysql");
    // The rule names the server where it is now.
    let inside = bench.in_mount(&bench.guarded());
    let rules = bench.instance.access(["-l", "--json"]).succeeds().json();
    let of_data: Vec<_> =
        rules.as_array().unwrap().iter().filter(|rule| rule["category"] == "@mysql").collect();
    assert_eq!(of_data.len(), 1, "{rules}");
    assert_eq!(of_data[0]["process"], inside.to_str().unwrap());

    bench.guard("remove", &[]).succeeds();
    bench.assert_rules(&[("@mysql", "*", bench.server().to_str().unwrap())]);
}

#[test]
fn a_server_that_was_encrypted_by_hand_is_taken_over() {
    let bench = Bench::new();
    let before = bench.shape();
    bench.instance.encrypt("@mine", &bench.server());
    bench.install(&["--category", "@mysql"]).succeeds();
    bench.assert_encrypted(&bench.guarded());
    bench.show(0);
    bench.guard("remove", &[]).succeeds();
    before.assert_same(&bench.shape(), "after install and remove");
}

#[test]
fn what_is_wrong_with_a_guard_is_shown_and_mended_by_installing_again() {
    let bench = Bench::new();
    bench.install(&["--category", "@mysql"]).succeeds();
    let mut bytes = fs::read(bench.server()).unwrap();
    bytes.push(b'x');
    fs::write(bench.server(), bytes).unwrap();
    let failing = bench.failing();
    assert!(failing.contains(&"the guard's fingerprint holds".to_owned()), "{failing:?}");
    bench.install(&[]).succeeds().says("was renewed at");
    bench.show(0);

    fs::remove_file(bench.server()).unwrap();
    let failing = bench.failing();
    assert!(failing.contains(&"the guard's file is in place".to_owned()), "{failing:?}");
    bench.install(&[]).succeeds();
    let text = bench.guard("show", &[]).succeeds().stdout;
    assert!(text.starts_with(&format!("{}\n", bench.server().display())), "{text}");
}

#[test]
fn without_a_service_the_same_commands_work() {
    let bench = Bench::new();
    bench.instance.stop();
    let before = bench.shape();
    bench.install(&["--category", "@mysql"]).succeeds();
    assert!(fs::symlink_metadata(bench.guarded()).unwrap().is_symlink());
    bench.guard("permit", &["--allow", "init_file"]).exits(6);
    bench.instance.start();
    bench.show(0);
    bench.instance.stop();
    bench.guard("remove", &[]).succeeds();
    before.assert_same(&bench.shape(), "after install and remove without a service");
}

#[test]
fn a_permit_is_shown_while_it_lasts() {
    let bench = Bench::new();
    bench.install(&["--category", "@mysql"]).succeeds();
    bench.guard("permit", &["--allow", "init_file", "--for", "2h"]).succeeds().says("for 2 h");
    let permit = &bench.show(0)[0]["permit"];
    assert_eq!(permit["settings"], serde_json::json!(["allow init_file"]));
    let left = permit["seconds_left"].as_u64().unwrap();
    assert!((7000..=7200).contains(&left), "{left}");
    bench.guard("permit", &["--allow", "no_such"]).exits(2).says("no_such");
}
