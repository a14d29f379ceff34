//! Keys on their way: to another machine and back from a backup, and files that follow them. Runs as root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "keys_move/faults.rs"]
mod faults;
mod support;

use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use support::Instance;
use support::process::{Outcome, Running, run, send, soon};

const PLAIN: &str = "create table secret (card text);\n";

/// An instance with an encrypted file and its directory, and a bundle of its category's keys.
struct Machine {
    instance: Instance,
    file: PathBuf,
}

impl Machine {
    fn new() -> Self {
        Self::of(5000)
    }

    /// With so many lines in the file.
    fn of(lines: usize) -> Self {
        let instance = Instance::started();
        let directory = instance.work().join("dumps");
        fs::create_dir(&directory).unwrap();
        let file = directory.join("all.sql");
        fs::write(&file, PLAIN.repeat(lines)).unwrap();
        instance.encrypt("@backup", &directory);
        Self { instance, file }
    }

    fn ciphertext(&self) -> PathBuf {
        let below = self.file.strip_prefix("/").unwrap();
        self.instance.storage().join("backup").join(below)
    }

    /// `key export` to a passphrase of the bundle's own, into a file.
    fn export(&self, to: &[&str]) -> PathBuf {
        let bundle = self.instance.work().join("bundle");
        let word = self.instance.secret_file("bundle-word", "for the other machine");
        let word = word.to_str().unwrap();
        let files = ["--bundle-passphrase-file", word, "--bundle-salt-file", word];
        let line = [&["key", "export", "@backup", "--to"], to, &files].concat();
        let mut command = self.instance.command("ezncrypt", line);
        command.stdout(fs::File::create(&bundle).unwrap());
        assert!(command.status().unwrap().success());
        bundle
    }
}

fn import(there: &Instance, bundle: &Path, more: &[&str]) -> Outcome {
    let word = there.secret_file("bundle-word", "for the other machine");
    let word = word.to_str().unwrap();
    let files = ["--bundle-passphrase-file", word, "--bundle-salt-file", word];
    let line = [&["key", "import", bundle.to_str().unwrap()], more, &files].concat();
    there.run(line)
}

fn decrypt_file(there: &Instance, file: &Path, out: &Path) -> Outcome {
    there.run(["decrypt-file", file.to_str().unwrap(), "-o", out.to_str().unwrap()])
}

#[test]
fn a_file_is_read_on_another_machine_after_export_and_import_and_not_without() {
    let here = Machine::new();
    let bundle = here.export(&["passphrase"]);
    for started in [false, true] {
        let there = Instance::initialised();
        if started {
            there.start();
        }
        let out = there.work().join("out");
        decrypt_file(&there, &here.ciphertext(), &out).exits(7).says("key import");
        assert!(!out.exists());
        import(&there, &bundle, &[]).succeeds().says("@backup");
        decrypt_file(&there, &here.ciphertext(), &out).succeeds();
        assert_eq!(fs::read_to_string(&out).unwrap(), PLAIN.repeat(5000));
        decrypt_file(&there, &here.ciphertext(), &out).exits(1).says("--force");
        import(&there, &bundle, &[]).succeeds().says("nothing to do");
    }
}

#[test]
fn a_bundle_for_an_rsa_key_opens_for_its_holder() {
    let here = Machine::new();
    let key = here.instance.work().join("key");
    let (private, public) = (key.to_str().unwrap(), format!("{}.pub", key.display()));
    for line in [
        format!("openssl genrsa -out {private} 2048"),
        format!("openssl rsa -in {private} -pubout -out {public}"),
        format!("chmod 600 {private}"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert!(Command::new(words[0]).args(&words[1..]).output().unwrap().status.success());
    }
    let bundle = here.export(&[&format!("rsa:{public}")]);
    let there = Instance::started();
    import(&there, &bundle, &[]).exits(3).says("does not open the key bundle");
    let line = ["key", "import", bundle.to_str().unwrap(), "--bundle-rsa-key", private];
    there.run(line).succeeds();
    let out = there.work().join("out");
    decrypt_file(&there, &here.ciphertext(), &out).succeeds();
}

#[test]
fn copied_storage_is_decrypted_at_the_original_path() {
    let here = Machine::new();
    let bundle = here.export(&["passphrase"]);
    let there = Instance::started();
    // The same original path, on a machine of its own: a directory that the first one does not have.
    let original = there.work().join("dumps");
    let stored = there.storage().join("backup").join(original.strip_prefix("/").unwrap());
    let copied = |from: &Path, to: &Path| {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    copied(here.ciphertext().parent().unwrap(), &stored);
    there.run(["-d", original.to_str().unwrap()]).exits(1).says("no encrypted location");
    import(&there, &bundle, &[]).succeeds();
    there.run(["-d", original.to_str().unwrap()]).succeeds();
    let plain = fs::read_to_string(original.join("all.sql")).unwrap();
    assert_eq!(plain, PLAIN.repeat(5000));
    assert!(!stored.exists(), "the ciphertext is gone, as after every -d");
}

#[test]
fn bundles_that_are_wrong_or_contradict_change_nothing() {
    let here = Machine::new();
    let bundle = here.export(&["passphrase"]);
    let there = Instance::started();
    let generation = || there.run(["status", "--json"]).json()["keystore_generation"].clone();
    let before = generation();
    let bytes = fs::read(&bundle).unwrap();
    let broken = there.work().join("broken");
    fs::write(&broken, &bytes[..bytes.len() - 1]).unwrap();
    import(&there, &broken, &[]).exits(7).says("damaged");
    let mut changed = bytes;
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&broken, changed).unwrap();
    import(&there, &broken, &[]).exits(7).says("damaged");
    let keystore = here.instance.state().join("keystore");
    import(&there, &keystore, &[]).exits(7).says("not a key bundle");
    // A category of that name that is another one.
    let file = there.work().join("own");
    fs::write(&file, "x").unwrap();
    assert_eq!(generation(), before);
    there.encrypt("@backup", &file);
    let before = generation();
    import(&there, &bundle, &[]).exits(1).says("--as @NAME");
    assert_eq!(generation(), before);
    import(&there, &bundle, &["--as", "@theirs"]).succeeds().says("@theirs");
    import(&there, &bundle, &["--as", "@again"]).exits(1).says("@theirs");
    there.run(["-d", file.to_str().unwrap()]).succeeds();
}

#[test]
fn keys_and_plaintext_are_given_out_to_the_administrator_only() {
    let here = Machine::new();
    let wrong = here.instance.secret_file("wrong", "wrong");
    let wrong = wrong.to_str().unwrap();
    let secret = ["--passphrase-file", wrong, "--salt-file", wrong];
    let bundle_word = ["--bundle-passphrase-file", wrong, "--bundle-salt-file", wrong];
    let export = [&["key", "export", "@backup", "--to", "passphrase"][..], &secret, &bundle_word];
    let refused = here.instance.run(export.concat()).exits(3);
    assert!(refused.stdout.is_empty());
    let file = here.ciphertext();
    let decrypt = ["decrypt-file", file.to_str().unwrap(), "-o", "/nowhere/x"];
    here.instance.run([&decrypt[..], &secret].concat()).exits(3);
    here.instance.run(["key", "export", "@nothing", "--to", "passphrase"]).exits(2);
    let nothing = [&["key", "export", "@nothing", "--to", "passphrase"][..], &bundle_word];
    here.instance.run(nothing.concat()).exits(1).says("no category @nothing");
}

#[test]
fn a_damaged_or_cut_file_gives_no_plaintext_and_is_left_as_it_is() {
    let here = Machine::new();
    here.instance.stop();
    let (copy, out) = (here.instance.work().join("copy"), here.instance.work().join("out"));
    let whole = fs::read(here.ciphertext()).unwrap();
    let mut flipped = whole.clone();
    flipped[4096 * 3 + 100] ^= 1;
    let no_header = [vec![0; 4096], whole[4096..].to_vec()].concat();
    fs::write(&copy, "").unwrap();
    let before = names_in(&here.instance.work());
    for (damaged, says) in [
        (flipped, "sector"),
        (whole[..4096 * 10].to_vec(), "cut short"),
        (no_header, "header"),
        (b"plain text".to_vec(), "no file that ezncrypt encrypted"),
        (Vec::new(), "empty"),
    ] {
        fs::write(&copy, &damaged).unwrap();
        decrypt_file(&here.instance, &copy, &out).exits(7).says(says);
        assert_eq!(names_in(&here.instance.work()), before, "{says}: something is left over");
        assert_eq!(fs::read(&copy).unwrap(), damaged, "{says}: the ciphertext was changed");
    }
    decrypt_file(&here.instance, &here.file, &out).exits(1);
    assert_eq!(names_in(&here.instance.work()), before, "something is left over");
}

fn names_in(directory: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

/// Whether the process has a file in the directory open for writing, with or without a name.
fn writes_in(pid: u32, directory: &Path) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let targets = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name(), fs::read_link(entry.path()).ok()?)));
    targets.into_iter().any(|(number, target)| {
        let number = number.to_string_lossy().into_owned();
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).unwrap_or_default();
        let writes = info
            .lines()
            .any(|line| line.starts_with("flags:") && line.trim_end().ends_with(['1', '2']));
        let written =
            info.lines().any(|line| line.starts_with("pos:") && !line.trim_end().ends_with("\t0"));
        target.parent() == Some(directory) && writes && written
    })
}

#[test]
fn a_decryption_that_is_killed_leaves_no_plaintext_behind() {
    let here = Machine::of(2_000_000);
    here.instance.stop();
    let directory = here.instance.work().join("out");
    fs::create_dir(&directory).unwrap();
    for force in [false, true] {
        let out = directory.join("all.sql");
        let line =
            ["decrypt-file", here.ciphertext().to_str().unwrap(), "-o", out.to_str().unwrap()]
                .map(str::to_owned);
        let mut command = here.instance.command("ezncrypt", line);
        command.args(force.then_some("--force")).stdin(std::process::Stdio::null());
        let before = names_in(&directory);
        let mut running = Running::spawn(&mut command);
        let pid = running.pid();
        soon("it writes", Duration::from_secs(60), || {
            let ended = running.ended();
            assert!(ended.is_none(), "{}", ended.unwrap());
            writes_in(pid, &directory)
        });
        send(pid, Signal::KILL);
        let outcome = running.finish(Duration::from_secs(60)).expect("it does not end");
        assert_eq!(outcome.signal, Some(9), "{outcome}");
        assert_eq!(names_in(&directory), before);
        let out = out.to_str().unwrap();
        let again = ["decrypt-file", "--force", here.ciphertext().to_str().unwrap(), "-o", out]
            .map(str::to_owned);
        here.instance.run(again).succeeds();
        assert_eq!(names_in(&directory), ["all.sql"]);
    }
}

#[test]
fn a_file_whose_first_header_copy_names_another_key_is_read_by_the_second() {
    let here = Machine::new();
    let (copy, out) = (here.instance.work().join("copy"), here.instance.work().join("out"));
    let whole = fs::read(here.ciphertext()).unwrap();
    // A bit of the category's id, of the epoch, of the version; in each copy of the header.
    for at in [16, 31, 32, 8, 2048 + 16, 2048 + 32] {
        let mut flipped = whole.clone();
        flipped[at] ^= 2;
        fs::write(&copy, &flipped).unwrap();
        decrypt_file(&here.instance, &copy, &out).succeeds();
        assert_eq!(fs::read_to_string(&out).unwrap(), PLAIN.repeat(5000), "byte {at}");
        assert_eq!(fs::read(&copy).unwrap(), flipped, "byte {at}");
        fs::remove_file(&out).unwrap();
    }
    let mut flipped = whole;
    flipped[16] ^= 2;
    flipped[2048 + 16] ^= 2;
    fs::write(&copy, &flipped).unwrap();
    decrypt_file(&here.instance, &copy, &out).exits(7).says("no category with the id");
}

#[test]
fn nothing_is_written_into_our_own_mount_or_storage_by_way_of_a_symlink() {
    let here = Machine::new();
    let (instance, work) = (&here.instance, here.instance.work());
    let (encrypted, storage) = (here.file.parent().unwrap(), work.join("storage"));
    assert!(encrypted.is_symlink());
    std::os::unix::fs::symlink(instance.storage(), &storage).unwrap();
    std::os::unix::fs::symlink("storage/backup", work.join("twice")).unwrap();
    for place in [encrypted, &storage, &work.join("twice")] {
        let out = place.join("new");
        decrypt_file(instance, &here.ciphertext(), &out).exits(2).says("not a place for plaintext");
        let backup = ["key", "backup", "--force", out.to_str().unwrap()];
        instance.run(backup).exits(1).says("name a file outside");
        assert!(out.symlink_metadata().is_err());
    }
    decrypt_file(instance, &here.file, &work.join("out")).exits(2).says("in the mount");
    // A symlink of the very name is replaced, wherever it leads.
    let link = work.join("link");
    std::os::unix::fs::symlink(&here.file, &link).unwrap();
    instance.run(["key", "backup", "--force", link.to_str().unwrap()]).succeeds();
    assert!(link.symlink_metadata().unwrap().is_file());
}

#[test]
fn neither_what_is_ours_nor_a_device_is_overwritten_though_that_is_forced() {
    let here = Machine::new();
    let (instance, work) = (&here.instance, here.instance.work());
    let state = instance.state();
    let ours =
        ["keystore", "keystore.backup", "lock", "run/control.sock", "log/audit.jsonl", "new"];
    for name in ours.map(|name| state.join(name)) {
        let before = fs::symlink_metadata(&name).map(|there| there.ino()).ok();
        instance.run(["key", "backup", "--force", name.to_str().unwrap()]).exits(1).says("outside");
        let mut decrypt = instance.command("ezncrypt", ["decrypt-file", "--force", "-o"]);
        run(decrypt.arg(&name).arg(here.ciphertext())).exits(2);
        assert_eq!(fs::symlink_metadata(&name).map(|there| there.ino()).ok(), before);
    }
    let (device, fifo) = (work.join("null"), work.join("fifo"));
    run(Command::new("mknod").arg(&device).args(["c", "1", "3"])).succeeds();
    run(Command::new("mkfifo").arg(&fifo)).succeeds();
    for there in [&device, &fifo] {
        instance.run(["key", "backup", "--force", there.to_str().unwrap()]).exits(2);
        let mut decrypt = instance.command("ezncrypt", ["decrypt-file", "--force", "-o"]);
        run(decrypt.arg(there).arg(here.ciphertext())).exits(2).says("not a regular file");
        assert!(!fs::symlink_metadata(there).unwrap().is_file());
    }
    // The ciphertext by its own and by another name.
    let (copy, other) = (work.join("copy"), work.join("other"));
    fs::copy(here.ciphertext(), &copy).unwrap();
    fs::hard_link(&copy, &other).unwrap();
    for out in [&copy, &other] {
        let mut decrypt = instance.command("ezncrypt", ["decrypt-file", "--force", "-o"]);
        run(decrypt.arg(out).arg(&copy)).exits(2).says("ciphertext file itself");
    }
    assert_eq!(fs::read(&copy).unwrap(), fs::read(here.ciphertext()).unwrap());
}

#[test]
fn ciphertext_without_its_keystore_is_not_given_another_one() {
    let here = Machine::new();
    let instance = &here.instance;
    instance.stop();
    let copies = ["keystore", "keystore.backup"].map(|name| instance.state().join(name));
    let kept = fs::read(&copies[0]).unwrap();
    copies.iter().for_each(|copy| fs::remove_file(copy).unwrap());
    instance.run(["start"]).exits(6).says("key restore");
    instance.run(["init", "--scrypt-log-n", "14"]).exits(6).says("key restore");
    assert!(!copies[0].exists());
    let backup = instance.secret_file("kept", "");
    fs::write(&backup, kept).unwrap();
    instance.run(["key", "restore", backup.to_str().unwrap()]).succeeds();
    instance.start();
}

fn backup_status(instance: &Instance) -> Value {
    instance.run(["status", "--json"]).json()["keystore_backup"].clone()
}

#[test]
fn a_backup_is_told_of_and_puts_a_lost_keystore_back() {
    let here = Machine::new();
    let instance = &here.instance;
    assert_eq!(backup_status(instance), Value::Null);
    instance.run(["status"]).prints("never");
    let copy = instance.work().join("copy");
    let copied = copy.to_str().unwrap();
    // As cron does it: with no secret at hand.
    let mut bare = instance.command("ezncrypt", ["key", "backup", copied]);
    bare.env_remove("EZNCRYPT_PASSPHRASE_FILE").env_remove("EZNCRYPT_SALT_FILE");
    run(&mut bare).succeeds();
    assert_eq!(backup_status(instance)["keys_changed_since"], false);
    instance.run(["key", "backup", copied]).exits(1).says("--force");
    instance.run(["key", "backup", "--force", copied]).succeeds();
    instance.run(["status"]).prints("ago");
    instance.run(["key", "add", "recovery"]).succeeds();
    assert_eq!(backup_status(instance)["keys_changed_since"], true);
    instance.run(["status"]).prints("keys were changed since");
    instance.run(["key", "restore", copied]).exits(5);
    instance.stop();
    instance.run(["key", "restore", copied]).exits(1).says("newer");
    for name in ["keystore", "keystore.backup"] {
        fs::remove_file(instance.state().join(name)).unwrap();
    }
    instance.run(["start"]).exits(6);
    instance.run(["key", "restore", copied]).succeeds();
    instance.start();
    instance.allow_this_test("@backup");
    assert_eq!(fs::read_to_string(&here.file).unwrap(), PLAIN.repeat(5000));
}

#[test]
fn a_backup_makes_a_new_machine_and_another_keystore_is_not_overwritten_unasked() {
    let here = Machine::new();
    let copy = here.instance.work().join("copy");
    let copied = copy.to_str().unwrap();
    here.instance.run(["key", "backup", copied]).succeeds();
    let there = Instance::initialised();
    let own = fs::read(there.state().join("keystore")).unwrap();
    there.run(["key", "restore", copied]).exits(1).says("another one").says("--force");
    assert_eq!(fs::read(there.state().join("keystore")).unwrap(), own);
    there.run(["key", "restore", "--force", copied]).succeeds();
    assert_eq!(fs::read(there.state().join("keystore.replaced.1")).unwrap(), own);
    let out = there.work().join("out");
    decrypt_file(&there, &here.ciphertext(), &out).succeeds();
    fs::write(&copy, &own[..50]).unwrap();
    there.run(["key", "restore", "--force", copied]).exits(7);
}
