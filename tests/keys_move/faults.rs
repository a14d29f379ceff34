//! Backups of the keystore where something fails at any step, and on places that are slow or poor.

use super::{Machine, backup_status};
use crate::support::Instance;
use crate::support::machine::{detach, new_directory, program};
use crate::support::process::{Outcome, run};
use crate::support::strace;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The calls that change a directory or make a change last, some of which not every processor has.
const CHANGES: [&str; 8] =
    ["?link", "linkat", "?unlink", "unlinkat", "?rename", "?renameat", "renameat2", "fsync"];

/// Runs a command of the instance under strace with `options`; what strace saw goes to `seen`.
fn under_strace(instance: &Instance, options: &[&str], seen: &Path, args: &[&str]) -> Outcome {
    strace::under_strace(&instance.command("ezncrypt", args), options, seen)
}

/// Every file of the state directory whose name begins with `keystore`, by its bytes.
fn copies(state: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(state).unwrap().map(|entry| entry.unwrap());
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("keystore"));
    ours.map(|entry| fs::read(entry.path()).unwrap()).collect()
}

/// Restores from a file beside the keystore, killed or refused at each step: no keystore is lost, and what
/// is there opens, if it did before.
fn survives_every_fault(from: &str, arrange: impl Fn(&Path, &[u8], &[u8])) {
    let instance = Instance::initialised();
    let state = instance.state();
    let old = fs::read(state.join("keystore")).unwrap();
    instance.run(["key", "add", "recovery"]).succeeds();
    let new = fs::read(state.join("keystore")).unwrap();
    assert_ne!(old, new);
    let seen = instance.work().join("seen");
    for fault in ["signal=KILL", "error=EIO"] {
        let mut faults = 0;
        // strace counts each call by itself.
        for call in CHANGES {
            for when in 1.. {
                clear(&state);
                arrange(&state, &old, &new);
                let is_sound = |bytes: &Vec<u8>| *bytes == old || *bytes == new;
                let sound: Vec<_> = copies(&state).into_iter().filter(is_sound).collect();
                let opened = instance.run(["key", "test"]).code == Some(0);
                let inject = format!("inject={call}:{fault}:when={when}");
                let (from, trace) = (state.join(from), format!("trace={call}"));
                let args = ["key", "restore", "--force", from.to_str().unwrap()];
                let ended = under_strace(&instance, &["-e", &trace, "-e", &inject], &seen, &args);
                let left = copies(&state);
                let what = format!("{fault} at {call} {when}: {ended}");
                assert!(sound.iter().all(|bytes| left.contains(bytes)), "lost: {what}");
                let opens = instance.run(["key", "test"]);
                assert!(opens.code == Some(0) || !opened, "{opens}\nafter {what}");
                let told = fs::read_to_string(&seen).unwrap();
                if ended.signal.is_none() && !told.contains("INJECTED") {
                    ended.succeeds();
                    opens.succeeds();
                    break;
                }
                faults += 1;
            }
        }
        assert!(faults >= 10, "only {faults} faults: does strace inject them?");
    }
}

/// Removes all that is of the keystore.
fn clear(state: &Path) {
    for entry in fs::read_dir(state).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_name().to_string_lossy().contains("keystore") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

fn write(state: &Path, name: &str, bytes: &[u8]) {
    fs::write(state.join(name), bytes).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(state.join(name), mode).unwrap();
}

#[test]
fn the_second_copy_restored_over_a_damaged_first_one_is_never_lost() {
    survives_every_fault("keystore.backup", |state, _, new| {
        // Damaged in its body: its form is a keystore's.
        let mut damaged = new.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        write(state, "keystore", &damaged);
        write(state, "keystore.backup", new);
    });
}

#[test]
fn the_previous_version_restored_over_a_damaged_keystore_is_never_lost() {
    survives_every_fault("keystore.previous", |state, _, new| {
        write(state, "keystore", &new[..100]);
        write(state, "keystore.previous", new);
    });
}

#[test]
fn a_restore_that_is_undone_is_never_the_end_of_the_newest_keystore() {
    survives_every_fault("keystore.replaced.2", |state, old, new| {
        write(state, "keystore", old);
        write(state, "keystore.backup", old);
        write(state, "keystore.replaced.2", new);
    });
}

#[test]
fn a_sound_second_copy_beside_a_malformed_first_one_is_never_lost_to_an_older_backup() {
    survives_every_fault("keystore.old", |state, old, new| {
        write(state, "keystore", b"rubbish");
        write(state, "keystore.backup", new);
        write(state, "keystore.old", old);
    });
}

#[test]
fn an_older_backup_is_refused_where_only_the_second_copy_is_newer() {
    let instance = Instance::initialised();
    let state = instance.state();
    let old = fs::read(state.join("keystore")).unwrap();
    instance.run(["key", "add", "recovery"]).succeeds();
    let new = fs::read(state.join("keystore")).unwrap();
    write(&state, "keystore", &old);
    let copy = instance.work().join("copy");
    write(&instance.work(), "copy", &old);
    let copy = copy.to_str().unwrap();
    instance.run(["key", "restore", copy]).exits(1).says("newer").says("keystore.replaced.");
    instance.run(["key", "restore", "--force", copy]).succeeds().says("keystore.replaced.");
    assert!(copies(&state).contains(&new));
}

#[test]
fn a_change_of_slots_that_the_disk_refuses_leaves_both_copies() {
    let instance = Instance::initialised();
    instance.run(["key", "add", "recovery"]).succeeds();
    let keystore = instance.state().join("keystore");
    let first = || fs::read(&keystore).unwrap();
    let before = first();
    let seen = instance.work().join("seen");
    let at = keystore.to_str().unwrap();
    // The rename over the first copy alone.
    let options = ["-P", at, "-e", "trace=/rename", "-e", "inject=/rename:error=ENOSPC"];
    let refused = under_strace(&instance, &options, &seen, &["key", "remove", "2"]);
    refused.exits(8);
    assert!(fs::read_to_string(&seen).unwrap().contains("INJECTED"));
    assert_eq!(fs::read(instance.state().join("keystore.backup")).unwrap(), first());
    assert_eq!(first(), before, "the slot is still there");
}

/// As on FAT, which knows no hard links, and on NFS, which knows no flags of a rename.
#[test]
fn a_backup_needs_neither_hard_links_nor_modern_renames_and_leaves_other_files_alone() {
    let instance = Instance::initialised();
    let (seen, copy) = (instance.work().join("seen"), instance.work().join("copy"));
    let previous = instance.work().join("copy.previous");
    fs::write(&previous, "somebody's").unwrap();
    let at = copy.to_str().unwrap();
    let injected = || fs::read_to_string(&seen).unwrap().contains("INJECTED");
    let poor = ["-P", at, "-e", "trace=renameat2", "-e", "inject=renameat2:error=EINVAL"];
    under_strace(&instance, &poor, &seen, &["key", "backup", at]).succeeds();
    assert!(injected());
    under_strace(&instance, &poor, &seen, &["key", "backup", at]).exits(1).says("--force");
    let first = fs::read(&copy).unwrap();
    let poor = ["-P", at, "-e", "trace=?link,linkat", "-e", "inject=?link,linkat:error=EPERM"];
    under_strace(&instance, &poor, &seen, &["key", "backup", "--force", at]).succeeds();
    assert!(!injected(), "no link is tried");
    assert_ne!(fs::read(&copy).unwrap(), first);
    assert_eq!(fs::read_to_string(&previous).unwrap(), "somebody's");
    let mut names: Vec<_> = fs::read_dir(instance.work())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["copy", "copy.previous", "seen"]);
}

/// A filesystem on which every write waits until it is thawed.
struct Frozen(PathBuf);

impl Frozen {
    fn new() -> Self {
        let directory = new_directory();
        let image = directory.join("image");
        fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
        run(Command::new(program("mkfs.ext4")).args(["-q", "-F"]).arg(&image)).succeeds();
        fs::create_dir(directory.join("top")).unwrap();
        let frozen = Self(directory);
        let mut mount = Command::new(program("mount"));
        run(mount.args(["-o", "loop"]).arg(&image).arg(frozen.top())).succeeds();
        frozen.freeze("-f").succeeds();
        frozen
    }

    fn top(&self) -> PathBuf {
        self.0.join("top")
    }

    fn freeze(&self, how: &str) -> Outcome {
        run(Command::new(program("fsfreeze")).arg(how).arg(self.top()))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.freeze("-u");
        detach(&self.top());
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether a thread of the process waits for a disk.
fn waits_for_disk(pid: u64) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let stat = |task: fs::DirEntry| fs::read_to_string(task.path().join("stat")).ok();
    let waits = |stat: String| stat.rsplit(')').next().unwrap().trim_start().starts_with('D');
    tasks.filter_map(|task| stat(task.ok()?)).any(waits)
}

#[test]
fn while_a_backup_waits_for_its_disk_the_service_works_and_what_changes_is_not_backed_up() {
    let here = Machine::new();
    let (instance, frozen) = (&here.instance, Frozen::new());
    let pid = instance.run(["status", "--json"]).json()["pid"].as_u64().unwrap();
    let copy = frozen.top().join("copy");
    let before = fs::read(instance.state().join("keystore")).unwrap();
    let mut backup = instance.command("ezncrypt", ["key", "backup", copy.to_str().unwrap()]);
    let mut backup = backup.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !waits_for_disk(pid) {
        assert!(Instant::now() < deadline, "the backup does not wait");
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = instance.run(["status"]);
    let added = instance.run(["key", "add", "recovery"]);
    let known = backup_status(instance);
    let waiting = backup.try_wait().unwrap().is_none() && waits_for_disk(pid);
    frozen.freeze("-u").succeeds();
    assert!(backup.wait().unwrap().success());
    status.succeeds().prints("never");
    added.succeeds();
    assert!(waiting && known.is_null(), "{known}");
    assert_eq!(fs::read(&copy).unwrap(), before);
    assert_eq!(backup_status(instance)["keys_changed_since"], true);
}
