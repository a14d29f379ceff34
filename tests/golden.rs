//! One small store for each version of the format that was released, opened by every later build: a keystore
//! with every kind of keyslot, files of every form, a change of keys that is half done, rules, an audit log.
//! Runs as root. How a store is added: `docs/testing.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "golden/check.rs"]
mod check;
#[path = "golden/contents.rs"]
mod contents;
#[path = "golden/keys.rs"]
mod keys;
#[path = "golden/make.rs"]
mod make;
#[path = "golden/store.rs"]
mod store;
mod support;

use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use store::in_own_mounts;

/// Every version that was released, and the SHA-256 of its store. A store is never made anew: what was
/// written once must be read for ever.
const RELEASED: [(&str, &str); 1] =
    [("v1", "41da34508105f8fd362de3ff14e7c4c6deac2c258cfab4e55d0ff869a9316bc5")];

/// The stores that were released, each in one file.
fn released() -> impl Iterator<Item = PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    RELEASED.iter().map(move |(version, _)| here.join(version).join("state.tar.gz"))
}

#[test]
fn the_stores_are_those_that_were_released() {
    for (path, (version, sha256)) in released().zip(RELEASED) {
        let found = Sha256::digest(fs::read(path).unwrap());
        let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, sha256, "the store of {version} is not the one that was released");
    }
}

#[test]
fn each_secret_of_a_released_store_starts_a_service_that_shows_every_byte() {
    in_own_mounts("each_secret_of_a_released_store_starts_a_service_that_shows_every_byte", || {
        released().for_each(|archive| check::every_secret(&archive));
    });
}

#[test]
fn keyslots_rules_locations_and_audit_log_of_a_released_store_are_what_they_were() {
    in_own_mounts(
        "keyslots_rules_locations_and_audit_log_of_a_released_store_are_what_they_were",
        || released().for_each(|archive| check::the_books(&archive)),
    );
}

#[test]
fn a_released_store_is_written_rotated_decrypted_and_encrypted_as_a_new_one() {
    in_own_mounts(
        "a_released_store_is_written_rotated_decrypted_and_encrypted_as_a_new_one",
        || released().for_each(|archive| check::the_work_goes_on(&archive)),
    );
}

#[test]
fn backup_and_bundles_of_a_released_store_open() {
    in_own_mounts("backup_and_bundles_of_a_released_store_open", || {
        released().for_each(|archive| {
            keys::the_backup_restores(&archive);
            keys::bundles_open_elsewhere(&archive);
        });
    });
}

/// The next version's store is made by this test: with `EZNCRYPT_GOLDEN_OUT` it is left in that directory.
#[test]
fn a_store_that_is_made_now_passes_the_same() {
    in_own_mounts("a_store_that_is_made_now_passes_the_same", || {
        let archive = make::archive();
        check::every_secret(&archive);
        check::the_books(&archive);
        check::the_work_goes_on(&archive);
        keys::the_backup_restores(&archive);
        keys::bundles_open_elsewhere(&archive);
        if let Some(directory) = std::env::var_os("EZNCRYPT_GOLDEN_OUT") {
            fs::copy(archive, Path::new(&directory).join("state.tar.gz")).unwrap();
        }
    });
}
