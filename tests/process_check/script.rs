//! An interpreter that is allowed for one script only.

use super::stage::{Root, Stage, User, os, own, set_mode, tells};
use super::support::machine::program;
use super::support::process::run;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SCRIPT: &[&str] = &["script", "another file is at"];
const ENVIRONMENT: &[&str] = &["environment"];

/// Reads in the shell itself: no program that it starts is asked about.
const READS: &str = "#!/bin/bash\nread -r line <\"$1\" || exit 1\necho \"$line\"\n";

/// A stage on which the shell is allowed for a script that reads the file it is given.
struct Scripted {
    stage: Stage,
    script: PathBuf,
}

impl Scripted {
    fn new() -> Self {
        let stage = Stage::new();
        let script = written(&stage, "bin/script", READS);
        Self { stage, script }
    }

    /// Puts the wide rule in force, or the one with the script.
    #[track_caller]
    fn bind(&self, parameters: &str) {
        self.stage.without_rules();
        self.stage.rule(&format!("ALLOW @data * /bin/bash {parameters}"));
    }

    fn bind_script(&self) {
        self.bind(&format!("--script={}", self.script.display()));
    }

    fn by_kernel(&self, user: User) -> Command {
        user.starts(&self.script, [self.stage.secret()])
    }

    fn by_shell(&self, user: User, words: &[OsString]) -> Command {
        let mut command = user.starts("/bin/bash", words);
        command.arg(self.stage.secret());
        command
    }

    /// Fails the test unless this reads under a wide rule for the shell, and is denied under the one
    /// with the script.
    #[track_caller]
    fn assert_denied(&self, reasons: &[&str], command: impl Fn(User) -> Command) {
        self.bind("");
        for user in User::BOTH {
            let wide = run(&mut command(user));
            assert!(tells(&wide), "no attack: a blind test: {wide}");
        }
        self.bind_script();
        for user in User::BOTH {
            let before = self.stage.denials().len();
            self.stage.assert_told_nothing(&run(&mut command(user)), before, reasons);
        }
    }
}

fn written(stage: &Stage, name: &str, text: &str) -> PathBuf {
    let path = stage.at(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    set_mode(&path, 0o755);
    path
}

#[test]
fn the_script_is_allowed_as_the_kernel_runs_it_and_as_an_argument_of_its_shell() {
    let scripted = Scripted::new();
    scripted.bind_script();
    for user in User::BOTH {
        for mut command in
            [scripted.by_kernel(user), scripted.by_shell(user, &[scripted.script.clone().into()])]
        {
            let told = run(&mut command);
            assert!(tells(&told), "{told}");
        }
    }
}

#[test]
fn another_script_is_denied() {
    let scripted = Scripted::new();
    let other = written(&scripted.stage, "bin/other-script", READS);
    scripted.assert_denied(SCRIPT, |user| user.starts(&other, [scripted.stage.secret()]));
    scripted.assert_denied(SCRIPT, |user| scripted.by_shell(user, &[other.clone().into()]));
    // What it says it is called.
    scripted.assert_denied(SCRIPT, |user| {
        let named = "exec -a /bin/bash /bin/bash \"$@\"";
        user.shell(named, [other.clone(), scripted.stage.secret()])
    });
}

#[test]
fn the_script_by_another_path_is_denied() {
    let scripted = Scripted::new();
    let home = scripted.stage.home();
    let (link, hard) = (home.join("script"), scripted.stage.at("bin/hard"));
    std::os::unix::fs::symlink(&scripted.script, &link).unwrap();
    fs::hard_link(&scripted.script, &hard).unwrap();
    let detour = scripted.stage.at("bin/../bin/script");
    for path in [link, hard, detour] {
        scripted.assert_denied(SCRIPT, |user| user.starts(&path, [scripted.stage.secret()]));
        scripted.assert_denied(SCRIPT, |user| scripted.by_shell(user, &[path.clone().into()]));
    }
    scripted.assert_denied(SCRIPT, |user| {
        let mut command = scripted.by_shell(user, &[os("script")]);
        command.current_dir(scripted.script.parent().unwrap());
        command
    });
    scripted.assert_denied(SCRIPT, |user| {
        let words = [scripted.script.clone(), scripted.stage.secret()];
        user.shell("exec 3<\"$1\"; exec /bin/bash /dev/fd/3 \"$2\"", words)
    });
    scripted.assert_denied(SCRIPT, |user| {
        let words = [scripted.script.clone(), scripted.stage.secret()];
        user.shell("exec /bin/bash -s \"$2\" <\"$1\"", words)
    });
}

/// Each runs commands of the caller's in the shell that is allowed for the script.
#[test]
fn commands_of_the_callers_are_denied() {
    let scripted = Scripted::new();
    let evil = written(&scripted.stage, "home/evil", READS);
    own(&evil, super::stage::Nobody);
    let script = || OsString::from(&scripted.script);
    let command = "read -r line <\"$1\" || exit 1; echo \"$line\"";
    for words in [
        vec![os("-c"), os(command), script()],
        vec![os("-c"), os(&format!("{command} #")), script()],
        vec![os("-x"), script()],
        vec![os("-e"), script()],
        vec![os("-O"), os("extglob"), script()],
        vec![os("--"), script()],
        vec![os("--rcfile"), evil.clone().into(), script()],
        vec![os("+x"), script()],
    ] {
        scripted.assert_denied(SCRIPT, |user| scripted.by_shell(user, &words));
    }
}

/// `BASH_ENV` names a file that the shell reads first; functions, and what is printed for each
/// command, may come by the environment too.
#[test]
fn commands_out_of_the_environment_are_denied() {
    let scripted = Scripted::new();
    let secret = scripted.stage.secret();
    let evil = format!(
        "read -r line <'{}' || exit 1; builtin echo \"evil $line\"; exit 0",
        secret.display()
    );
    let file = written(&scripted.stage, "home/evil", &evil);
    for (name, value) in [
        ("BASH_ENV", file.to_str().unwrap()),
        ("BASH_FUNC_echo%%", &format!("() {{ {evil}; }}")),
        ("SHELLOPTS", "xtrace"),
        ("IFS", "x"),
    ] {
        scripted.assert_denied(ENVIRONMENT, |user| {
            let mut command = scripted.by_kernel(user);
            command.env(name, value);
            command
        });
    }
    scripted.bind("");
    let evil = run(scripted.by_kernel(Root).env("BASH_ENV", &file));
    assert!(evil.stdout.starts_with("evil "), "a blind test: {evil}");
}

#[test]
fn a_changed_script_is_denied() {
    let scripted = Scripted::new();
    scripted.bind_script();
    let changed = format!("{READS}echo changed\n");
    for in_place in [true, false] {
        if !in_place {
            fs::remove_file(&scripted.script).unwrap();
        }
        fs::write(&scripted.script, &changed).unwrap();
        set_mode(&scripted.script, 0o755);
        for user in User::BOTH {
            let before = scripted.stage.denials().len();
            let told = run(&mut scripted.by_kernel(user));
            assert!(
                told.stdout.contains("changed") || told.code == Some(1),
                "a blind test: {told}"
            );
            scripted.stage.assert_told_nothing(&told, before, SCRIPT);
        }
    }
    fs::write(&scripted.script, READS).unwrap();
    assert!(tells(&run(&mut scripted.by_kernel(Root))));
}

/// A script runs line by line: who may write to it may change what is run behind the check.
#[test]
fn a_script_that_others_may_change_is_refused_or_denied() {
    let scripted = Scripted::new();
    let parameters = format!("--script={}", scripted.script.display());
    let rule = format!("ALLOW @data * /bin/bash {parameters}");
    for path in [&scripted.script, &scripted.stage.at("bin"), &scripted.stage.at(".")] {
        for mode in [0o775, 0o757] {
            std::os::unix::fs::chown(path, None, Some(super::stage::NOBODY)).unwrap();
            set_mode(path, mode);
            let refused = scripted.stage.instance.access(["-a", &rule]);
            assert_ne!(refused.code, Some(0), "{refused}");
            set_mode(path, 0o755);
        }
    }
    scripted.bind_script();
    assert!(tells(&run(&mut scripted.by_kernel(Root))));
    for change in [&(|| set_mode(&scripted.script, 0o757)) as &dyn Fn(), &|| {
        own(&scripted.script, super::stage::Nobody)
    }] {
        change();
        for user in User::BOTH {
            let before = scripted.stage.denials().len();
            let told = run(&mut scripted.by_kernel(user));
            scripted.stage.assert_told_nothing(&told, before, SCRIPT);
        }
        own(&scripted.script, Root);
        set_mode(&scripted.script, 0o755);
    }
}

/// The path in the arguments is the script's, and leads elsewhere for the process that bears them.
#[test]
fn another_script_mounted_over_the_script_is_denied() {
    let scripted = Scripted::new();
    let evil = written(&scripted.stage, "bin/evil", &format!("{READS}echo evil\n"));
    let mounted = |file: &Path| {
        let script = "mount --bind \"$1\" \"$2\"; exec \"$2\" \"$3\"";
        let options = ["--mount", "--propagation", "private", "/bin/bash", "-e", "-c", script];
        let mut command = Root.starts(program("unshare"), options);
        command.args([
            os("bash"),
            evil.clone().into(),
            scripted.script.clone().into(),
            file.into(),
        ]);
        command
    };
    scripted.bind("");
    let wide = run(&mut mounted(&scripted.stage.secret()));
    assert!(tells(&wide) && wide.stdout.contains("evil"), "a blind test: {wide}");
    scripted.bind_script();
    let before = scripted.stage.denials().len();
    let told = run(&mut mounted(&scripted.stage.secret()));
    scripted.stage.assert_told_nothing(&told, before, &[SCRIPT, &["mounted"]].concat());
}
