//! Encrypting, decrypting, and what is left of it.

use super::fixture::{NOTHING, Sandbox, make_tree, paths, snapshot, sparse};
use super::{Error, Kind, Phase, Step, Trait};
use crate::storage::DiskFile;
use crate::volume::file::CipherFile;
use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::Path;

#[test]
fn a_directory_comes_back_as_it_was() {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    make_tree(&data);
    let before = snapshot(&data);

    let record = sandbox.encrypt(&data).unwrap();
    assert_eq!((record.kind, record.phase), (Kind::Directory, Phase::Encrypted));
    assert_eq!(sandbox.journal.records, std::slice::from_ref(&record));
    let target = sandbox.state().join("ezncrypted/mysql").join(data.strip_prefix("/").unwrap());
    assert_eq!(fs::read_link(&data).unwrap(), target);
    assert_eq!(paths(&sandbox.home()), [Path::new(""), Path::new("data")]);
    assert!(!sandbox.tree.frozen.get());

    sandbox.decrypt().unwrap();
    assert_eq!(snapshot(&data), before);
    assert_eq!(sandbox.journal.records, []);
    assert_eq!(sandbox.stored(), NOTHING);
    assert_eq!(paths(&sandbox.home()).len(), before.len() + 1);
}

#[test]
fn ciphertext_has_the_attributes_and_not_the_bytes() {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    make_tree(&data);
    fs::write(data.join("secret"), b"the rows nobody may read").unwrap();
    let before = snapshot(&data);
    sandbox.encrypt(&data).unwrap();

    let stored = sandbox.storage().join("mysql").join(data.strip_prefix("/").unwrap());
    let after = snapshot(&stored);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let bytes = fs::read(stored.join("secret")).unwrap();
    assert!(!bytes.windows(8).any(|window| window == b"the rows"));
    let file = CipherFile::open(
        DiskFile::new(fs::File::open(stored.join("secret")).unwrap().into()),
        sandbox.keys.clone(),
    )
    .unwrap();
    let mut plain = [0; 24];
    assert_eq!((file.read_at(0, &mut plain).unwrap(), file.size()), (24, 24));
    assert_eq!(&plain, b"the rows nobody may read");
    let attributes = |path: &Path| {
        let stat = fs::symlink_metadata(path.join("sector")).unwrap();
        (stat.mode(), stat.uid(), stat.mtime_nsec(), stat.nlink())
    };
    assert_eq!(attributes(&stored).0, 0o104751);
    assert_eq!(attributes(&stored).3, 2);
}

#[test]
fn a_single_file_comes_back_as_it_was() {
    let mut sandbox = Sandbox::new();
    for contents in [&b""[..], b"[client]\npassword=x\n", &[5; 100_000]] {
        let path = sandbox.home().join("my.cnf");
        fs::write(&path, contents).unwrap();
        std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
        let before = snapshot(&path);
        assert_eq!(sandbox.encrypt(&path).unwrap().kind, Kind::File);
        let link = fs::symlink_metadata(&path).unwrap();
        assert!(link.is_symlink());
        assert_eq!((link.uid(), link.gid()), (1234, 4321));
        sandbox.decrypt().unwrap();
        assert_eq!(snapshot(&path), before);
        assert_eq!(sandbox.stored(), NOTHING);
    }
}

#[test]
fn holes_stay_holes_both_ways() {
    let mut sandbox = Sandbox::new();
    let path = sandbox.home().join("ibdata1");
    sparse(&path, 10 << 30);
    sandbox.encrypt(&path).unwrap();
    let stored = sandbox.storage().join("mysql").join(path.strip_prefix("/").unwrap());
    let stored = fs::metadata(stored).unwrap();
    assert!(stored.len() > 10 << 30);
    assert!(stored.blocks() * 512 < 1 << 20, "{} blocks", stored.blocks());
    sandbox.decrypt().unwrap();
    let plain = fs::metadata(&path).unwrap();
    assert_eq!(plain.len(), 10 << 30);
    assert!(plain.blocks() * 512 < 1 << 20, "{} blocks", plain.blocks());
}

#[test]
fn a_tree_that_several_threads_work_on_comes_back_as_it_was() {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    make_tree(&data);
    for number in 0..300 {
        fs::write(data.join(number.to_string()), vec![number as u8; number * 400]).unwrap();
    }
    fs::hard_link(data.join("299"), data.join("0 is another name")).unwrap();
    sparse(&data.join("long"), 300 << 20);
    let before = snapshot(&data);
    sandbox.encrypt(&data).unwrap();
    sandbox.decrypt().unwrap();
    assert_eq!(snapshot(&data), before);
    assert_eq!(sandbox.stored(), NOTHING);
}

#[test]
fn a_large_file_that_is_read_ahead_comes_back_as_it_was() {
    let mut sandbox = Sandbox::new();
    let path = sandbox.home().join("large");
    let data: Vec<u8> = (0..20_u32 << 20).map(|at| (at / 7 % 251) as u8).collect();
    fs::write(&path, &data).unwrap();
    sandbox.encrypt(&path).unwrap();
    sandbox.decrypt().unwrap();
    assert!(fs::read(&path).unwrap() == data);
}

#[test]
fn a_byte_that_differs_in_any_part_of_a_large_file_is_found() {
    let (size, part) = (200 << 20, 64 * super::pieces::CHUNK);
    for place in [0, 5000, part - 1, part, 2 * part - 1, 2 * part, 100 << 20, size - 1] {
        let mut sandbox = Sandbox::new();
        let path = sandbox.home().join("large");
        sparse(&path, size);
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let mut meddle = |step| {
            if step == Step::Comparing {
                file.write_all_at(b"!", place).unwrap();
            }
        };
        let found = sandbox.with(&mut meddle, |context| super::encrypt(&path, "mysql", context));
        assert!(
            matches!(&found, Err(Error::Differs { what: Trait::Contents, .. })),
            "{place}: {found:?}"
        );
        assert_eq!(sandbox.stored(), NOTHING);
    }
}

#[test]
fn a_symlink_is_followed_and_told_of() {
    let mut sandbox = Sandbox::new();
    let real = sandbox.home().join("mariadbd");
    fs::write(&real, b"#!").unwrap();
    let link = sandbox.home().join("mysqld");
    symlink("mariadbd", &link).unwrap();
    let mut steps = Vec::new();
    let record = sandbox
        .with(&mut |step| steps.push(step), |context| super::encrypt(&link, "protected", context))
        .unwrap();
    assert_eq!(record.path, real);
    assert!(steps.contains(&Step::Followed { from: link.clone(), to: real }));
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("mariadbd"));
}

#[test]
fn a_lost_symlink_does_not_keep_the_plaintext_from_coming_back() {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    make_tree(&data);
    let before = snapshot(&data);
    sandbox.encrypt(&data).unwrap();
    fs::remove_file(&data).unwrap();
    sandbox.decrypt().unwrap();
    assert_eq!(snapshot(&data), before);
}

#[test]
fn neighbours_in_the_storage_directory_stay() {
    let mut sandbox = Sandbox::new();
    let (one, two) = (sandbox.home().join("a/one"), sandbox.home().join("a/two"));
    fs::create_dir(sandbox.home().join("a")).unwrap();
    fs::write(&one, b"1").unwrap();
    fs::write(&two, b"2").unwrap();
    sandbox.encrypt(&one).unwrap();
    sandbox.encrypt(&two).unwrap();
    sandbox.decrypt().unwrap();
    assert_eq!(fs::read(&one).unwrap(), b"1");
    sandbox.decrypt().unwrap();
    assert_eq!(fs::read(&two).unwrap(), b"2");
    assert_eq!(sandbox.stored(), NOTHING);
}

#[test]
fn damaged_ciphertext_is_not_decrypted_and_stays() {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    make_tree(&data);
    sandbox.encrypt(&data).unwrap();
    let stored = sandbox.storage().join("mysql").join(data.strip_prefix("/").unwrap());
    let mut bytes = fs::read(stored.join("large")).unwrap();
    bytes[20_000] ^= 1;
    fs::write(stored.join("large"), &bytes).unwrap();

    let error = sandbox.decrypt().unwrap_err();
    assert!(matches!(&error, Error::Volume { path, .. } if *path == data.join("large")), "{error}");
    assert_eq!(sandbox.journal.records[0].phase, Phase::Encrypted);
    assert!(fs::symlink_metadata(&data).unwrap().is_symlink());
    assert_eq!(paths(&sandbox.home()), [Path::new(""), Path::new("data")]);
    assert!(!sandbox.tree.frozen.get());
}

#[test]
fn a_socket_left_in_an_encrypted_directory_does_not_keep_it_encrypted() {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    fs::create_dir(&data).unwrap();
    sandbox.encrypt(&data).unwrap();
    let stored = sandbox.storage().join("mysql").join(data.strip_prefix("/").unwrap());
    let mode = rustix::fs::Mode::RWXU;
    let socket = rustix::fs::FileType::Socket;
    rustix::fs::mknodat(rustix::fs::CWD, stored.join("mysql.sock"), socket, mode, 0).unwrap();
    sandbox.decrypt().unwrap();
    let left = fs::symlink_metadata(data.join("mysql.sock")).unwrap();
    assert_eq!(left.mode(), 0o140700);
}
