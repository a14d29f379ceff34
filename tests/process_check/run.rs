//! Foreign code in the genuine program, and others that watch it.

use super::stage::{
    Held, NOBODY, Nobody, Root, SECRET, Stage, User, os, own, set_mode, steps, tells,
};
use super::support::machine::program;
use super::support::process::{Outcome, Running, run, until};
use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const FOREIGN_LIBRARY: &[&str] = &["runs code of"];
const MEMORY: &[&str] = &["executable memory", "changed in memory"];
/// Kinds of executable memory without a file of one's own.
const MEMORIES: [&str; 4] = ["anonymous", "shared", "memfd", "segment"];
const FORGED: &[&str] = &["not mapped", "runs code of"];
const TRACED: &[&str] = &["traced"];

/// The reader with the spy's file in its environment.
fn spied(stage: &Stage, user: User, file: &Path) -> Command {
    let mut command = user.starts(stage.reader(), steps(&["exe", "read"], file));
    command.env("SPY_FILE", file);
    command
}

/// Whether the spy, in the genuine program, says this.
fn spy_says(stage: &Stage, outcome: &Outcome, text: &str) -> bool {
    outcome.stderr.contains(&format!("spy in {}: {text}", stage.reader().display()))
}

/// Fails the test unless the spy reads a file in the clear out of the genuine program, and is
/// denied the encrypted one there.
#[track_caller]
fn assert_spy_denied(stage: &Stage, user: User, into: impl Fn(&mut Command)) -> Outcome {
    let attacked = stage.assert_denied_to(user, FOREIGN_LIBRARY, |file| {
        let mut command = spied(stage, user, file);
        into(&mut command);
        command
    });
    assert!(spy_says(stage, &attacked.plain, SECRET), "a blind test: {}", attacked.plain);
    assert!(spy_says(stage, &attacked.denied, "Permission denied"), "{}", attacked.denied);
    stage.assert_disguised(&attacked);
    attacked.denied
}

#[test]
fn a_preloaded_library_of_a_users_is_denied() {
    let stage = Stage::allowing("");
    for owner in [Nobody, Root] {
        let library = stage.spy("home/spy.so", owner, &[]);
        if owner == Root {
            // Root's, but others may write to it.
            std::os::unix::fs::chown(&library, Some(0), Some(NOBODY)).unwrap();
            set_mode(&library, 0o775);
        }
        for user in User::BOTH {
            assert_spy_denied(&stage, user, |command| {
                command.env("LD_PRELOAD", &library);
            });
        }
    }
    set_mode(&stage.at("home/spy.so"), 0o757);
    assert_spy_denied(&stage, Nobody, |command| {
        command.env("LD_PRELOAD", stage.at("home/spy.so"));
    });
    stage.assert_reader_works();
}

#[test]
fn a_preloaded_library_that_wipes_the_environment_is_denied() {
    let stage = Stage::allowing("");
    let library = stage.spy("home/spy.so", Nobody, &["-DWIPE"]);
    for user in User::BOTH {
        let denied = assert_spy_denied(&stage, user, |command| {
            command.env("LD_PRELOAD", &library);
        });
        assert!(denied.stderr.contains("the environment is wiped"), "a blind test: {denied}");
    }
}

#[test]
fn an_auditing_library_is_denied() {
    let stage = Stage::allowing("");
    let library = stage.spy("home/spy.so", Nobody, &[]);
    for user in User::BOTH {
        assert_spy_denied(&stage, user, |command| {
            command.env("LD_AUDIT", &library);
        });
    }
}

#[test]
fn a_library_found_by_a_path_in_the_environment_is_denied() {
    let stage = Stage::allowing("");
    let library = stage.spy("home/libgreeting.so.1", Nobody, &["-Wl,-soname,libgreeting.so.1"]);
    for user in User::BOTH {
        assert_spy_denied(&stage, user, |command| {
            command.env("LD_LIBRARY_PATH", library.parent().unwrap());
        });
    }
}

/// The path of a mapping leads elsewhere than the mapping: what is mapped counts.
#[test]
fn a_library_whose_path_leads_to_one_of_roots_now_is_denied() {
    let stage = Stage::allowing("");
    let harmless = stage.at("bin/libgreeting.so.1");
    for user in User::BOTH {
        let library = stage.spy("home/spy.so", Nobody, &[]);
        let mut command = user.starts(stage.reader(), steps(&["wait", "read"], &stage.secret()));
        command.env("LD_PRELOAD", &library);
        let held = Held::start(command);
        let maps = fs::read_to_string(format!("/proc/{}/maps", held.pid())).unwrap();
        assert!(maps.contains("home/spy.so"), "a blind test");
        fs::remove_file(&library).unwrap();
        for name in ["home/spy.so", "home/spy.so (deleted)"] {
            let _ = fs::remove_file(stage.at(name));
            symlink(&harmless, stage.at(name)).unwrap();
        }
        let before = stage.denials().len();
        stage.assert_told_nothing(&held.ends(), before, FOREIGN_LIBRARY);
        fs::remove_file(stage.at("home/spy.so")).unwrap();
    }
}

/// A plugin, or any other file that is mapped executable.
#[test]
fn code_that_was_loaded_out_of_a_users_file_is_denied() {
    let stage = Stage::allowing("");
    let library = stage.spy("home/plugin.so", Nobody, &[]);
    let code = stage.home().join("code");
    fs::write(&code, [0x90; 4096]).unwrap();
    own(&code, Nobody);
    for (step, file) in [("load", &library), ("map", &code)] {
        for user in User::BOTH {
            let words = [step, file.to_str().unwrap(), "exe", "read"];
            let attack = |file: &Path| user.starts(stage.reader(), steps(&words, file));
            stage.assert_disguised(&stage.assert_denied_to(user, FOREIGN_LIBRARY, attack));
        }
    }
    own(&library, Root);
    let words = steps(&["load", library.to_str().unwrap(), "read"], &stage.secret());
    assert!(tells(&run(&mut Nobody.starts(stage.reader(), words)).succeeds()));
}

/// What is in the encrypted tree was put there by who may write to it.
#[test]
fn code_out_of_the_encrypted_tree_is_allowed() {
    let stage = Stage::allowing("");
    let library = stage.spy("plugins/plugin.so", Root, &[]);
    stage.instance.encrypt("@data", library.parent().unwrap());
    for user in User::BOTH {
        let words = steps(&["load", library.to_str().unwrap(), "read"], &stage.secret());
        let told = run(&mut user.starts(stage.reader(), words));
        assert!(tells(&told), "{told}");
    }
}

/// Root can make libraries of root's: a wide rule does not help, one with the libraries does.
#[test]
fn a_library_of_roots_is_denied_by_a_rule_with_the_libraries() {
    let stage = Stage::allowing("");
    let library = stage.spy("bin/spy.so", Root, &[]);
    let preloaded = |file: &Path| {
        let mut command = spied(&stage, Root, file);
        command.env("LD_PRELOAD", &library);
        command
    };
    let wide = run(&mut preloaded(&stage.secret()));
    assert!(spy_says(&stage, &wide, SECRET), "no attack: a blind test: {wide}");
    stage.without_rules();
    stage.allow("--libraries");
    stage.assert_reader_works();
    for user in User::BOTH {
        for name in ["LD_PRELOAD", "LD_AUDIT"] {
            assert_spy_denied(&stage, user, |command| {
                command.env(name, &library);
            });
        }
    }
    // Its own library, with other contents: the path holds, the fingerprint does not.
    let genuine = stage.at("bin/libgreeting.so.1");
    fs::rename(&genuine, stage.at("genuine")).unwrap();
    stage.spy("bin/libgreeting.so.1", Root, &["-Wl,-soname,libgreeting.so.1"]);
    for user in User::BOTH {
        assert_spy_denied(&stage, user, |_| ());
    }
    fs::rename(stage.at("genuine"), genuine).unwrap();
    stage.assert_reader_works();
}

#[test]
fn a_plugin_is_denied_by_a_rule_with_the_libraries_unless_it_is_named() {
    let stage = Stage::allowing("--libraries");
    let plugin = stage.spy("bin/plugin.so", Root, &[]);
    let loads = ["load", plugin.to_str().unwrap(), "exe", "read"];
    for user in User::BOTH {
        let attack = |file: &Path| user.starts(stage.reader(), steps(&loads, file));
        stage.assert_disguised(&stage.assert_denied_to(user, FOREIGN_LIBRARY, attack));
    }
    stage.without_rules();
    stage.allow(&format!("--libraries={}", plugin.display()));
    for user in User::BOTH {
        let mut command = user.starts(stage.reader(), steps(&loads, &stage.secret()));
        assert!(tells(&run(&mut command).succeeds()));
    }
    stage.assert_reader_works();
}

#[test]
fn executable_memory_without_a_file_is_denied_unless_the_rule_allows_it() {
    let stage = Stage::allowing("");
    for step in MEMORIES {
        for user in User::BOTH {
            let attack =
                |file: &Path| user.starts(stage.reader(), steps(&[step, "exe", "read"], file));
            stage.assert_disguised(&stage.assert_denied_to(user, MEMORY, attack));
        }
    }
    stage.without_rules();
    stage.allow("--jit");
    for step in MEMORIES {
        for user in User::BOTH {
            let words = steps(&[step, "read"], &stage.secret());
            let told = run(&mut user.starts(stage.reader(), words));
            assert!(tells(&told), "{step}: {told}");
        }
    }
    // Not for files of others.
    let library = stage.spy("home/spy.so", Nobody, &[]);
    assert_spy_denied(&stage, Nobody, |command| {
        command.env("LD_PRELOAD", &library);
    });
}

/// Nothing is traced any more and every mapping is of the genuine file, but what is there is not.
#[test]
fn code_that_was_written_over_the_programs_own_is_denied() {
    let stage = Stage::allowing("");
    for user in User::BOTH {
        let held =
            Held::start(user.starts(stage.reader(), steps(&["wait", "read"], &stage.secret())));
        let process = |name: &str| format!("/proc/{}/{name}", held.pid());
        let maps = fs::read_to_string(process("maps")).unwrap();
        let code = format!("{}", stage.reader().display());
        let line =
            maps.lines().find(|line| line.contains("r-xp") && line.ends_with(&code)).unwrap();
        let start = u64::from_str_radix(line.split('-').next().unwrap(), 16).unwrap();
        // As whoever runs it may; behind the last instruction, which changes nothing.
        let memory = fs::File::options().read(true).write(true).open(process("mem")).unwrap();
        let mut last = [0];
        memory.read_exact_at(&mut last, start + 4095).unwrap();
        memory.write_all_at(&[last[0] ^ 1], start + 4095).unwrap();
        let before = stage.denials().len();
        stage.assert_told_nothing(&held.ends(), before, MEMORY);
    }
}

/// The program that has its path forged, and the library that it does that in.
pub fn forger(stage: &Stage, owner: User) -> std::path::PathBuf {
    let library = ["-DLIBRARY", "-shared", "-fPIC", "-Wl,-z,now"];
    let library = stage.build("forge.c", "forger/libforge.so", &library);
    own(&library, owner);
    let found = format!("-Wl,-z,now,-rpath,{}", library.parent().unwrap().display());
    let program = ["-DPROGRAM", library.to_str().unwrap(), &found];
    stage.build("forge.c", "forger/forge", &program)
}

fn forges(stage: &Stage, user: User, how: &str, file: &Path) -> Command {
    let forge = stage.at("forger/forge");
    user.starts(forge, [os(how), stage.reader().into(), file.into()])
}

/// `PR_SET_MM_MAP`. A process of the ordinary user needs a child in a user namespace for it.
#[test]
fn a_process_that_has_its_path_forged_is_denied() {
    let stage = Stage::allowing("");
    for owner in [Root, Nobody] {
        forger(&stage, owner);
        for (user, how) in [(Nobody, "child"), (Root, "child"), (Root, "map")] {
            let attacked =
                stage.assert_denied_to(user, FORGED, |file| forges(&stage, user, how, file));
            stage.assert_disguised(&attacked);
        }
    }
}

/// It also maps the program's code, as the genuine one has it.
#[test]
fn a_forged_path_with_the_programs_code_mapped_is_denied() {
    let stage = Stage::allowing("");
    forger(&stage, Nobody);
    for (user, how) in [(Nobody, "child+"), (Root, "map+")] {
        let attacked = stage.assert_denied_to(user, FORGED, |file| forges(&stage, user, how, file));
        stage.assert_disguised(&attacked);
    }
    stage.without_rules();
    stage.allow("--libraries");
    forger(&stage, Root);
    for (user, how) in [(Nobody, "child+"), (Root, "map+")] {
        let attacked = stage.assert_denied_to(user, FORGED, |file| forges(&stage, user, how, file));
        stage.assert_disguised(&attacked);
    }
}

#[test]
fn a_program_that_is_traced_from_its_start_is_denied() {
    let stage = Stage::allowing("");
    for user in User::BOTH {
        let attacked = stage.assert_denied_to(user, TRACED, |file| {
            let options = ["-f", "-e", "trace=read", "-s", "100"];
            let mut command = user.starts(program("strace"), options);
            command.arg(stage.reader()).args(steps(&["exe", "read"], file));
            command
        });
        assert!(attacked.plain.stderr.contains(SECRET), "strace does not tell: a blind test");
        stage.assert_disguised(&attacked);
        let attacked = stage.assert_denied_to(user, TRACED, |file| {
            let options = ["--batch", "-nx", "-return-child-result", "-ex", "run", "--args"];
            let mut command = user.starts(program("gdb"), options);
            command.arg(stage.reader()).args(steps(&["exe", "read"], file));
            command
        });
        stage.assert_disguised(&attacked);
    }
    stage.assert_reader_works();
}

/// `PTRACE_SEIZE`, which stops nothing: the main thread while another one opens the file, and the
/// other way round.
#[test]
fn a_program_of_which_any_thread_is_traced_is_denied() {
    let stage = Stage::allowing("");
    let tracer = stage.build("tracer.c", "bin/tracer", &[]);
    for user in User::BOTH {
        for (steps_before, of_main_thread) in [
            (&["wait", "exe", "read"][..], true),
            (&["spawn", "wait", "exe", "read"], true),
            (&["thread", "wait", "exe", "read"], false),
        ] {
            let mut held =
                Held::start(user.starts(stage.reader(), steps(steps_before, &stage.secret())));
            let thread = if of_main_thread { held.pid() } else { thread_of(&mut held) };
            let mut tracing =
                Running::spawn(user.starts(&tracer, [thread.to_string()]).stdin(Stdio::null()));
            until("the thread is seized", Duration::from_secs(30), || {
                tracing.so_far().stdout.contains("seized")
            });
            let before = stage.denials().len();
            let ended = held.ends();
            assert!(ended.stdout.contains(&format!("exe {}\n", stage.reader().display())));
            stage.assert_told_nothing(&ended, before, TRACED);
        }
    }
    stage.assert_reader_works();
}

/// The second thread, by what it printed.
fn thread_of(held: &mut Held) -> u32 {
    let mut thread = None;
    until("the thread runs", Duration::from_secs(30), || {
        let told = held.so_far().stdout;
        thread = told.lines().find_map(|line| line.strip_prefix("thread ")?.parse().ok());
        thread.is_some()
    });
    thread.unwrap()
}
