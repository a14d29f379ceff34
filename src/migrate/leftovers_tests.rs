//! What is left behind by interruptions between two steps, and how it is found.

use super::fixture::{Sandbox, make_tree, snapshot};
use super::{Error, Phase, Recovered, directories_of_originals, plaintext_left};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::PathBuf;

/// A sandbox with an encrypted tree, and the private directory that there is none of any more.
fn encrypted() -> (Sandbox, PathBuf, PathBuf) {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    make_tree(&data);
    sandbox.encrypt(&data).unwrap();
    let private = sandbox.home().join(format!(".ezncrypt-{}", sandbox.journal.records[0].id));
    (sandbox, data, private)
}

fn make_private(private: &PathBuf) {
    DirBuilder::new().mode(0o700).create(private).unwrap();
}

#[test]
fn decrypting_stopped_between_its_last_two_removals_is_finished() {
    let (mut sandbox, data, private) = encrypted();
    let mut record = sandbox.journal.records[0].clone();
    sandbox.decrypt().unwrap();
    let before = snapshot(&data);
    record.phase = Phase::Decrypting;
    sandbox.journal.records.push(record);
    make_private(&private);
    assert_eq!(sandbox.recover().unwrap(), [Recovered::Finished]);
    assert!(sandbox.journal.records.is_empty() && !private.exists());
    assert_eq!(snapshot(&data), before);
}

#[test]
fn a_plaintext_copy_is_kept_when_its_ciphertext_is_gone() {
    let (mut sandbox, _, private) = encrypted();
    sandbox.journal.records[0].phase = Phase::Decrypting;
    make_private(&private);
    let copy = private.join(sandbox.journal.records[0].id.to_string());
    fs::write(&copy, "the only copy").unwrap();
    fs::remove_dir_all(sandbox.storage().join("mysql")).unwrap();
    assert!(matches!(sandbox.recover(), Err(Error::CiphertextMissing(_))));
    assert_eq!(fs::read(&copy).unwrap(), b"the only copy");
}

#[test]
fn plaintext_that_was_left_is_found_with_and_without_the_journal() {
    let (sandbox, _, private) = encrypted();
    let stored = directories_of_originals(&sandbox.storage());
    assert!(stored.contains(&sandbox.home()), "{stored:?}");
    let listed = BTreeSet::from([sandbox.home()]);
    let left = || {
        let left = plaintext_left(&listed);
        assert_eq!(left, plaintext_left(&stored));
        left
    };
    assert_eq!(left(), Vec::<PathBuf>::new());
    make_private(&private);
    symlink("where our own one leads", private.join("symlink")).unwrap();
    assert_eq!(left(), Vec::<PathBuf>::new());
    fs::create_dir(private.join("plain")).unwrap();
    assert_eq!(left(), [private]);
    // Others have no such directories, and neither has what is called otherwise.
    let name = sandbox.home().join(format!(".ezncrypt-{}", "7".repeat(32)));
    DirBuilder::new().mode(0o755).create(&name).unwrap();
    fs::create_dir_all(sandbox.home().join(".ezncrypt-other/plain")).unwrap();
    fs::create_dir(name.join("plain")).unwrap();
    assert_eq!(left().len(), 1);
}
