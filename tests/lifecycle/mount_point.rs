//! A mount point that is occupied, hidden, in use or dead.

use super::support::Instance;
use super::support::fixture::Fixture;
use super::support::machine::{Mounted, is_mounted, program};
use super::support::process::{self, Running, ended_within, run};
use super::support::tree;
use super::{assert_not_running, with_file};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// Stops the service of a fixture with one file, which goes on to be served in the end.
fn stopped() -> (Fixture, std::path::PathBuf) {
    let (fixture, file) = with_file();
    fixture.instance.stop();
    (fixture, file)
}

/// A start is refused with this exit code, names the mount point and the mend, and leaves no service.
#[track_caller]
fn refused(instance: &Instance, code: i32, mend: &str) {
    let point = instance.mount();
    let refused = instance.run(["start"]).exits(code);
    refused.says(point.to_str().unwrap()).says("hint: ").says(mend);
    let status = instance.run(["status", "--json"]).exits(6);
    assert_eq!(status.json()["running"], false);
}

/// A program that does nothing, in this directory.
fn standing_in(directory: &Path) -> Running {
    let mut sleep = Command::new(program("sleep"));
    Running::spawn(sleep.arg("1000").current_dir(directory).stdin(Stdio::null()))
}

#[test]
fn what_lies_in_the_way_of_the_mount_is_named_and_left_alone() {
    let (fixture, file) = stopped();
    let (instance, point) = (&fixture.instance, fixture.instance.mount());
    let inside = point.join("somebody's");
    fs::write(&inside, "theirs").unwrap();
    refused(instance, 5, "move away what is in it");
    assert_eq!(fs::read(&inside).unwrap(), b"theirs");
    fs::remove_file(&inside).unwrap();

    fs::remove_dir(&point).unwrap();
    fs::write(&point, "theirs").unwrap();
    refused(instance, 5, "move away what is there");
    assert_eq!(fs::read(&point).unwrap(), b"theirs");
    fs::remove_file(&point).unwrap();

    // To a directory, to nothing, into the ciphertext.
    let elsewhere = instance.work().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for target in [elsewhere.clone(), instance.work().join("nothing"), instance.storage()] {
        symlink(&target, &point).unwrap();
        refused(instance, 5, "rm ");
        assert_eq!(fs::read_link(&point).unwrap(), target);
        assert!(!is_mounted(&target));
        fs::remove_file(&point).unwrap();
    }
    assert!(!instance.work().join("nothing").exists());

    // Missing: it is made.
    instance.start();
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
}

/// The first thing that an `init` says of an instance is that there is one, whatever state it is in.
#[test]
fn an_init_says_first_that_there_is_an_instance_whatever_is_on_its_mount_point() {
    let (fixture, file) = with_file();
    let (instance, point) = (&fixture.instance, fixture.instance.mount());
    instance.kill();
    let elsewhere = instance.work().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o700)).unwrap();
    let keystore = instance.state().join("keystore");
    let aside = instance.state().join("aside");
    let refused = || {
        let told = instance.run(["init", "--scrypt-log-n", "14"]).exits(1);
        told.says("there is a keystore already").says("ezncrypt").says(" start");
    };
    // On a dead mount, with both copies of the keystore and with one.
    refused();
    fs::rename(&keystore, &aside).unwrap();
    refused();
    unmount(&point);
    fs::remove_dir(&point).unwrap();
    symlink(&elsewhere, &point).unwrap();
    refused();
    fs::rename(&aside, &keystore).unwrap();
    fs::remove_file(&point).unwrap();
    instance.start();
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
    instance.stop();

    // A new instance there: the symlink is named, and what it leads to is left as it is.
    fs::remove_dir_all(instance.state()).unwrap();
    fs::create_dir(instance.state()).unwrap();
    symlink(&elsewhere, &point).unwrap();
    let init = ["init", "--scrypt-log-n", "14"];
    instance.run(init).exits(5).says(point.to_str().unwrap()).says("is a symlink").says("rm ");
    assert_eq!(fs::metadata(&elsewhere).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!keystore.exists());
    fs::remove_file(&point).unwrap();
    instance.run(init).succeeds();
}

/// With another filesystem on the mount point the service does not start until that is unmounted, by hand.
#[track_caller]
fn assert_theirs_is_left_alone(fixture: &Fixture, file: &Path) {
    let (instance, point) = (&fixture.instance, fixture.instance.mount());
    mount_theirs(&point);
    for _ in 0..2 {
        refused(instance, 5, "umount");
        assert_theirs(&point);
    }
    unmount(&point);
    instance.start();
    assert_eq!(fs::read(file).unwrap(), b"plaintext");
}

#[test]
fn another_filesystem_on_the_mount_point_keeps_the_service_from_starting_and_stays() {
    let (fixture, file) = stopped();
    assert_theirs_is_left_alone(&fixture, &file);
}

#[test]
fn another_filesystem_over_a_dead_mount_is_left_alone_until_it_is_unmounted() {
    let (fixture, file) = with_file();
    fixture.instance.kill();
    assert_theirs_is_left_alone(&fixture, &file);
}

#[test]
fn another_filesystem_over_the_mount_is_not_unmounted_by_a_stop() {
    let (fixture, file) = with_file();
    let (instance, point) = (&fixture.instance, fixture.instance.mount());
    let pid = instance.pid();
    mount_theirs(&point);
    for stop in [&["stop"][..], &["stop", "--force"]] {
        instance.run(stop).exits(5).says("tmpfs").says(point.to_str().unwrap()).says("umount");
        assert_theirs(&point);
        assert_eq!(instance.pid(), pid);
    }
    unmount(&point);
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");

    // A signal ends the service all the same, and leaves theirs.
    mount_theirs(&point);
    process::send(pid, Signal::TERM);
    assert!(ended_within(pid, SOON));
    assert_theirs(&point);
    unmount(&point);
    assert!(fs::read(&file).is_err(), "plaintext without a service");
    instance.start();
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
}

/// Mounts something with a file in it. It goes with the instance, if not before.
fn mount_theirs(point: &Path) {
    std::mem::forget(Mounted::tmpfs(point));
    fs::write(point.join("theirs"), "x").unwrap();
}

#[track_caller]
fn assert_theirs(point: &Path) {
    assert_eq!(fs::read(point.join("theirs")).unwrap(), b"x", "it was unmounted");
}

/// Unmounts what is on top, and nothing else.
fn unmount(point: &Path) {
    run(Command::new(program("umount")).arg(point)).succeeds();
}

#[test]
fn a_process_that_stands_in_the_mount_is_named_by_a_stop_which_works_when_it_has_gone() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    let standing = standing_in(&instance.mount());
    let pid = standing.pid().to_string();
    instance.run(["stop"]).exits(5).says("sleep").says(pid).says("--force");
    assert_eq!(fs::read(&file).unwrap(), b"plaintext", "a refused stop stopped serving");
    drop(standing);
    instance.stop();
    assert_not_running(instance);
}

#[test]
fn a_dead_mount_that_is_in_use_is_replaced_and_what_was_in_use_goes_on_failing() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    let open = fixture.open("file");
    let standing = standing_in(&fixture.path().canonicalize().unwrap());
    for _ in 0..2 {
        instance.kill();
        instance.start();
        assert_eq!(fs::read(&file).unwrap(), b"plaintext");
        assert!(open.set_len(0).is_err(), "a handle of the dead service changes the file");
        let through = format!("/proc/{}/cwd/file", standing.pid());
        assert!(fs::read(through).is_err(), "a directory of the dead service is served");
    }
    // They use the dead one, which is in nobody's way.
    instance.stop();
    assert_not_running(instance);
    assert!(tree::names(&instance.mount()).is_empty());
    instance.start();
    assert_eq!(fs::read(&file).unwrap(), b"plaintext");
}
