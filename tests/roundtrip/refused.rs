//! What is refused, with its exit code, and that nothing was touched then.

use super::support::machine::{Mounted, program};
use super::support::process::{Killed, run};
use super::support::raw::Mapping;
use super::support::tree::Snapshot;
use super::support::{Instance, sample};
use super::{CATEGORY, files_in_storage};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::process::Command;

/// A tree to be refused, and how it was.
struct Refused {
    instance: Instance,
    path: PathBuf,
}

impl Refused {
    fn new() -> Self {
        let instance = Instance::started();
        let path = instance.work().join("tree");
        fs::create_dir_all(path.join("below")).unwrap();
        fs::write(path.join("below/file"), sample::bytes(1, 50_000)).unwrap();
        Self { instance, path }
    }

    fn file(&self) -> PathBuf {
        self.path.join("below/file")
    }

    /// Encrypting exits with `code`, says all of `words`, and changes nothing.
    #[track_caller]
    fn refuses(&self, category: &str, code: i32, words: &[&str]) {
        let inode = fs::metadata(&self.path).unwrap().ino();
        let before = Snapshot::of(&self.path);
        let mut said = self
            .instance
            .run([OsStr::new("-e"), OsStr::new(category), self.path.as_os_str()])
            .exits(code);
        for word in words {
            said = said.says(word);
        }
        assert_eq!(fs::metadata(&self.path).unwrap().ino(), inode);
        before.assert_same(&Snapshot::of(&self.path), "after a refusal");
        self.instance.assert_no_leftovers(&self.instance.work());
        assert_eq!(files_in_storage(&self.instance), 0, "a refusal left ciphertext");
    }
}

#[test]
fn what_the_machine_lives_on_is_refused() {
    // In a mount namespace where the system is read-only: a refusal that failed would do no harm.
    let instance = Instance::initialised();
    let script = "mount --make-rprivate / && mount --bind \"$0\" \"$0\" && \
                  mount -o remount,bind,ro / && exec \"$@\"";
    for path in ["/", "/etc", "/usr", "/boot", "/dev", "/proc", "/sys", "/lib", "/usr/lib"] {
        let encrypt = instance.command("ezncrypt", ["-e", CATEGORY, path]);
        let mut confined = Command::new(program("unshare"));
        confined.args(["--mount", "sh", "-c", script]).arg(instance.state());
        confined.arg(encrypt.get_program()).args(encrypt.get_args()).current_dir("/");
        for (name, value) in encrypt.get_envs() {
            value.map(|value| confined.env(name, value));
        }
        let refused = run(&mut confined).exits(1).says(path);
        let read_only = refused.stderr.to_lowercase().contains("read-only");
        assert!(!read_only, "{path} was refused by the file system only: {refused}");
    }
}

#[test]
fn the_state_directory_and_what_holds_it_are_refused() {
    let instance = Instance::started();
    let above = instance.state().parent().unwrap().to_owned();
    for path in [instance.state(), instance.storage(), above] {
        instance.run([OsStr::new("-e"), OsStr::new(CATEGORY), path.as_os_str()]).exits(1);
        assert!(fs::symlink_metadata(&path).unwrap().is_dir());
    }
    assert_eq!(instance.run(["status", "--json"]).succeeds().json()["running"], true);
}

#[test]
fn a_mount_point_inside_is_refused() {
    let refused = Refused::new();
    let point = refused.path.join("mounted");
    fs::create_dir(&point).unwrap();
    let _mounted = Mounted::tmpfs(&point);
    refused.refuses(CATEGORY, 1, &["mounted"]);
}

#[test]
fn special_files_inside_are_refused_and_named() {
    let refused = Refused::new();
    let pipe = refused.path.join("a pipe");
    run(Command::new(program("mkfifo")).arg(&pipe)).succeeds();
    refused.refuses(CATEGORY, 1, &["a pipe"]);
    fs::remove_file(&pipe).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(refused.path.join("a socket")).unwrap();
    drop(socket);
    refused.refuses(CATEGORY, 1, &["a socket"]);
    fs::remove_file(refused.path.join("a socket")).unwrap();
    let device = refused.path.join("a device");
    run(Command::new(program("mknod")).arg(&device).args(["c", "1", "3"])).succeeds();
    refused.refuses(CATEGORY, 1, &["a device"]);
}

#[test]
fn bad_category_names_are_usage_errors() {
    let refused = Refused::new();
    for category in ["files", "@", "@..", "@a/b", "@a b", "@.hidden", "@new\nline"] {
        refused.refuses(category, 2, &[]);
    }
}

#[test]
fn a_hard_link_to_outside_is_refused() {
    let refused = Refused::new();
    fs::hard_link(refused.file(), refused.instance.work().join("outside")).unwrap();
    refused.refuses(CATEGORY, 1, &["below/file"]);
}

#[test]
fn what_does_not_exist_is_refused() {
    let instance = Instance::started();
    let path = instance.work().join("nothing here");
    instance
        .run([OsStr::new("-e"), OsStr::new(CATEGORY), path.as_os_str()])
        .exits(1)
        .says("nothing here");
}

#[test]
fn what_is_encrypted_already_is_refused() {
    let refused = Refused::new();
    let instance = &refused.instance;
    instance.encrypt(CATEGORY, &refused.path);
    instance.allow_this_test(CATEGORY);
    let before = Snapshot::of(&refused.path);
    let inside = instance.mount().join("files").join(refused.file().strip_prefix("/").unwrap());
    for path in [refused.path.clone(), refused.file(), inside] {
        instance.run([OsStr::new("-e"), OsStr::new("@again"), path.as_os_str()]).exits(1);
    }
    before.assert_same(&Snapshot::of(&refused.path), "after encrypting twice");
    let holder = instance.work().join("holder");
    fs::create_dir(&holder).unwrap();
    symlink(&refused.path, holder.join("link")).unwrap();
    // A symlink is just a symlink: a tree that holds one to a location can be encrypted.
    instance.encrypt("@again", &holder);
}

#[test]
fn an_open_file_is_refused_and_its_process_named() {
    let refused = Refused::new();
    let _open = File::open(refused.file()).unwrap();
    refused.refuses(CATEGORY, 5, &[&std::process::id().to_string(), "e2e_roundtrip"]);
}

#[test]
fn a_mapped_file_is_refused_and_its_process_named() {
    let refused = Refused::new();
    let file = fs::OpenOptions::new().read(true).write(true).open(refused.file()).unwrap();
    let mapping = Mapping::shared(&file, 4096);
    drop(file);
    refused.refuses(CATEGORY, 5, &[&std::process::id().to_string()]);
    drop(mapping);
}

#[test]
fn a_working_directory_inside_is_refused_and_its_process_named() {
    let refused = Refused::new();
    let mut sleep = Command::new(program("sleep"));
    let sleep = Killed(sleep.arg("600").current_dir(refused.path.join("below")).spawn().unwrap());
    refused.refuses(CATEGORY, 5, &[&sleep.0.id().to_string(), "sleep"]);
}

#[test]
fn decrypting_what_is_open_is_refused_and_its_process_named() {
    let refused = Refused::new();
    let instance = &refused.instance;
    instance.encrypt(CATEGORY, &refused.path);
    instance.allow_this_test(CATEGORY);
    let before = Snapshot::of(&refused.path);
    let open = File::open(refused.file()).unwrap();
    instance
        .run([OsStr::new("-d"), refused.path.as_os_str()])
        .exits(5)
        .says(std::process::id().to_string());
    drop(open);
    before.assert_same(&Snapshot::of(&refused.path), "after a refused decryption");
    instance.decrypt(&refused.path);
    before.assert_same(&Snapshot::of(&refused.path), "after decryption");
}

#[test]
fn decrypting_with_a_wrong_secret_is_refused() {
    let refused = Refused::new();
    let instance = &refused.instance;
    instance.encrypt(CATEGORY, &refused.path);
    let wrong = instance.secret_file("wrong", "guess\n");
    let mut decrypt = instance.command("ezncrypt", [OsStr::new("-d"), refused.path.as_os_str()]);
    run(decrypt.env("EZNCRYPT_PASSPHRASE_FILE", &wrong)).exits(3);
    assert!(fs::symlink_metadata(&refused.path).unwrap().is_symlink());
    run(Command::new(program("cat")).arg(refused.file())).denied();
}
