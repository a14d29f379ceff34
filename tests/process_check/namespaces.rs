//! Foreign namespaces, another root directory, and what is mounted in them.

use super::stage::{
    Held, Nobody, Root, SECRET, Stage, User, os, own, path_of, set_mode, steps, tells,
};
use super::support::machine::program;
use super::support::process::run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAMESPACE: &[&str] = &["namespace"];
const ROOT_DIRECTORY: &[&str] = &["root directory"];
const MOUNTED: &[&str] = &["mounted"];
const NOT_THE_PROGRAM: &[&str] = &["other program", "another file", "tainted", "mounted"];

/// `unshare OPTIONS READER exe read FILE`.
fn unshared(stage: &Stage, user: User, options: &[&str], file: &Path) -> Command {
    let mut command = user.starts(program("unshare"), options);
    command.arg(stage.reader()).args(steps(&["exe", "read"], file));
    command
}

/// A shell script in a mount namespace of its own; then the program, as this user, with `exe read FILE`.
/// In the script `$0` is the file.
fn in_own_mounts(user: User, script: &str, program_path: &Path, file: &Path) -> Command {
    let id = user.id();
    let script = format!(
        "set -e; {script}; exec setpriv --reuid={id} --regid={id} --clear-groups '{}' exe read \"$0\"",
        program_path.display()
    );
    let options = ["--mount", "--propagation", "private", "/bin/bash", "-c", &script];
    let mut command = Root.starts(program("unshare"), options);
    command.arg(file);
    command
}

#[test]
fn a_user_namespace_is_denied_unless_the_rule_names_it() {
    let stage = Stage::allowing("--namespaces=pid");
    for user in User::BOTH {
        for options in [&["--user"][..], &["--user", "--map-root-user"]] {
            let attack = |file: &Path| unshared(&stage, user, options, file);
            stage.assert_disguised(&stage.assert_denied_to(user, NAMESPACE, attack));
        }
    }
    stage.without_rules();
    stage.allow("--namespaces=user");
    for user in User::BOTH {
        let told = run(&mut unshared(&stage, user, &["--user"], &stage.secret()));
        assert!(tells(&told), "{told}");
    }
}

#[test]
fn a_pid_namespace_is_denied_unless_the_rule_names_it() {
    let stage = Stage::allowing("");
    let pid = ["--pid", "--fork"];
    let attack = |file: &Path| unshared(&stage, Root, &pid, file);
    stage.assert_disguised(&stage.assert_denied_to(Root, NAMESPACE, attack));
    let with_user = ["--user", "--map-root-user", "--pid", "--fork"];
    let attack = |file: &Path| unshared(&stage, Nobody, &with_user, file);
    stage.assert_disguised(&stage.assert_denied_to(Nobody, NAMESPACE, attack));
    // The process in it that root started for somebody else.
    let as_nobody = [&pid[..], &["setpriv", "--reuid=65534", "--clear-groups"]].concat();
    let attack = |file: &Path| unshared(&stage, Root, &as_nobody, file);
    stage.assert_disguised(&stage.assert_denied_to(Nobody, NAMESPACE, attack));

    stage.without_rules();
    stage.allow("--namespaces=pid");
    for options in [&pid[..], &as_nobody] {
        let told = run(&mut unshared(&stage, Root, options, &stage.secret()));
        assert!(tells(&told), "{told}");
    }
    let before = stage.denials().len();
    let both = run(&mut unshared(&stage, Nobody, &with_user, &stage.secret()));
    stage.assert_told_nothing(&both, before, NAMESPACE);
    stage.without_rules();
    stage.allow("--namespaces=pid,user");
    let told = run(&mut unshared(&stage, Nobody, &with_user, &stage.secret()));
    assert!(tells(&told), "{told}");
}

/// As systemd makes one for a server.
#[test]
fn a_mount_namespace_alone_is_allowed() {
    let stage = Stage::allowing("");
    for user in User::BOTH {
        let mut command = in_own_mounts(user, ":", &stage.reader(), &stage.secret());
        assert!(tells(&run(&mut command).succeeds()));
        let script = "mount -t tmpfs none /mnt; mount --bind -o ro /usr /usr";
        let mut command = in_own_mounts(user, script, &stage.reader(), &stage.secret());
        assert!(tells(&run(&mut command).succeeds()));
    }
}

/// It bears the rule's path, also in the eyes of who looks at it from outside.
#[test]
fn another_program_mounted_over_the_allowed_one_is_denied() {
    let stage = Stage::allowing("");
    let (reader, other) = (stage.reader(), stage.other());
    let twin = stage.at("twin");
    fs::copy(&reader, &twin).unwrap();
    set_mode(&twin, 0o755);
    let theirs = stage.directory("theirs");
    fs::copy(&other, theirs.join("reader")).unwrap();
    fs::copy(stage.at("bin/libgreeting.so.1"), theirs.join("libgreeting.so.1")).unwrap();
    set_mode(&theirs.join("reader"), 0o755);
    let bind =
        |from: &Path, at: &Path| format!("mount --bind '{}' '{}'", from.display(), at.display());
    for script in [bind(&other, &reader), bind(&twin, &reader), bind(&theirs, &stage.at("bin"))] {
        for user in User::BOTH {
            let attack = |file: &Path| in_own_mounts(user, &script, &reader, file);
            stage.assert_disguised(&stage.assert_denied_to(user, NOT_THE_PROGRAM, attack));
        }
        let words = format!("set -e; {script}; exec '{}' wait read \"$0\"", reader.display());
        let mut command = Root.starts(program("unshare"), ["--mount", "/bin/bash", "-c", &words]);
        command.arg(stage.secret());
        let held = Held::start(command);
        assert_eq!(path_of(held.pid()), reader, "a path-only check: a blind test");
        let before = stage.denials().len();
        stage.assert_told_nothing(&held.ends(), before, NOT_THE_PROGRAM);
    }
}

#[test]
fn the_program_at_another_place_of_a_mount_namespace_is_denied() {
    let stage = Stage::allowing("");
    let place = stage.at("place");
    fs::write(&place, "").unwrap();
    let script = format!("mount --bind '{}' '{}'", stage.reader().display(), place.display());
    stage.assert_denied(NOT_THE_PROGRAM, |user, file| in_own_mounts(user, &script, &place, file));
}

/// What an allowed program reads would be the attacker's, and where it writes too.
#[test]
fn something_mounted_in_the_encrypted_tree_or_over_it_is_denied() {
    let stage = Stage::allowing("");
    let data = fs::canonicalize(stage.at("data")).unwrap();
    let (mount, state) = (stage.instance.mount(), stage.instance.state());
    let elsewhere = stage.directory("elsewhere");
    let moved = elsewhere.join(data.strip_prefix(&mount).unwrap()).join("file");
    let tmpfs = |at: &Path| format!("mount -t tmpfs -o mode=755 none '{}'", at.display());
    let bind_mount = format!("mount --bind '{}' '{}'", mount.display(), elsewhere.display());
    let over_mount = format!("{bind_mount}; {}", tmpfs(&mount));
    let over_state = format!("{bind_mount}; {}", tmpfs(&state));
    for (script, file) in [
        (tmpfs(&data.join("sub")), data.join("file")),
        (over_mount, moved.clone()),
        (over_state, moved),
    ] {
        for user in User::BOTH {
            let attack = |wanted: &Path| {
                let wanted = if wanted == stage.plain() { wanted } else { &file };
                in_own_mounts(user, &script, &stage.reader(), wanted)
            };
            let reasons = [MOUNTED, &["encrypted tree"]].concat();
            stage.assert_disguised(&stage.assert_denied_to(user, &reasons, attack));
        }
    }
    stage.assert_reader_works();
}

/// A root directory with the program in it, which needs no libraries.
fn root_directory(stage: &Stage) -> (PathBuf, PathBuf) {
    let root = stage.directory("root");
    let greeting = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process_check/greeting.c");
    let program = stage.build("reader.c", "root/reader", &["-static", greeting.to_str().unwrap()]);
    (root, program)
}

/// The program in the root directory, with the file's directory as descriptor 3.
fn in_root(user: User, root: &Path, steps: &str, file: &Path) -> Command {
    let id = user.id();
    let script = format!(
        "exec 3<\"$1\"; exec chroot --userspec={id}:{id} \"$2\" /reader {steps} read-at 3 file"
    );
    Root.shell(&script, [file.parent().unwrap(), root])
}

#[test]
fn another_root_directory_is_denied_unless_the_rule_names_it() {
    let stage = Stage::new();
    let (root, program) = root_directory(&stage);
    let rule = format!("ALLOW @data * {}", program.display());
    stage.rule(&rule);
    for user in User::BOTH {
        let mut free = user.starts(&program, steps(&["read"], &stage.secret()));
        assert!(tells(&run(&mut free).succeeds()), "the program is not allowed: a blind test");
        stage.assert_denied_to(user, ROOT_DIRECTORY, |file| in_root(user, &root, "", file));
        let held = Held::start(in_root(user, &root, "wait", &stage.secret()));
        assert_eq!(path_of(held.pid()), program, "a path-only check: a blind test");
        let before = stage.denials().len();
        stage.assert_told_nothing(&held.ends(), before, ROOT_DIRECTORY);
    }
    stage.without_rules();
    stage.rule(&format!("{rule} --root={}", root.display()));
    for user in User::BOTH {
        let told = run(&mut in_root(user, &root, "", &stage.secret()));
        assert!(tells(&told), "{told}");
        // Bound to that root directory, and to no other.
        let before = stage.denials().len();
        let outside = run(&mut user.starts(&program, steps(&["read"], &stage.secret())));
        stage.assert_told_nothing(&outside, before, ROOT_DIRECTORY);
    }
}

/// The same directory as the service's root, by another mount: a file's device and inode are alike.
#[test]
fn the_root_directory_mounted_at_another_place_is_denied() {
    let stage = Stage::allowing("");
    let place = stage.directory("place");
    for user in User::BOTH {
        stage.assert_denied_to(user, &[ROOT_DIRECTORY, NOT_THE_PROGRAM].concat(), |file| {
            let id = user.id();
            let script = format!(
                "mount --rbind / '{0}'; exec chroot --userspec={id}:{id} '{0}' '{1}' read \"$0\"",
                place.display(),
                stage.reader().display()
            );
            let options = ["--mount", "--propagation", "private", "/bin/bash", "-c", &script];
            let mut command = Root.starts(program("unshare"), options);
            command.arg(file);
            command
        });
    }
}

/// Nobody is root in a user namespace, and may mount there: a library that is root's only there.
#[test]
fn a_process_of_a_user_namespace_with_mounts_of_its_own_is_denied() {
    let stage = Stage::allowing("");
    let library = stage.spy("home/spy.so", Nobody, &[]);
    own(&stage.home(), Nobody);
    for user in User::BOTH {
        let attacked = stage.assert_denied_to(user, NAMESPACE, |file| {
            let script = "mount -t tmpfs none /mnt; cp \"$1\" /mnt/lib.so; \
                SPY_FILE=\"$3\" LD_PRELOAD=/mnt/lib.so exec \"$2\" exe read \"$3\"";
            let options = ["--user", "--map-root-user", "--mount", "/bin/bash", "-e", "-c", script];
            let mut command = user.starts(program("unshare"), options);
            command.args([os("bash"), library.clone().into(), stage.reader().into(), file.into()]);
            command
        });
        assert!(attacked.plain.stderr.contains(SECRET), "a blind test: {}", attacked.plain);
        stage.assert_disguised(&attacked);
    }
}
