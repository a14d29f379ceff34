//! Makes a store of the format that this build writes.

use super::contents::{
    self, ATTRIBUTE, Contents, HARD_LINK, MODE, MODIFIED, OWNER, SYMLINK, made_meanwhile, of_second,
};
use super::store::{ALICE, PASSPHRASE, ROOT, Store, UNATTENDED, at};
use super::support::ciphertext::{REKEYING, headers};
use super::support::machine::program;
use super::support::process::{LIMIT, Running, run, until};
use super::support::tree::set_attribute;
use ezncrypt::crypto::CategoryKeys;
use ezncrypt::crypto::kdf::Params;
use ezncrypt::crypto::sector::Suite;
use ezncrypt::keystore::{NewSlot, Secret as KeystoreSecret, bundle};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A new store, packed.
pub fn archive() -> PathBuf {
    let store = Store::empty();
    secrets();
    compile_tool();
    keystore(&store);
    trees(&store);
    first_rotated(&store);
    second_rotated_in_part(&store);
    take_along(&store);
    let archive = Path::new(ROOT).with_file_name("state.tar.gz");
    store.pack(&archive);
    archive
}

fn secrets() {
    fs::create_dir(at("secrets")).unwrap();
    for (name, text) in [
        ("passphrase", "golden passphrase\n"),
        ("salt", "golden salt\n"),
        ("alice", "alice's passphrase\n"),
        ("alice-salt", "alice's salt\n"),
        ("unattended", "golden secret of the service\n"),
        ("bundle", "golden bundle\n"),
    ] {
        secret_file(name, text);
    }
    for line in ["genrsa -out rsa 2048", "rsa -in rsa -pubout -out rsa.pub"] {
        let mut openssl = Command::new(program("openssl"));
        run(openssl.args(line.split(' ')).current_dir(at("secrets"))).succeeds();
    }
    fs::set_permissions(at("secrets/rsa"), Permissions::from_mode(0o600)).unwrap();
}

fn secret_file(name: &str, text: &str) {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(at("secrets").join(name));
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

fn compile_tool() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tool.c");
    let mut compiler = Command::new(program("gcc"));
    compiler.args(["-Os", "-static", "-nostdlib", "-no-pie", "-fno-pic", "-fno-stack-protector"]);
    compiler.args(["-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-s"]);
    compiler.args(["-Wl,--build-id=none", "-Wl,-z,noseparate-code", "-Wl,-z,noexecstack", "-o"]);
    run(compiler.arg(at("tool")).arg(source)).succeeds();
}

/// A keystore with keyslots of every kind, whose master key was changed once, and a category of each cipher.
fn keystore(store: &Store) {
    store.run(PASSPHRASE, ["init", "--scrypt-log-n", "14"]).succeeds();
    let configuration = format!("[unattended]\nfile = \"{ROOT}/secrets/unattended\"\n");
    fs::write(at("state/ezncrypt.toml"), configuration).unwrap();
    store.run(PASSPHRASE, ["key", "rotate", "--master"]).succeeds();
    let add = |kind: &[&str]| {
        let line = [&["key", "add"], kind, &["--scrypt-log-n", "14"]].concat();
        store.run(PASSPHRASE, line).succeeds().stdout
    };
    let file = |name: &str| format!("{ROOT}/secrets/{name}");
    let (alice, salt) = (file("alice"), file("alice-salt"));
    let files = ["--new-passphrase-file", &alice, "--new-salt-file", &salt];
    add(&[&["passphrase", "--name", "alice"][..], &files].concat());
    add(&["rsa", &file("rsa.pub"), "--name", "rsa"]);
    secret_file("recovery", add(&["recovery", "--name", "safe"]).lines().last().unwrap());
    add(&["unattended"]);
    category(store, "first", Suite::Xaes256Gcm);
    category(store, "second", Suite::XChaCha20Poly1305);
}

/// Makes a category of this cipher, whatever this machine's processor is best at.
fn category(store: &Store, name: &str, suite: Suite) {
    let word = b"golden bundle";
    let params = Params::with_log_n(14).unwrap();
    let to = NewSlot::Stretched(KeystoreSecret::passphrase(word, word), params);
    let keys = CategoryKeys::generate(suite).unwrap();
    fs::write(at("imported"), bundle::seal(name, &keys, ([7; 16], 1), &to).unwrap()).unwrap();
    let word = format!("{ROOT}/secrets/bundle");
    let bundle = format!("{ROOT}/imported");
    let import = ["key", "import", &bundle, "--bundle-passphrase-file", &word];
    store.run(PASSPHRASE, [&import[..], &["--bundle-salt-file", &word]].concat()).succeeds();
    fs::remove_file(at("imported")).unwrap();
}

/// Everything in the clear, and then encrypted, with rules.
fn trees(store: &Store) {
    let files: Vec<Contents> = contents::of_first().into_iter().chain(of_second()).collect();
    for file in &files {
        let path = at(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let (bytes, open) = (file.bytes(), File::create(&path).unwrap());
        open.set_len(file.size).unwrap();
        for &(from, length) in &file.data {
            open.write_all_at(&bytes[from as usize..(from + length) as usize], from).unwrap();
        }
    }
    fs::hard_link(at(HARD_LINK.1), at(HARD_LINK.0)).unwrap();
    symlink(SYMLINK.1, at(SYMLINK.0)).unwrap();
    set_attribute(&at("first/attribute"), ATTRIBUTE.0, ATTRIBUTE.1);
    for file in &files {
        dress(&at(&file.path));
    }
    store.run(UNATTENDED, ["start"]).succeeds();
    for (category, path) in [("@first", "first"), ("@first", "single.cnf"), ("@second", "second")] {
        store.run(ALICE, ["-e", category, at(path).to_str().unwrap()]).succeeds();
    }
    for rule in contents::rules() {
        store.access(["-a", &rule]).succeeds();
    }
    // A line of the log for whoever is denied, and for whoever is let in.
    run(Command::new(program("cat")).arg(at("first/one")).env_clear()).denied();
    store.read(&at("first/one"));
}

/// Owner, mode and time of a file.
fn dress(path: &Path) {
    chown(path, Some(OWNER.0), Some(OWNER.1)).unwrap();
    fs::set_permissions(path, Permissions::from_mode(MODE)).unwrap();
    let time = Timespec { tv_sec: MODIFIED.0, tv_nsec: MODIFIED.1 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn first_rotated(store: &Store) {
    store.run(PASSPHRASE, ["key", "rotate", "@first", "--data"]).succeeds();
    store.run(PASSPHRASE, ["key", "rotate", "@first"]).succeeds();
}

/// Leaves one file with sectors under two keys, another one under the old, and a third under the new.
fn second_rotated_in_part(store: &Store) {
    let before: Vec<_> = of_second().iter().map(sectors).collect();
    let rotate = ["key", "rotate", "@second", "--data", "--rate", "1"];
    let mut rotating = Running::spawn(&mut store.command(PASSPHRASE, rotate));
    until("the first step is done", LIMIT, || {
        let status = store.run(UNATTENDED, ["status", "--json"]).succeeds().json();
        status["rotation"]["bytes_done"].as_u64() > Some(0)
    });
    let new = made_meanwhile();
    let mut write = Command::new(at("tool"));
    let write = write.arg(at(&new.path)).arg("write").env_clear().stdin(Stdio::piped());
    let mut child = write.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&new.bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let mut found: Vec<_> = headers(&at("state/storage/second"))
        .iter()
        .map(|header| (header.epoch, header.flags & REKEYING))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [(1, 0), (2, 0), (2, REKEYING)]);
    let mut changed: Vec<_> = of_second()
        .iter()
        .zip(before)
        .map(|(file, before)| {
            let after = sectors(file);
            (after[0] != before[0], after[1] != before[1])
        })
        .collect();
    changed.sort_unstable();
    assert_eq!(changed, [(false, false), (true, false)], "one file is under two keys");
    store.run(UNATTENDED, ["stop"]).succeeds();
    rotating.finish(LIMIT).unwrap().exits(1);
}

/// The first two sectors of a file's ciphertext that are no holes: one early, one late.
fn sectors(file: &Contents) -> [Vec<u8>; 2] {
    let path = at("state/storage/second").join(at(&file.path).strip_prefix("/").unwrap());
    let ciphertext = fs::read(path).unwrap();
    [0, 500].map(|sector| ciphertext[4096 * (1 + sector)..][..4096].to_vec())
}

/// What people keep elsewhere: a backup of the keystore, and keys for other machines.
fn take_along(store: &Store) {
    let file = |name: &str| format!("{ROOT}/{name}");
    let word = file("secrets/bundle");
    let files = ["--bundle-passphrase-file", &word, "--bundle-salt-file", &word];
    let to_rsa = format!("rsa:{ROOT}/secrets/rsa.pub");
    for (name, to) in [
        ("passphrase.bundle", [&["passphrase"][..], &files].concat()),
        ("rsa.bundle", vec![to_rsa.as_str()]),
    ] {
        let export = [&["key", "export", "@first", "--to"][..], &to].concat();
        let mut export = store.command(PASSPHRASE, export);
        assert!(export.stdout(File::create(at(name)).unwrap()).status().unwrap().success());
    }
    store.run(PASSPHRASE, ["key", "backup", &file("keystore.saved")]).succeeds();
}
