//! What holds for every store, in whatever build.

use super::contents::{self, ATTRIBUTE, Contents, HARD_LINK, MODE, MODIFIED, OWNER, SYMLINK};
use super::store::{ALICE, PASSPHRASE, RECOVERY, ROOT, RSA, Store, UNATTENDED, at};
use super::support::ciphertext::{REKEYING, assert_all_under, headers};
use super::support::machine::program;
use super::support::process::{LIMIT, run, until};
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::Command;

/// Each secret starts a service; the rules let their program in, which reads every byte; others read none.
pub fn every_secret(archive: &Path) {
    for secret in [PASSPHRASE, ALICE, RSA, RECOVERY, UNATTENDED] {
        let store = Store::unpacked(archive);
        store.run(secret, ["start"]).succeeds();
        for file in contents::all() {
            assert!(store.read(&at(&file.path)) == file.bytes(), "{:?}", file.path);
            run(Command::new(program("cat")).arg(at(&file.path))).denied();
        }
        as_it_was_left(&store);
        store.run(UNATTENDED, ["stop"]).succeeds();
    }
}

/// Owners, modes, times, links and attributes, and the change of keys that is half done.
fn as_it_was_left(store: &Store) {
    for file in contents::of_first() {
        let found = fs::metadata(at(&file.path)).unwrap();
        assert_eq!(found.len(), file.size, "{:?}", file.path);
        assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (OWNER.0, OWNER.1, MODE));
        assert_eq!((found.mtime(), found.mtime_nsec()), MODIFIED, "{:?}", file.path);
    }
    let inode = |path: &str| fs::metadata(at(path)).unwrap().ino();
    assert_eq!(inode(HARD_LINK.0), inode(HARD_LINK.1));
    assert_eq!(fs::read_link(at(SYMLINK.0)).unwrap(), Path::new(SYMLINK.1));
    let mut value = [0; 100];
    let length = rustix::fs::getxattr(at("first/attribute"), ATTRIBUTE.0, &mut value[..]).unwrap();
    assert_eq!(&value[..length], ATTRIBUTE.1);
    let sparse = fs::metadata(at("first/sparse")).unwrap();
    assert!(sparse.blocks() * 512 < 100 << 10, "holes are holes: {} blocks", sparse.blocks());

    let cipher = |file: &str| fs::read(at(file)).unwrap()[10];
    assert_eq!(cipher(&format!("state/storage/first{ROOT}/first/one")), 1, "XAES-256-GCM");
    assert_eq!(cipher(&format!("state/storage/second{ROOT}/second/new")), 2, "XChaCha20-Poly1305");
    assert_all_under(&at("state/storage/first"), 3);
    let found = headers(&at("state/storage/second"));
    let count = |of: (u32, u32)| {
        found.iter().filter(|header| (header.epoch, header.flags & REKEYING) == of).count()
    };
    assert_eq!((count((1, 0)), count((2, REKEYING)), count((2, 0))), (1, 1, 1), "{found:?}");
    let status = store.run(UNATTENDED, ["status", "--json"]).succeeds().json();
    assert_eq!(status["rotation"]["category"], "@second", "{status}");
}

/// What is written down in it, without a service and with one.
pub fn the_books(archive: &Path) {
    let store = Store::unpacked(archive);
    nothing_of_the_machine(&fs::read_to_string(at("state/log/audit.jsonl")).unwrap());
    for started in [false, true] {
        if started {
            store.run(PASSPHRASE, ["start"]).succeeds();
        }
        let keys = store.run(PASSPHRASE, ["key", "list", "--json"]).succeeds().json();
        let slots: Vec<_> = keys["keyslots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|slot| (slot["kind"].as_str().unwrap(), slot["name"].as_str().unwrap()))
            .collect();
        let (one, two) = (("passphrase", ""), ("passphrase", "alice"));
        let three = [("rsa", "rsa"), ("recovery", "safe"), ("unattended", "")];
        assert_eq!(slots, [&[one, two][..], &three].concat());
        let epochs: Vec<_> = keys["categories"]
            .as_array()
            .unwrap()
            .iter()
            .map(|category| (category["category"].clone(), category["epochs"].clone()))
            .collect();
        let (first, second) = ((json!("@first"), json!([3])), (json!("@second"), json!([1, 2])));
        assert_eq!(epochs, [first, second]);

        let rules = store.access(["-l", "--json"]).succeeds().json();
        let texts: Vec<_> = rules
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| {
                assert_eq!(rule["tainted"], false, "{rule}");
                let words = ["effect", "category", "path", "process", "parameters"];
                words.map(|word| rule[word].as_str().unwrap()).join(" ").trim_end().to_owned()
            })
            .collect();
        assert_eq!(texts, contents::rules());

        let locations = store.run(PASSPHRASE, ["list", "--json"]).succeeds().json();
        let mut listed: Vec<_> = locations
            .as_array()
            .unwrap()
            .iter()
            .map(|location| {
                assert_eq!(location["state"], "encrypted", "{location}");
                format!("{} {}", location["category"], location["path"]).replace('"', "")
            })
            .collect();
        listed.sort();
        let path = |category: &str, name: &str| format!("{category} {ROOT}/{name}");
        let expected = [("@first", "first"), ("@first", "single.cnf"), ("@second", "second")];
        assert_eq!(listed, expected.map(|(category, name)| path(category, name)));

        store
            .run(PASSPHRASE, ["audit", "--verify"])
            .succeeds()
            .prints("the log is what was written\n");
        store.run(UNATTENDED, ["verify"]).succeeds();
    }
    let log = store.run(PASSPHRASE, ["audit"]).succeeds().stdout;
    for event in ["initialised", "master_rotated", "denied", "allowed", "key_rotation_finished"] {
        assert!(log.contains(event), "{event} is missing: {log}");
    }
}

/// Every path in the log that the store came with is one of the store's, or of every Debian.
fn nothing_of_the_machine(log: &str) {
    fn texts(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Array(list) => list.iter().for_each(|one| texts(one, found)),
            Value::Object(fields) => fields.values().for_each(|one| texts(one, found)),
            _ => {}
        }
    }
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["who"]["unit"].is_null() && line["who"]["login_user"].is_null(), "{line}");
        let mut found = Vec::new();
        texts(&line, &mut found);
        for text in found {
            for (at, _) in text.match_indices('/') {
                let rest = &text[..at];
                let begins = rest.ends_with(['=', ' ', ':', '"']) || rest.is_empty();
                let known = [ROOT, "/usr/bin/cat", "/bin/cat"];
                let known = known.iter().any(|known| text[at..].starts_with(known));
                assert!(!begins || known, "{text:?} in {line}");
            }
        }
    }
}

/// The store is used on: the change of keys is finished, files are written, decrypted and encrypted.
pub fn the_work_goes_on(archive: &Path) {
    let store = Store::unpacked(archive);
    store.run(UNATTENDED, ["start"]).succeeds();
    store.run(PASSPHRASE, ["key", "rotate", "@second", "--rate", "unlimited"]).succeeds();
    until("the change of keys is done", LIMIT, || {
        store.run(UNATTENDED, ["status", "--json"]).succeeds().json()["rotation"].is_null()
    });
    assert_all_under(&at("state/storage/second"), 2);
    for category in ["@first", "@second"] {
        let this = std::env::current_exe().unwrap();
        store.access(["-a", &format!("ALLOW {category} * {}", this.display())]).succeeds();
    }
    let mut files: Vec<_> =
        contents::all().into_iter().map(|file| (at(&file.path), file.bytes())).collect();
    let holds = |files: &[(std::path::PathBuf, Vec<u8>)], when: &str| {
        for (path, bytes) in files {
            assert!(fs::read(path).unwrap() == *bytes, "{when}: {}", path.display());
        }
    };
    holds(&files, "after the change of keys");
    for (path, bytes) in &mut files {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        // At both ends, and past the old one.
        for (from, more) in [(0, &b"written"[..]), (bytes.len() as u64, &[7; 5000])] {
            file.write_all_at(more, from).unwrap();
            let end = from as usize + more.len();
            bytes.resize(bytes.len().max(end), 0);
            bytes[from as usize..end].copy_from_slice(more);
        }
        file.sync_all().unwrap();
    }
    let made = Contents::made_now();
    fs::write(at(&made.path), made.bytes()).unwrap();
    files.push((at(&made.path), made.bytes()));
    store.run(UNATTENDED, ["stop"]).succeeds();
    store.run(RSA, ["start"]).succeeds();
    holds(&files, "after a restart");
    store.run(UNATTENDED, ["verify"]).succeeds();
    for (category, top) in [("@first", "first"), ("@first", "single.cnf"), ("@second", "second")] {
        let top = at(top);
        let top = top.to_str().unwrap();
        store.run(RECOVERY, ["-d", top]).succeeds();
        assert!(!fs::symlink_metadata(top).unwrap().is_symlink());
        holds(&files, "decrypted");
        store.run(UNATTENDED, ["-e", category, top]).succeeds();
    }
    holds(&files, "encrypted again");
    store.run(UNATTENDED, ["audit", "--verify"]).succeeds();
    store.run(UNATTENDED, ["verify"]).succeeds();
    store.run(UNATTENDED, ["stop"]).succeeds();
}
