//! What was taken out of a store: a backup of its keystore, and keys for other machines.

use super::contents;
use super::store::{PASSPHRASE, RECOVERY, ROOT, RSA, Store, at};
use std::fs;
use std::path::Path;

/// The keystore is lost with both its copies, and put back.
pub fn the_backup_restores(archive: &Path) {
    let store = Store::unpacked(archive);
    fs::remove_file(at("state/keystore")).unwrap();
    fs::remove_file(at("state/keystore.backup")).unwrap();
    store.run(PASSPHRASE, ["start"]).exits(6).says("key restore");
    let saved = format!("{ROOT}/keystore.saved");
    store.run(RECOVERY, ["key", "restore", &saved]).succeeds();
    store.run(RECOVERY, ["start"]).succeeds();
    for file in contents::all() {
        assert!(store.read(&at(&file.path)) == file.bytes(), "{:?}", file.path);
    }
    store.run(PASSPHRASE, ["audit", "--verify"]).succeeds();
}

/// A file that was copied to another machine opens there with either bundle, and without one it does not.
pub fn bundles_open_elsewhere(archive: &Path) {
    let store = Store::unpacked(archive);
    let word = format!("{ROOT}/secrets/bundle");
    let key = format!("{ROOT}/secrets/rsa");
    let by_word = ["passphrase.bundle", "--bundle-passphrase-file", &word];
    for bundle in [
        [&by_word[..], &["--bundle-salt-file", &word]].concat(),
        vec!["rsa.bundle", "--bundle-rsa-key", &key],
    ] {
        fs::rename(at("state"), at("here")).unwrap();
        store.run(PASSPHRASE, ["init", "--scrypt-log-n", "14"]).succeeds();
        let several = format!("{ROOT}/here/storage/first{ROOT}/first/several");
        let decrypt = ["decrypt-file", &several, "-o", &format!("{ROOT}/out")];
        let refused = store.run(PASSPHRASE, decrypt);
        assert_ne!(refused.code, Some(0), "{refused}");
        let file = format!("{ROOT}/{}", bundle[0]);
        let import = [&["key", "import", &file][..], &bundle[1..]].concat();
        store.run(PASSPHRASE, import).succeeds();
        store.run(PASSPHRASE, decrypt).succeeds();
        let several = contents::of_first().into_iter().find(|file| file.path.ends_with("several"));
        assert!(fs::read(at("out")).unwrap() == several.unwrap().bytes());
        fs::remove_file(at("out")).unwrap();
        fs::remove_dir_all(at("state")).unwrap();
        fs::rename(at("here"), at("state")).unwrap();
    }
    store.run(RSA, ["key", "test"]).succeeds();
}
