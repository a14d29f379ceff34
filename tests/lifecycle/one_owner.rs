//! One service on a state directory, by whatever path it is named, and whoever comes first.

use super::support::Instance;
use super::support::instance::BINARY;
use super::support::machine::Mounted;
use super::support::process::{LIMIT, Running, run};
use super::{assert_not_running, with_file};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A command that names the state directory by this path.
fn by<S: AsRef<OsStr>>(
    instance: &Instance,
    state: &Path,
    args: impl IntoIterator<Item = S>,
) -> Command {
    let secret = |name: &str| instance.state().with_file_name(name);
    let mut command = Command::new(BINARY);
    command.env_remove("EZNCRYPT_STATE_DIR").current_dir("/").stdin(Stdio::null());
    command.env("EZNCRYPT_PASSPHRASE_FILE", secret("passphrase"));
    command.env("EZNCRYPT_SALT_FILE", secret("salt"));
    command.arg("--state-dir").arg(state).args(args);
    command
}

/// The state directory by a symlink, and by a second mount of it.
fn other_paths(instance: &Instance) -> (PathBuf, PathBuf, Mounted) {
    let (link, bound) = (instance.work().join("link"), instance.work().join("bound"));
    symlink(instance.state(), &link).unwrap();
    fs::create_dir(&bound).unwrap();
    let mounted = Mounted::bind(&instance.state(), &bound);
    (link, bound, mounted)
}

#[test]
fn a_service_is_found_by_every_path_of_its_state_directory() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    let (link, bound, _mounted) = other_paths(instance);
    let pid = instance.pid();
    for path in [&link, &bound] {
        for start in [&["start"][..], &["start", "--supervise"], &["start", "--foreground"]] {
            run(&mut by(instance, path, start)).exits(5).says(path.to_str().unwrap());
        }
        let status = run(&mut by(instance, path, ["status", "--json"])).succeeds();
        assert_eq!(status.json()["pid"], pid);
    }
    assert_eq!(instance.pid(), pid);
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
    run(&mut by(instance, &bound, ["stop"])).succeeds();
    assert_not_running(instance);
    // By the symlink it is mounted where the directory is.
    run(&mut by(instance, &link, ["start"])).succeeds();
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
    instance.stop();
}

#[test]
fn of_ten_starts_at_the_same_moment_one_serves_and_the_others_are_refused() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    let (link, _, _mounted) = other_paths(instance);
    instance.stop();
    for supervised in [false, true] {
        let words = if supervised { vec!["start", "--supervise"] } else { vec!["start"] };
        let paths = [instance.state(), link.clone()];
        let starts: Vec<_> = (0..10)
            .map(|number| Running::spawn(&mut by(instance, &paths[number % 2], &words)))
            .collect();
        let ended: Vec<_> =
            starts.into_iter().map(|mut start| start.finish(LIMIT).expect("it hangs")).collect();
        let served = ended.iter().filter(|outcome| outcome.code == Some(0)).count();
        let said: Vec<_> = ended.iter().map(ToString::to_string).collect();
        assert_eq!(served, 1, "{said:#?}");
        for outcome in ended.into_iter().filter(|outcome| outcome.code != Some(0)) {
            outcome.exits(5).says("hint: ");
        }
        assert_eq!(fs::read(&file).unwrap(), b"plaintext");
        instance.stop();
        assert_not_running(instance);
    }
}
