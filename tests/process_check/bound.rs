//! The genuine program, run in another way than its rule says.

use super::stage::{Nobody, Root, Stage, User, os, steps, tells};
use super::support::machine::program;
use super::support::process::{Outcome, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ARGUMENTS: &[&str] = &["other arguments", "was started as"];
const ENVIRONMENT: &[&str] = &["environment"];
const USER: &[&str] = &["runs as user"];
const GROUP: &[&str] = &["runs as group"];
const PARENT: &[&str] = &["other program", "not started by"];
const UNIT: &[&str] = &["in no unit", "in unit"];

#[track_caller]
fn assert_allowed(command: &mut Command) -> Outcome {
    let told = run(command);
    assert!(tells(&told), "not allowed: {told}");
    told
}

/// Fails the test unless this reads the encrypted file under a wide rule, and is denied it under
/// one with these parameters. A rule with the parameters is in force afterwards.
#[track_caller]
fn assert_bound(
    stage: &Stage,
    parameters: &str,
    reasons: &[&str],
    commands: &[&dyn Fn() -> Command],
) {
    stage.without_rules();
    stage.allow("");
    for command in commands {
        let wide = run(&mut command());
        assert!(tells(&wide), "{parameters}: no attack: a blind test: {wide}");
    }
    stage.without_rules();
    stage.allow(parameters);
    for command in commands {
        let before = stage.denials().len();
        stage.assert_told_nothing(&run(&mut command()), before, reasons);
    }
}

#[test]
fn other_arguments_are_denied() {
    let stage = Stage::new();
    let (reader, secret) = (stage.reader(), stage.secret());
    let args = format!("--args='read {}'", secret.display());
    let detour = stage.at("data/../data/file");
    for user in User::BOTH {
        let starts = |words: &[&str], file: &Path| user.starts(&reader, steps(words, file));
        let named = |name: &str| {
            let script = "exec -a \"$1\" \"$2\" read \"$3\"";
            user.shell(script, [os(name), reader.clone().into(), secret.clone().into()])
        };
        assert_bound(
            &stage,
            &args,
            ARGUMENTS,
            &[
                &|| starts(&["exe", "read"], &secret),
                &|| starts(&["read"], &detour),
                &|| starts(&["read", secret.to_str().unwrap(), "read"], &secret),
                &|| {
                    let mut more = starts(&["read"], &secret);
                    more.arg("exe");
                    more
                },
                &|| named("somebody"),
                &|| named(""),
                &|| named("/usr/bin/other"),
            ],
        );
        assert_allowed(&mut starts(&["read"], &secret));
        assert_allowed(&mut named("reader"));
        let glob = format!("--args='read {}/*'", stage.at("data").display());
        assert_bound(&stage, &glob, ARGUMENTS, &[&|| starts(&["read"], &detour)]);
        assert_allowed(&mut starts(&["read"], &secret));
    }
}

/// What a program is told by its environment is an argument by another door.
#[test]
fn a_variable_that_is_not_known_to_be_harmless_is_denied_with_bound_arguments() {
    let stage = Stage::new();
    let (reader, secret) = (stage.reader(), stage.secret());
    let args = format!("--args='read {}'", secret.display());
    for user in User::BOTH {
        let with = |name: &str, value: &str| {
            let mut command = user.starts(&reader, steps(&["read"], &secret));
            command.env(name, value);
            command
        };
        assert_bound(
            &stage,
            &args,
            ENVIRONMENT,
            &[
                &|| with("READER_OPTIONS", "x"),
                &|| with("LD_BIND_NOW", "1"),
                &|| with("GCONV_PATH", "/nowhere"),
                &|| with("PATH", "/tmp:/usr/bin:/bin"),
                &|| with("TZ", ":/etc/passwd"),
            ],
        );
        assert_allowed(&mut with("LC_ALL", "C"));
        let more = format!("{args} --env=READER_OPTIONS,GCONV_*");
        assert_bound(&stage, &more, ENVIRONMENT, &[&|| with("READER_OPTION", "x")]);
        assert_allowed(&mut with("READER_OPTIONS", "x"));
        assert_allowed(&mut with("GCONV_PATH", "/nowhere"));
    }
}

/// The reader by `setpriv`, which root runs.
fn by_setpriv(stage: &Stage, options: &[&str]) -> Command {
    let mut command = Root.starts(program("setpriv"), options);
    command.arg(stage.reader()).args(steps(&["read"], &stage.secret()));
    command
}

#[test]
fn another_user_is_denied() {
    let stage = Stage::new();
    let reads = |user: User| user.starts(stage.reader(), steps(&["read"], &stage.secret()));
    let mixed = || by_setpriv(&stage, &["--ruid=65534", "--euid=0", "--regid=0", "--clear-groups"]);
    let reverse =
        || by_setpriv(&stage, &["--ruid=0", "--euid=65534", "--regid=65534", "--clear-groups"]);
    assert_bound(&stage, "--user=nobody", USER, &[&|| reads(Root), &mixed, &reverse]);
    assert_allowed(&mut reads(Nobody));
    assert_bound(&stage, "--user=root", USER, &[&|| reads(Nobody), &mixed, &reverse]);
    assert_allowed(&mut reads(Root));
    assert_bound(
        &stage,
        "--user=root,65534",
        USER,
        &[&|| by_setpriv(&stage, &["--reuid=12345", "--clear-groups"])],
    );
    for mut command in [reads(Root), reads(Nobody), mixed(), reverse()] {
        assert_allowed(&mut command);
    }
}

#[test]
fn another_group_is_denied() {
    let stage = Stage::new();
    let with = |options: &[&str]| by_setpriv(&stage, options);
    assert_bound(
        &stage,
        "--group=nogroup",
        GROUP,
        &[
            &|| with(&["--regid=0", "--clear-groups"]),
            &|| with(&["--reuid=65534", "--regid=1", "--groups=2,3"]),
            &|| with(&["--rgid=65534", "--egid=0", "--clear-groups"]),
        ],
    );
    assert_allowed(&mut with(&["--reuid=65534", "--regid=65534", "--clear-groups"]));
    assert_allowed(&mut with(&["--regid=0", "--groups=1,65534"]));
}

/// The reader starts another program, which reads.
#[test]
fn only_what_the_program_started_counts_as_the_program() {
    let stage = Stage::allowing("--children");
    let (reader, other, secret) = (stage.reader(), stage.other(), stage.secret());
    let other_word = other.to_str().unwrap();
    let child = ["fork", "exec", other_word, "read"];
    let grandchild = [&child[..3], &child].concat();
    for user in User::BOTH {
        for words in [&["read"][..], &child, &grandchild] {
            assert_allowed(&mut user.starts(&reader, steps(words, &secret)));
        }
        let words = [&reader, &other, &secret];
        for mut command in [
            // Started by the shell before that became the program.
            user.shell("\"$2\" when-parent-is \"$1\" read \"$3\" & exec \"$1\" reap", words),
            // Started by that child in the program's name.
            user.shell(
                "\"$2\" when-parent-is \"$1\" sibling read \"$3\" & exec \"$1\" reap",
                words,
            ),
            // Started by the shell beside the program.
            user.shell("\"$1\" sleep & \"$2\" read \"$3\" || exit 1", words),
            // In the program's place: it is not there any more.
            user.starts(&reader, steps(&["exec", other_word, "read"], &secret)),
            user.starts(&reader, steps(&["exec", other_word, "fork", "read"], &secret)),
            user.starts(&other, steps(&["fork", "read"], &secret)),
        ] {
            let before = stage.denials().len();
            stage.assert_told_nothing(&run(&mut command), before, PARENT);
        }
    }
    stage.without_rules();
    stage.allow("");
    for user in User::BOTH {
        let before = stage.denials().len();
        let started = run(&mut user.starts(&reader, steps(&child, &secret)));
        stage.assert_told_nothing(&started, before, PARENT);
    }
}

/// A control group that is gone when this is dropped.
struct Group(PathBuf);

impl Group {
    /// Makes it in the hierarchy that systemd would use, with its parents.
    fn new(name: &str) -> Self {
        let hierarchies = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
        let holds = |base: &&&str| Path::new(base).join("cgroup.procs").exists();
        let base = hierarchies.iter().find(holds).expect("there is no control group filesystem");
        let path = Path::new(base).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The reader in it, as this user.
    fn reads(&self, stage: &Stage, user: User) -> Command {
        let id = user.id();
        let script = format!(
            "echo $$ >\"$1/cgroup.procs\"
             exec setpriv --reuid={id} --regid={id} --clear-groups \"$2\" read \"$3\""
        );
        let words = [self.0.clone(), stage.reader(), stage.secret()];
        Root.shell(&script, words)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut path = self.0.as_path();
        // A parent that somebody else uses stays.
        while fs::remove_dir(path).is_ok() {
            path = path.parent().unwrap();
        }
    }
}

#[test]
fn another_unit_is_denied() {
    let stage = Stage::new();
    let name = format!("ezncrypt-test-{}", std::process::id());
    let group = |path: String| Group::new(&path);
    let own = group(format!("system.slice/{name}.service"));
    let instance = group(format!("system.slice/system-x.slice/{name}@1.service"));
    let below = group(format!("system.slice/{name}.service/inner"));
    let strangers = [
        group(format!("system.slice/{name}-x.service")),
        group(format!("user.slice/user-65534.slice/user@65534.service/{name}.service")),
        group(format!("user.slice/user-65534.slice/user@65534.service/app.slice/{name}.service")),
        group(format!("{name}.service.slice/x.service")),
    ];
    for user in User::BOTH {
        let outside = || user.starts(stage.reader(), steps(&["read"], &stage.secret()));
        let parameters = format!("--unit={name}");
        assert_bound(
            &stage,
            &parameters,
            UNIT,
            &[
                &outside,
                &|| strangers[0].reads(&stage, user),
                &|| strangers[1].reads(&stage, user),
                &|| strangers[2].reads(&stage, user),
                &|| strangers[3].reads(&stage, user),
                &|| instance.reads(&stage, user),
            ],
        );
        assert_allowed(&mut own.reads(&stage, user));
        assert_allowed(&mut below.reads(&stage, user));
        let glob = format!("--unit={name}@*.service");
        assert_bound(&stage, &glob, UNIT, &[&outside, &|| own.reads(&stage, user)]);
        assert_allowed(&mut instance.reads(&stage, user));
    }
}

/// Reading, and nothing else.
#[test]
fn another_kind_of_access_is_denied() {
    let stage = Stage::new();
    let (secret, place) = (stage.secret(), stage.at("data/new"));
    let change = |words: &[&str]| Root.starts(stage.reader(), words);
    stage.allow("--access=read");
    assert_allowed(&mut change(&["read", secret.to_str().unwrap()]));
    for (step, file) in [
        ("write", &secret),
        ("truncate", &secret),
        ("open-truncate", &secret),
        ("unlink", &secret),
        ("chmod", &secret),
        ("setxattr", &secret),
        ("create", &place),
        ("mkdir", &place),
        ("mkfifo", &place),
    ] {
        let before = stage.denials().len();
        let ended = run(&mut change(&[step, file.to_str().unwrap()]));
        stage.assert_told_nothing(&ended, before, &["access", "writ"]);
    }
    assert_allowed(&mut change(&["read", secret.to_str().unwrap()]));
    stage.without_rules();
    stage.allow("--access=write");
    let before = stage.denials().len();
    let ended = run(&mut change(&["read", secret.to_str().unwrap()]));
    stage.assert_told_nothing(&ended, before, &["access", "read"]);
    run(&mut change(&["create", place.to_str().unwrap()])).succeeds();
}
