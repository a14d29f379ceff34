//! What is refused, or fails halfway: everything is as it was.

use crate::bench::{Bench, copy_server};
use crate::support::instance::BINARY;
use crate::support::process::{Killed, run};
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn only_a_server_that_is_roots_alone_is_guarded() {
    let bench = Bench::new();
    let work = bench.instance.work();
    let at = |name: &str| work.join(name);
    fs::write(at("script"), "#!/bin/sh\n").unwrap();
    mode(&at("script"), 0o755);
    fs::copy("/bin/true", at("true")).unwrap();
    fs::copy(BINARY, at("ours")).unwrap();
    copy_server(&at("plain"), b"");
    mode(&at("plain"), 0o644);
    copy_server(&at("open"), b"");
    mode(&at("open"), 0o775);
    copy_server(&at("foreign"), b"");
    chown(at("foreign"), Some(65534), None).unwrap();
    symlink("nothing", at("dangling")).unwrap();
    symlink("round", at("round")).unwrap();
    fs::create_dir(at("theirs")).unwrap();
    copy_server(&at("theirs/server"), b"");
    chown(at("theirs"), Some(65534), None).unwrap();
    let below = bench.instance.mount().join("protected/x");
    for (path, code, words) in [
        (at("script"), 2, "is not a program of this machine"),
        (at("true"), 2, "does not tell its options as a MySQL or MariaDB server does"),
        (at("ours"), 2, "is ezncrypt itself"),
        (at("plain"), 2, "is not executable\nhint: chmod 755 "),
        (at("open"), 1, "can be changed by others than root\nhint: chown root:root "),
        (at("foreign"), 1, "can be changed by others than root"),
        (at("theirs/server"), 1, "theirs\" can be changed by others than root"),
        (at("dangling"), 2, "there is no server at"),
        (at("round"), 1, "leads through too many symlinks"),
        (work.clone(), 2, "is not a regular file"),
        (below, 2, "lies below the mount point"),
    ] {
        let words_given = ["guard", "install", path.to_str().unwrap(), "--category", "@mysql"];
        bench.instance.run(words_given).exits(code).says(words);
    }
    bench.assert_untouched();
}

#[test]
fn a_server_in_use_is_named_and_nothing_is_changed() {
    let bench = Bench::new();
    let held = File::open(bench.server()).unwrap();
    let pid = format!("(pid {})", std::process::id());
    for name in [None, Some("--name=mysqld-guard")] {
        let args: Vec<_> = ["--category", "@mysql"].into_iter().chain(name).collect();
        bench.install(&args).exits(5).says(&pid).says("hint: stop the server first");
        bench.assert_untouched();
    }
    drop(held);
}

#[test]
fn a_wrong_secret_changes_nothing() {
    let bench = Bench::new();
    let wrong = bench.instance.secret_file("wrong", "wrong\n");
    let refused = |verb: &str| {
        let link = bench.sbin().join("mysqld");
        let mut words = vec!["guard", verb, link.to_str().unwrap()];
        words.extend(match verb {
            "install" => &["--category", "@mysql"][..],
            "permit" => &["--allow", "init_file"],
            _ => &[],
        });
        let mut command = bench.instance.command("ezncrypt", words);
        run(command.env("EZNCRYPT_SALT_FILE", &wrong)).exits(3);
    };
    refused("install");
    bench.assert_untouched();
    bench.install(&["--category", "@mysql"]).succeeds();
    ["remove", "permit", "install"].into_iter().for_each(refused);
    bench.assert_guarded();
}

#[test]
fn what_fails_halfway_is_undone() {
    let bench = Bench::new();
    // Encrypting fails: a name elsewhere would stay plain.
    let other = bench.instance.work().join("other-name");
    fs::hard_link(bench.server(), &other).unwrap();
    for name in [None, Some("--name=mysqld-guard")] {
        let args: Vec<_> = ["--category", "@mysql"].into_iter().chain(name).collect();
        bench.install(&args).exits(1).says("hard links that lead out");
        fs::remove_file(&other).unwrap();
        bench.assert_untouched();
        fs::hard_link(bench.server(), &other).unwrap();
    }
    fs::remove_file(&other).unwrap();
    // Registering fails, at the very end.
    for name in [None, Some("--name=mysqld-guard")] {
        let args: Vec<_> = ["--category", "@.no.name"].into_iter().chain(name).collect();
        let told = bench.install(&args).says("putting the guard at").says("undoing what was done");
        assert_ne!(told.code, Some(0));
        bench.assert_untouched();
    }
}

#[test]
fn where_undoing_fails_too_the_rest_is_told_as_commands() {
    let bench = Bench::new();
    bench.instance.allow_this_test("@protected");
    let link = bench.sbin().join("mysqld");
    let words = ["guard", "install", link.to_str().unwrap(), "--category", "@.no.name"];
    let mut command = bench.instance.command("ezncrypt", words);
    let mut child = Killed(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut told = BufReader::new(child.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    // From here on it cannot be decrypted.
    told.find(|line| line.contains("putting the guard at")).unwrap();
    let held = File::open(bench.guarded()).unwrap();
    let told: Vec<_> = told.collect();
    assert!(!child.0.wait().unwrap().success());
    assert!(told.iter().any(|line| line.contains("undoing that failed too")), "{told:?}");
    let hint = told.last().unwrap().strip_prefix("hint: when the reason is gone, do by hand: ");
    drop(held);

    let mut shell = Command::new("/bin/sh");
    let like = bench.instance.command("ezncrypt", [""; 0]);
    let binaries = Path::new(like.get_program()).parent().unwrap();
    shell.env("PATH", format!("{}:/usr/bin:/bin", binaries.display()));
    shell.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(shell.arg("-ec").arg(hint.unwrap())).succeeds();
    bench.assert_untouched();
}

#[test]
fn the_guard_takes_nobodys_place_but_the_servers() {
    let bench = Bench::new();
    let taken = bench.sbin().join("taken");
    fs::write(&taken, "mine").unwrap();
    let install = |name: &str| bench.install(&["--category", "@mysql", "--name", name]);
    install("taken").exits(2).says("there is something else at");
    install("mariadbd").exits(2).says("hint: leave --name out");
    assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
    fs::remove_file(&taken).unwrap();
    // The directory for the server is somebody else's.
    let directory = bench.sbin().join("ezncrypt-guarded");
    fs::create_dir(&directory).unwrap();
    mode(&directory, 0o777);
    bench.install(&["--category", "@mysql"]).exits(1).says("only root can change");
    fs::remove_dir(&directory).unwrap();
    bench.assert_untouched();
}

#[test]
fn a_running_server_keeps_its_guard() {
    let bench = Bench::new();
    bench.install(&["--category", "@mysql"]).succeeds();
    bench.instance.allow_this_test("@protected");
    let held = File::open(bench.guarded()).unwrap();
    let pid = format!("(pid {})", std::process::id());
    bench.guard("remove", &[]).exits(5).says(&pid);
    copy_server(&bench.beside("waits"), b"2");
    fs::rename(bench.beside("waits"), bench.guarded()).unwrap();
    bench.install(&[]).exits(5).says(&pid);
    assert!(!fs::symlink_metadata(bench.guarded()).unwrap().is_symlink(), "it still waits");
    drop(held);
    bench.install(&[]).succeeds();
    bench.assert_guarded();
}

#[test]
fn a_setting_that_is_none_is_refused_before_anything_is_asked() {
    let bench = Bench::new();
    for setting in [["--allow", "no_such"], ["--require", "plugin_dir"]] {
        let link = bench.sbin().join("mysqld");
        let words = ["guard", "install", link.to_str().unwrap()].into_iter().chain(setting);
        let mut command = bench.instance.command("ezncrypt", words);
        run(command.env("EZNCRYPT_SALT_FILE", "/nowhere")).exits(2).says(setting[1]);
    }
    bench.assert_untouched();
}
