//! A service killed in the middle: the tree is plain or encrypted, and whole.

use super::support::process::{self, Killed};
use super::support::tree::{self, Snapshot};
use super::support::{Instance, sample};
use super::{CATEGORY, files_in_storage};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Clone, Copy)]
enum Work {
    Encrypt,
    Decrypt,
}

/// Interrupts the work at the moment. Where it was done before that was noticed, tries again: a run
/// that nothing interrupted shows nothing.
fn interrupt(work: Work, moment: impl Fn(&Instance, &Path) -> bool) {
    let interrupted = (0..5).any(|_| interrupted(work, &moment));
    assert!(interrupted, "the work was always done before the service was killed");
}

/// Kills the service when `moment` has come (or the work is done), starts it again, and checks that
/// the tree is whole: plain or encrypted. Tells whether the work was cut off.
fn interrupted(work: Work, moment: &impl Fn(&Instance, &Path) -> bool) -> bool {
    let instance = Instance::started();
    let path = instance.work().join("tree");
    sample::everything(&path);
    sample::many_small_files(&path.join("many"), 1500);
    fs::write(path.join("big"), sample::bytes(9, 24 << 20)).unwrap();
    let before = Snapshot::of(&path);
    instance.allow_this_test(CATEGORY);
    let verb = match work {
        Work::Encrypt => [OsStr::new("-e"), OsStr::new(CATEGORY)].to_vec(),
        Work::Decrypt => {
            instance.encrypt(CATEGORY, &path);
            [OsStr::new("-d")].to_vec()
        }
    };
    let pid = instance.pid();
    let args = verb.into_iter().chain([path.as_os_str()]);
    let mut client = instance.command("ezncrypt", args);
    client.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut client = Killed(client.spawn().unwrap());
    process::soon("the moment or the end", process::LIMIT, || {
        moment(&instance, &path) || client.0.try_wait().unwrap().is_some()
    });
    process::send(pid, rustix::process::Signal::KILL);
    assert!(process::ended_within(pid, Duration::from_secs(30)));
    let told = process::finish(&mut client.0, Duration::from_secs(60)).expect("the client hangs");

    instance.start();
    instance.assert_no_leftovers(&instance.work());
    before.assert_same(&Snapshot::of(&path), "after kill -9 and a restart");
    let encrypted = fs::symlink_metadata(&path).unwrap().is_symlink();
    let listed = instance.run(["list", "--json"]).succeeds().json();
    assert_eq!(listed.as_array().unwrap().len(), usize::from(encrypted), "{listed}");
    if encrypted {
        instance.decrypt(&path);
    } else {
        assert_eq!(files_in_storage(&instance), 0, "plain again, but ciphertext is left");
        instance.encrypt(CATEGORY, &path);
        before.assert_same(&Snapshot::of(&path), "encrypted at the second attempt");
        instance.decrypt(&path);
    }
    before.assert_same(&Snapshot::of(&path), "after the interruption and a round trip");
    assert_eq!(files_in_storage(&instance), 0);
    !told.success()
}

/// Without a service, with nothing but the state directory's lock to tell it.
#[test]
fn what_an_encryption_at_work_in_another_process_has_put_aside_is_not_called_left() {
    let instance = Instance::initialised();
    let path = instance.work().join("tree");
    sample::many_small_files(&path.join("many"), 1500);
    let args = [OsStr::new("-e"), OsStr::new(CATEGORY), path.as_os_str()];
    let mut work = instance.command("ezncrypt", args);
    work.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let work = Killed(work.spawn().unwrap());
    let pid = work.0.id();
    let is_swapped = || fs::symlink_metadata(&path).unwrap().is_symlink();
    process::soon("the exchange", process::LIMIT, is_swapped);
    process::send(pid, rustix::process::Signal::STOP);
    let aside = hidden_beside(&path).expect("it was done before it was stopped");

    let told = instance.run(["status"]).exits(6);
    told.prints("at work").prints("hint: ");
    let json = instance.run(["status", "--json"]).exits(6).json();
    assert_eq!((&json["at_work"], &json["pid"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(json["plaintext_left"], serde_json::json!([]));
    assert!(aside.exists());

    drop(work);
    let json = instance.run(["status", "--json"]).exits(6).json();
    let named = serde_json::json!([aside.to_str().unwrap()]);
    assert_eq!((&json["at_work"], &json["plaintext_left"]), (&false.into(), &named));
    instance.start();
    assert!(!aside.exists());
}

#[test]
fn whoever_has_to_wait_for_an_encryption_is_told_of_what() {
    let instance = Instance::started();
    let path = instance.work().join("tree");
    sample::many_small_files(&path.join("many"), 3000);
    let other = instance.work().join("other");
    fs::write(&other, "x").unwrap();
    let args = [OsStr::new("-e"), OsStr::new(CATEGORY), path.as_os_str()];
    let mut work = process::Running::spawn(&mut instance.command("ezncrypt", args));
    process::soon("the copy", process::LIMIT, || stored(&instance, 100));
    let about = format!("encrypting {} into {CATEGORY}", path.display());
    for command in [&["-d", other.to_str().unwrap()][..], &["stop"]] {
        instance.run(command).exits(5).says(&about).says("hint: wait");
    }
    work.finish(process::LIMIT).expect("it hangs").succeeds();
}

fn stored(instance: &Instance, count: usize) -> bool {
    tree::count_below(&instance.storage()) >= count
}

fn hidden_beside(path: &Path) -> Option<PathBuf> {
    let name = tree::names(path.parent()?)
        .into_iter()
        .find(|name| name.to_string_lossy().starts_with(".ezncrypt"))?;
    Some(path.with_file_name(name))
}

#[test]
fn a_service_killed_as_it_begins_to_encrypt_loses_nothing() {
    interrupt(Work::Encrypt, |instance, _| stored(instance, 2));
}

#[test]
fn a_service_killed_halfway_through_encrypting_loses_nothing() {
    interrupt(Work::Encrypt, |instance, _| stored(instance, 800));
}

#[test]
fn a_service_killed_while_it_compares_loses_nothing() {
    interrupt(Work::Encrypt, |instance, _| stored(instance, 1500 + 60));
}

#[test]
fn a_service_killed_right_after_the_exchange_loses_nothing() {
    interrupt(Work::Encrypt, |_, path| fs::symlink_metadata(path).unwrap().is_symlink());
}

#[test]
fn a_service_killed_while_it_removes_the_plaintext_loses_nothing() {
    interrupt(Work::Encrypt, |_, path| {
        let encrypted = fs::symlink_metadata(path).unwrap().is_symlink();
        encrypted && hidden_beside(path).is_some_and(|old| tree::count_below(&old) < 1000)
    });
}

#[test]
fn a_service_killed_as_it_begins_to_decrypt_loses_nothing() {
    interrupt(Work::Decrypt, |_, path| hidden_beside(path).is_some());
}

#[test]
fn a_service_killed_halfway_through_decrypting_loses_nothing() {
    interrupt(Work::Decrypt, |_, path| {
        hidden_beside(path).is_some_and(|new| tree::count_below(&new) > 700)
    });
}

#[test]
fn a_service_killed_right_after_the_exchange_back_loses_nothing() {
    interrupt(Work::Decrypt, |_, path| fs::symlink_metadata(path).unwrap().is_dir());
}
