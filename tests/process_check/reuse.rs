//! A decision about one process does not hold for what comes after it under the same number.

use super::stage::{Held, Nobody, Root, SECRET, Stage, User, os, path_of, steps, tells};
use super::support::process::{Outcome, run};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

const OTHER_PROGRAM: &[&str] = &["other program"];
const OTHER_ARGUMENTS: &[&str] = &["other arguments"];

/// As often as a process id is used again at once.
const TIMES: usize = 10;

fn number_of(outcome: &Outcome) -> u32 {
    outcome.stdout.lines().find_map(|line| line.strip_prefix("pid ")?.parse().ok()).unwrap()
}

/// The program, under a process id of which the process has ended.
fn respawned(respawn: &Path, pid: u32, user: User, program: &Path, words: &[OsString]) -> Command {
    let mut command = Root.starts(respawn, [pid.to_string(), user.id().to_string()]);
    command.arg(program).args(words);
    command
}

#[test]
fn another_program_with_the_process_id_of_an_admitted_one_is_denied() {
    let stage = Stage::allowing("");
    let (respawn, other) = (stage.build("respawn.c", "bin/respawn", &[]), stage.other());
    let words = steps(&["pid", "read"], &stage.secret());
    for user in User::BOTH {
        for _ in 0..TIMES {
            let admitted = run(&mut user.starts(stage.reader(), &words)).succeeds();
            let pid = number_of(&admitted);
            let before = stage.denials().len();
            let next = run(&mut respawned(&respawn, pid, user, &other, &words));
            assert_eq!(number_of(&next), pid, "a blind test");
            stage.assert_told_nothing(&next, before, OTHER_PROGRAM);
        }
    }
}

#[test]
fn the_program_with_other_arguments_and_the_process_id_of_an_admitted_one_is_denied() {
    let stage = Stage::new();
    let respawn = stage.build("respawn.c", "bin/respawn", &[]);
    stage.allow(&format!("--args='pid read {}'", stage.secret().display()));
    let words = steps(&["pid", "read"], &stage.secret());
    let others = steps(&["pid", "exe", "read"], &stage.secret());
    for user in User::BOTH {
        for _ in 0..TIMES {
            let pid = number_of(&run(&mut user.starts(stage.reader(), &words)).succeeds());
            let before = stage.denials().len();
            let next = run(&mut respawned(&respawn, pid, user, &stage.reader(), &others));
            assert_eq!(number_of(&next), pid, "a blind test");
            stage.assert_told_nothing(&next, before, OTHER_ARGUMENTS);
            let same = run(&mut respawned(&respawn, pid, user, &stage.reader(), &words));
            assert!(tells(&same.succeeds()), "the respawned program is not allowed");
        }
    }
}

/// And the other way round: one that was denied does not stand in the way of one that is allowed.
#[test]
fn the_program_with_the_process_id_of_a_denied_one_is_allowed() {
    let stage = Stage::allowing("");
    let (respawn, other) = (stage.build("respawn.c", "bin/respawn", &[]), stage.other());
    let words = steps(&["pid", "read"], &stage.secret());
    for user in User::BOTH {
        let pid = number_of(&run(&mut user.starts(&other, &words)));
        let next = run(&mut respawned(&respawn, pid, user, &stage.reader(), &words));
        assert_eq!(number_of(&next), pid, "a blind test");
        assert!(tells(&next.succeeds()));
    }
}

/// Whether addresses are random; without that a process looks much like the one that executed it.
fn with_addresses(random: bool, user: User, program: &Path, words: &[OsString]) -> Command {
    if random {
        return user.starts(program, words);
    }
    let mut command = user.starts(super::support::machine::program("setarch"), ["-R"]);
    command.arg(program).args(words);
    command
}

#[test]
fn an_admitted_process_that_executes_another_program_is_denied() {
    let stage = Stage::allowing("");
    let (other, secret) = (stage.other(), stage.secret());
    let then = steps(&["wait", "exec", other.to_str().unwrap(), "pid", "read"], &secret);
    let words = [steps(&["pid", "read"], &secret), then].concat();
    for user in User::BOTH {
        for random in [true, false] {
            let mut held = Held::start(with_addresses(random, user, &stage.reader(), &words));
            assert_eq!(path_of(held.pid()), stage.reader());
            assert!(tells(&held.so_far()), "it was not admitted: a blind test");
            let before = stage.denials().len();
            assert_denied_at_last(&stage, &held.ends(), before, OTHER_PROGRAM);
        }
    }
}

/// One read succeeded, and a second one was denied to the same process id.
#[track_caller]
fn assert_denied_at_last(stage: &Stage, ended: &Outcome, before: usize, reasons: &[&str]) {
    assert_eq!(ended.stdout.matches(SECRET).count(), 1, "{ended}");
    let numbers: Vec<_> = ended.stdout.lines().filter(|line| line.starts_with("pid ")).collect();
    assert!(numbers.len() == 2 && numbers[0] == numbers[1], "a blind test: {ended}");
    assert!(ended.code != Some(0) && ended.stderr.contains("Permission denied"), "{ended}");
    stage.assert_logged(before, reasons);
}

/// The program is the same file, the process id and its start time are the same.
#[test]
fn an_admitted_process_that_executes_its_program_with_other_arguments_is_denied() {
    let stage = Stage::new();
    let (reader, secret) = (stage.reader(), stage.secret());
    let (reader, file) = (reader.to_str().unwrap(), secret.to_str().unwrap());
    stage.allow(&format!("--args='pid read {file} wait exec ...'"));
    let words = ["pid", "read", file, "wait", "exec", reader, "pid", "read", file].map(os);
    for user in User::BOTH {
        for random in [true, false] {
            let mut held = Held::start(with_addresses(random, user, &stage.reader(), &words));
            assert!(tells(&held.so_far()), "it was not admitted: a blind test");
            let before = stage.denials().len();
            assert_denied_at_last(&stage, &held.ends(), before, OTHER_ARGUMENTS);
        }
    }
    stage.without_rules();
    stage.allow("");
    let held = Held::start(Nobody.starts(reader, &words));
    assert_eq!(held.ends().succeeds().stdout.matches(SECRET).count(), 2, "a blind test");
}

/// A thread that is not the first one executes: the process keeps its id, and only that thread lives.
#[test]
fn an_execution_by_another_thread_is_judged_anew() {
    let stage = Stage::allowing("");
    let (other, secret) = (stage.other(), stage.secret());
    let then = steps(&["spawn", "exec", other.to_str().unwrap(), "pid", "read"], &secret);
    let words = [steps(&["pid", "read"], &secret), then].concat();
    for user in User::BOTH {
        for random in [true, false] {
            let before = stage.denials().len();
            let ended = run(&mut with_addresses(random, user, &stage.reader(), &words));
            assert_denied_at_last(&stage, &ended, before, OTHER_PROGRAM);
        }
    }
}

/// An execution waits for the threads of the old program, which wait for the service, which looks at
/// the process that executes: nobody waits for ever, and nothing is let in on the way.
#[test]
fn an_execution_while_other_threads_open_files_neither_hangs_nor_lets_in() {
    let stage = Stage::allowing("");
    let (reader, other, secret) = (stage.reader(), stage.other(), stage.secret());
    let hammers = |next: &Path| {
        let then = steps(&["exec", next.to_str().unwrap(), "pid", "read"], &secret);
        [steps(&["pid", "read"], &secret), steps(&["hammer"], &secret), then].concat()
    };
    for user in User::BOTH {
        for random in [true, false].repeat(10) {
            let admitted = run(&mut with_addresses(random, user, &reader, &hammers(&reader)));
            assert_eq!(admitted.succeeds().stdout.matches(SECRET).count(), 2);
            let before = stage.denials().len();
            let ended = run(&mut with_addresses(random, user, &reader, &hammers(&other)));
            assert_denied_at_last(&stage, &ended, before, OTHER_PROGRAM);
        }
    }
}

/// The same with a program that lies in the encrypted tree itself.
#[test]
fn an_encrypted_program_that_executes_itself_while_it_opens_files_does_not_hang() {
    let stage = Stage::new();
    let reader = stage.build_reader("encrypted/reader", &[]);
    stage.instance.encrypt("@programs", reader.parent().unwrap());
    let encrypted = std::fs::canonicalize(&reader).unwrap();
    stage.rule("ALLOW @programs * /bin/bash");
    stage.rule(&format!("ALLOW @programs * {}", encrypted.display()));
    stage.rule(&format!("ALLOW @data * {}", encrypted.display()));
    let (word, secret) = (encrypted.to_str().unwrap(), stage.secret());
    let words = [steps(&["hammer"], &secret), steps(&["exec", word, "hammer"], &secret)];
    let words = [&words.concat()[..], &steps(&["exec", word, "read"], &secret)].concat();
    for user in User::BOTH {
        for _ in 0..10 {
            let mut command = user.shell("exec \"$@\"", [os(word)]);
            let told = run(command.args(&words)).succeeds();
            assert!(tells(&told), "{told}");
        }
    }
}

#[test]
fn an_admitted_process_that_executes_its_program_with_a_foreign_library_is_denied() {
    let stage = Stage::allowing("");
    let library = stage.spy("home/spy.so", Nobody, &[]);
    let (reader, secret) = (stage.reader(), stage.secret());
    let environment = ["env", "LD_PRELOAD", library.to_str().unwrap()];
    let then = steps(&["exec", reader.to_str().unwrap(), "pid", "read"], &secret);
    let words = [steps(&["pid", "read"], &secret), environment.map(os).to_vec(), then].concat();
    for user in User::BOTH {
        for random in [true, false] {
            let before = stage.denials().len();
            let ended = run(&mut with_addresses(random, user, &reader, &words));
            assert_denied_at_last(&stage, &ended, before, &["runs code of"]);
        }
    }
}

/// A decision is about a process as it was: another user id is another process.
#[test]
fn an_admitted_process_that_changes_its_user_is_judged_anew() {
    let stage = Stage::allowing("--user=root");
    let words = [steps(&["pid", "read"], &stage.secret()), vec![os("uid"), os("65534")]].concat();
    let words = [words, steps(&["pid", "read"], &stage.secret())].concat();
    let before = stage.denials().len();
    let ended = run(&mut Root.starts(stage.reader(), &words));
    assert_denied_at_last(&stage, &ended, before, &["runs as user"]);
    stage.without_rules();
    stage.allow("--user=nobody,root");
    let ended = run(&mut Root.starts(stage.reader(), &words)).succeeds();
    assert_eq!(ended.stdout.matches(SECRET).count(), 2, "a blind test: {ended}");
}

/// Where the kernel says that a program lies is what tells one execution from the next, and which file
/// it is of: a process may have the kernel say something else of both.
#[test]
fn an_executed_program_that_has_itself_taken_for_the_admitted_one_is_denied() {
    let stage = Stage::allowing("");
    let forge = super::run::forger(&stage, Nobody);
    let (reader, secret) = (stage.reader(), stage.secret());
    let place = stage.open_directory("notes");
    let (reader_word, forge_word) = (reader.to_str().unwrap(), forge.to_str().unwrap());
    for user in User::BOTH {
        let (plain, secret_file) = (stage.plain(), secret.clone());
        // With `!` by a thread that outlives the first one.
        for (how, file) in [
            ("child=", &plain),
            ("child=", &secret_file),
            ("child=!", &plain),
            ("child=!", &secret_file),
        ] {
            let file = file.clone();
            let note = place.join(format!("{}/stat", user.id()));
            stage.open_directory(&format!("notes/{}", user.id()));
            let words = [
                steps(&["pid", "read"], &secret),
                steps(&["note"], &note),
                steps(&["directory"], note.parent().unwrap()),
                steps(&["exec", forge_word, how, reader_word], &file),
            ];
            let before = stage.denials().len();
            let ended = run(&mut user.starts(&reader, words.concat()));
            assert!(
                ended.stdout.contains(&format!("exe {reader_word}\n")),
                "a blind test: {ended}"
            );
            let told = ended.stdout.matches(SECRET).count();
            if file == stage.plain() {
                assert_eq!(told, 2, "a blind test: {ended}");
            } else {
                assert_eq!(told, 1, "it reads the plaintext: {ended}");
                assert!(ended.stderr.contains("Permission denied"), "{ended}");
                stage.assert_logged(before, &["not mapped", "runs code of"]);
            }
        }
    }
}
