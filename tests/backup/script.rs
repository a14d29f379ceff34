//! A shell script that runs mysqldump and gzip, run by cron under a rule that binds it.

use crate::attack::{Attacks, all_work, none_works, tells};
use crate::bench::{Bench, Rules};
use crate::cron::Cron;
use crate::database::assert_restores;
use crate::support::machine::program;
use crate::support::process::{Outcome, run};
use crate::tools::{assert_no_plaintext_at_rest, assert_out_of_reach};
use std::fs::{self, Permissions};
use std::ops::Deref;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A bench with a script in a directory that is root's all the way up.
struct Stage {
    bench: Bench,
    directory: PathBuf,
}

impl Stage {
    #[track_caller]
    fn new(rules: Rules) -> Self {
        let bench = Bench::without_rules(rules);
        let directory = directory_of(&bench);
        fs::create_dir(&directory).unwrap();
        let stage = Self { bench, directory };
        fs::set_permissions(&stage.directory, Permissions::from_mode(0o755)).unwrap();
        // It sets no PATH of its own: that the caller's is not taken is the rule's doing.
        let text = format!(
            "#!/bin/bash\nset -euo pipefail\n\
             mysqldump --defaults-file={} --all-databases | gzip > {}\n",
            stage.option_file("script.cnf").display(),
            stage.packed().display()
        );
        stage.write("backup.sh", &text);
        stage.write("other.sh", &reading(&stage.option_file("script.cnf")));
        match rules {
            Rules::Wide => {
                stage.allow("/bin/bash");
                stage.allow("/usr/bin/mysqldump");
            }
            Rules::Narrow => stage.allow_script(),
        }
        stage
    }

    fn allow_script(&self) {
        let (name, script) = (&self.account.name, script_of(self));
        self.allow(&format!("/bin/bash --user={name} --script={} --children", script.display()));
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }

    fn packed(&self) -> PathBuf {
        self.dumps().join("all.sql.gz")
    }
}

impl Deref for Stage {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn directory_of(bench: &Bench) -> PathBuf {
    Path::new("/usr/local/lib").join(&bench.account.name)
}

fn script_of(bench: &Bench) -> PathBuf {
    directory_of(bench).join("backup.sh")
}

/// A script that prints a file without any other program.
fn reading(file: &Path) -> String {
    format!("#!/bin/bash\necho \"$(<{})\"\n", file.display())
}

/// A command of bash that leaves a copy of the option file in the home directory.
fn stealing(bench: &Bench) -> String {
    let (from, to) = (bench.option_file("script.cnf"), bench.home("stolen"));
    format!("echo \"$(<{})\" > {}\n", from.display(), to.display())
}

fn bash(bench: &Bench, arguments: &[&str]) -> Outcome {
    run(bench.account.command("/bin/bash").args(arguments))
}

/// The script itself, with a variable.
fn script_with(bench: &Bench, variables: &[(&str, &str)]) -> Outcome {
    run(bench.account.command(script_of(bench)).envs(variables.iter().copied()))
}

const ATTACKS: &Attacks = &[
    ("bash -c", |bench| bash(bench, &["-c", &reading(&bench.option_file("script.cnf"))])),
    ("commands on standard input", |bench| {
        let file = bench.write_home("commands", &reading(&bench.option_file("script.cnf")));
        let mut command = bench.account.command("/bin/sh");
        run(command.args(["-c", &format!("exec /bin/bash < {}", file.display())]))
    }),
    ("a script of the user's own", |bench| {
        let text = reading(&bench.option_file("script.cnf"));
        run(&mut bench.account.command(bench.write_home("mine.sh", &text)))
    }),
    ("an edited copy of the script", |bench| {
        let text =
            fs::read_to_string(script_of(bench)).unwrap().replace("| gzip", "| tee copy | gzip");
        run(&mut bench.account.command(bench.write_home("backup.sh", &text)))
    }),
    ("another script of root's", |bench| {
        run(&mut bench.account.command(directory_of(bench).join("other.sh")))
    }),
    ("the script as an argument of another", |bench| {
        let mine = bench.write_home("mine.sh", &reading(&bench.option_file("script.cnf")));
        bash(bench, &[mine.to_str().unwrap(), script_of(bench).to_str().unwrap()])
    }),
    ("a link of the script's name to another", |bench| {
        let link = bench.home("backup.sh");
        symlink(directory_of(bench).join("other.sh"), &link).unwrap();
        run(&mut bench.account.command(link))
    }),
    ("options before the script", |bench| {
        let start = bench.write_home("start", &stealing(bench));
        let script = script_of(bench);
        bash(bench, &["--rcfile", start.to_str().unwrap(), "-i", script.to_str().unwrap()])
    }),
    ("BASH_ENV", |bench| {
        let start = bench.write_home("start", &stealing(bench));
        script_with(bench, &[("BASH_ENV", start.to_str().unwrap())])
    }),
    ("a PATH with another gzip", |bench| {
        bench.write_home("gzip", "#!/bin/sh\nexec tee copy\n");
        let path = format!("{}:/usr/bin:/bin", bench.account.home.display());
        script_with(bench, &[("PATH", &path)])
    }),
    ("an exported function", |bench| {
        script_with(bench, &[("BASH_FUNC_gzip%%", "() { tee copy; }")])
    }),
    ("tracing with a prompt that runs a command", |bench| {
        let prompt = format!("$({})", stealing(bench).trim());
        script_with(bench, &[("SHELLOPTS", "xtrace"), ("PS4", &prompt)])
    }),
];

#[test]
fn under_a_wide_rule_any_script_reads_the_option_file() {
    all_work(&Stage::new(Rules::Wide), ATTACKS);
}

#[test]
fn under_a_narrow_rule_only_the_script_as_it_is_reads_the_option_file() {
    let stage = Stage::new(Rules::Narrow);
    none_works(&stage, ATTACKS);
    run(&mut stage.account.command(script_of(&stage))).succeeds();
}

#[test]
fn cron_runs_the_script_and_its_dump_restores() {
    let stage = Stage::new(Rules::Narrow);
    let line = script_of(&stage).display().to_string();
    let other = stage.directory.join("other.sh").display().to_string();
    let ran = Cron::running().once(&stage.account, &[], &[line, other]);
    assert_eq!(ran[0], (0, String::new()));
    assert!(ran[1].1.contains("Permission denied") && !tells(&ran[1].1), "{ran:?}");
    for file in [stage.packed(), stage.option_file("script.cnf")] {
        assert_out_of_reach(&stage, &file);
    }
    assert_no_plaintext_at_rest(&stage);
    stage.instance.decrypt(&stage.dumps());
    run(Command::new(program("gzip")).arg("-d").arg(stage.packed())).succeeds();
    assert_restores(&stage.dump(), &stage.server, stage.instance.work().join("second"));
}

#[test]
fn an_edited_script_is_refused_until_it_is_taken_anew() {
    let stage = Stage::new(Rules::Narrow);
    let script = script_of(&stage);
    let started = || run(&mut stage.account.command(&script));
    started().succeeds();
    let text = fs::read_to_string(&script).unwrap() + "# one more line\n";
    stage.write("backup.sh", &text);
    assert_ne!(started().code, Some(0));
    stage.instance.access(["-u"]).succeeds();
    started().succeeds();
}

#[test]
fn no_rule_is_made_for_a_script_that_others_can_write() {
    let stage = Stage::new(Rules::Wide);
    let mine = stage.write_home("mine.sh", "#!/bin/bash\n");
    let rule = format!("ALLOW @mysqlbackup * /bin/bash --script={}", mine.display());
    let refused = stage.instance.access(["-a", &rule]);
    assert_ne!(refused.code, Some(0), "{refused}");
    refused.says(mine.to_str().unwrap());
}
