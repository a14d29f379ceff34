//! What the ordinary tools give the user, root, and whoever copies the ciphertext.

use crate::bench::{Bench, PASSWORD, Rules, SECRET};
use crate::support::process::{Outcome, run};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Reads, copies and changes `file` by every means that the user and root have.
#[track_caller]
pub fn assert_out_of_reach(bench: &Bench, file: &Path) {
    let name = file.display();
    let directory = file.parent().unwrap().display();
    let script = format!("with open('{name}') as file: print(file.read())");
    let lines: [&[&str]; 11] = [
        &["/usr/bin/cat", "%"],
        &["/usr/bin/cp", "%", "copy"],
        &["/usr/bin/dd", "if=%", "of=copy"],
        &["/usr/bin/python3", "-c", &script],
        &["/usr/bin/head", "-c", "100", "%"],
        &["/usr/bin/grep", "-a", "", "%"],
        &["/usr/bin/tar", "-C", "/", "-cf", "copy", "%"],
        // It ends with 0 whatever happens.
        &["/bin/sh", "-c", "less \"%\" >&2; exit 1"],
        &["/bin/sh", "-c", "exec 3<\"%\"; cat <&3"],
        &["/bin/sh", "-c", "echo x >> \"%\""],
        &["/usr/bin/mv", "%", "copy"],
    ];
    for line in lines {
        let words: Vec<String> =
            line.iter().map(|word| word.replace('%', &name.to_string())).collect();
        bench.account.empty_home();
        for outcome in both(bench, &words) {
            assert_nothing_told(outcome);
        }
    }
    let links = format!("ln -s /etc/passwd '{directory}/link'; chmod 777 '{name}'; rm -f '{name}'");
    for outcome in both(bench, &["/bin/sh".into(), "-c".into(), links]) {
        let refusals = ["Permission denied", "not permitted", "resource busy"];
        let told: usize =
            refusals.iter().map(|refusal| outcome.stderr.matches(refusal).count()).sum();
        assert_eq!(told, 3, "{outcome}");
    }
}

/// As the user and as root.
fn both(bench: &Bench, words: &[String]) -> [Outcome; 2] {
    let mut root = Command::new(&words[0]);
    root.current_dir(&bench.account.home);
    [
        run(bench.account.command_with_groups(&words[0]).args(&words[1..])),
        run(root.args(&words[1..])),
    ]
}

#[track_caller]
fn assert_nothing_told(outcome: Outcome) {
    assert_ne!(outcome.code, Some(0), "{outcome}");
    let outcome = if outcome.stderr.contains("PermissionError") {
        outcome
    } else {
        outcome.says("ermission denied")
    };
    assert!(outcome.stdout.is_empty(), "{outcome}");
}

/// Fails the test if a copy of the bytes at rest, as a backup of the machine makes it, holds plaintext.
#[track_caller]
pub fn assert_no_plaintext_at_rest(bench: &Bench) {
    let copy = bench.instance.work().join("stolen");
    run(Command::new("/usr/bin/cp").arg("-a").arg(bench.instance.storage()).arg(&copy)).succeeds();
    for text in [PASSWORD, SECRET, "CREATE TABLE", "[mysqldump]", "PasswordOfTheApplication"] {
        let mut command = Command::new("/usr/bin/grep");
        run(command.args(["-r", "-a", "-l", "-F", "-e", text]).arg(&copy)).exits(1);
    }
}

#[test]
fn option_file_and_dump_are_out_of_reach_under_both_rules() {
    for rules in [Rules::Wide, Rules::Narrow] {
        let bench = Bench::new(rules);
        for file in [bench.option_file("backup.cnf"), bench.dump()] {
            assert_out_of_reach(&bench, &file);
        }
        bench.genuine("backup.cnf").succeeds();
        assert_no_plaintext_at_rest(&bench);
    }
}

/// A narrow rule is about one user: root is another.
#[test]
fn under_a_narrow_rule_another_user_runs_no_backup() {
    let bench = Bench::new(Rules::Narrow);
    let mut root = Command::new("/usr/bin/mysqldump");
    root.args(bench.arguments("backup.cnf")).env_clear();
    assert_ne!(run(&mut root).code, Some(0));
    let (uid, gid) = crate::support::machine::user("nobody");
    assert_ne!(run(root.uid(uid).gid(gid)).code, Some(0));
}
