//! What survives encryption, a restart and decryption: everything.

use super::support::disk::{self, Disk};
use super::support::machine::{program, user};
use super::support::process::run;
use super::support::tree::{Snapshot, set_attribute};
use super::support::{Instance, sample};
use super::{CATEGORY, files_in_storage};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// Encrypts, compares through the mount, restarts the service, compares, decrypts, compares.
#[track_caller]
fn assert_survives(instance: &Instance, path: &Path) {
    let before = Snapshot::of(path);
    instance.allow_this_test(CATEGORY);
    instance.encrypt(CATEGORY, path);
    before.assert_same(&Snapshot::of(path), "through the mount");
    instance.stop();
    instance.start();
    before.assert_same(&Snapshot::of(path), "through the mount after a restart");
    instance.decrypt(path);
    before.assert_same(&Snapshot::of(path), "after decryption");
    instance.assert_no_leftovers(path.parent().unwrap());
    assert_eq!(files_in_storage(instance), 0, "decryption left ciphertext");
}

#[test]
fn a_single_option_file_survives_with_all_its_attributes() {
    let instance = Instance::started();
    let (uid, gid) = user("mysql");
    let path = instance.work().join("protected.cnf");
    fs::write(&path, "[mysqldump]\nuser=backup\npassword=SecretInAnOptionFile\n").unwrap();
    chown(&path, Some(uid), Some(gid)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    set_attribute(&path, "user.comment", b"of the DBA");
    sample::set_acl(&path, &["-m", "u:daemon:r--"]);
    sample::set_modified(&path, 1_600_000_000, 987_654_321);
    assert_survives(&instance, &path);
}

#[test]
fn a_tree_survives_on_the_other_filesystems() {
    for kind in [disk::EXT4_SMALL, disk::XFS, disk::BTRFS] {
        let disk = Disk::new(kind);
        let root = disk.top().join("root");
        fs::create_dir(&root).unwrap();
        let instance = Instance::initialised_in(root);
        instance.start();
        let path = instance.work().join("tree");
        fs::create_dir_all(path.join("below/empty")).unwrap();
        fs::write(path.join("below/file"), vec![b'x'; 10_000]).unwrap();
        for (name, time) in [("below/file", 1), ("below", 2), ("", 3)] {
            sample::set_modified(&path.join(name), 1_600_000_000 + time, 987_654_321);
        }
        assert_survives(&instance, &path);
    }
}

#[test]
fn an_option_file_at_rest_does_not_show_its_password() {
    let instance = Instance::started();
    let path = instance.work().join("protected.cnf");
    fs::write(&path, "password=SecretInAnOptionFile\n").unwrap();
    let grep = |directory: &Path| {
        let mut grep = Command::new(program("grep"));
        run(grep.args(["-r", "-a", "-F", "-q", "SecretInAnOptionFile"]).arg(directory)).code
    };
    assert_eq!(grep(&instance.work()), Some(0));
    instance.encrypt(CATEGORY, &path);
    assert_eq!(grep(&instance.storage()), Some(1));
    run(Command::new(program("cat")).arg(&path)).denied();
}

#[test]
fn a_tree_with_everything_in_it_survives() {
    let instance = Instance::started();
    let path = instance.work().join("tree");
    sample::everything(&path);
    assert_survives(&instance, &path);
}

#[test]
fn ten_thousand_small_files_survive() {
    let instance = Instance::started();
    let path = instance.work().join("many");
    sample::many_small_files(&path, 10_000);
    assert!(Snapshot::of(&path).len() > 10_000);
    assert_survives(&instance, &path);
}

#[test]
fn a_sparse_file_of_ten_gigabytes_survives_and_stays_sparse() {
    let instance = Instance::started();
    let path = instance.work().join("huge");
    let size = 10_u64 << 30;
    let pieces = [(0, 5000), (3 << 30, 1 << 20), ((7 << 30) + 123_457, 1), (size - 777, 777)];
    sample::sparse(&path, size, &pieces);
    instance.allow_this_test(CATEGORY);
    instance.encrypt(CATEGORY, &path);
    let file = File::open(&path).unwrap();
    for (offset, length) in pieces {
        let mut read = vec![0; length];
        file.read_exact_at(&mut read, offset).unwrap();
        assert_eq!(read, sample::bytes(offset, length), "the piece at {offset}");
    }
    let mut hole = vec![1; 1 << 20];
    file.read_exact_at(&mut hole, 5 << 30).unwrap();
    assert!(hole.iter().all(|&byte| byte == 0));
    drop(file);
    let at_rest = instance.storage().join("files").join(path.strip_prefix("/").unwrap());
    let allocated = fs::metadata(at_rest).unwrap().blocks() * 512;
    assert!(allocated < 64 << 20, "the ciphertext of a sparse file takes {allocated} bytes");
    instance.decrypt(&path);
    assert_survives(&instance, &path);
}

#[test]
fn several_locations_of_one_and_of_several_categories_live_side_by_side() {
    let instance = Instance::started();
    let paths = ["one", "two", "three"].map(|name| instance.work().join(name));
    let before = paths.each_ref().map(|path| {
        sample::many_small_files(path, 20);
        Snapshot::of(path)
    });
    instance.allow_this_test("@a");
    let both = [OsStr::new("-e"), OsStr::new("@a"), paths[0].as_os_str(), paths[1].as_os_str()];
    instance.run(both).succeeds();
    instance.encrypt("@b", &paths[2]);
    before[0].assert_same(&Snapshot::of(&paths[0]), "in @a");
    before[1].assert_same(&Snapshot::of(&paths[1]), "in @a");
    let denied = fs::read(paths[2].join("000/file 1")).unwrap_err();
    assert_eq!(denied.kind(), std::io::ErrorKind::PermissionDenied, "a rule of @a opened @b");
    for (path, before) in paths.iter().zip(&before) {
        instance.decrypt(path);
        before.assert_same(&Snapshot::of(path), "after decryption");
    }
}

/// Whoever did not reach a file before does not reach it through the mount.
#[test]
fn directories_above_a_location_keep_their_owners_and_modes() {
    let instance = Instance::started();
    let (uid, gid) = user("mysql");
    let above = instance.work().join("private");
    fs::create_dir(&above).unwrap();
    chown(&above, Some(uid), Some(gid)).unwrap();
    fs::set_permissions(&above, Permissions::from_mode(0o2750)).unwrap();
    let path = above.join("my.cnf");
    fs::write(&path, "[client]").unwrap();
    instance.encrypt("@files", &path);
    let mirrored = fs::metadata(fs::read_link(&path).unwrap().parent().unwrap()).unwrap();
    assert_eq!((mirrored.uid(), mirrored.gid(), mirrored.mode() & 0o7777), (uid, gid, 0o2750));
}

/// A location whose ciphertext was not restored, say, keeps nothing else from being served.
#[test]
fn a_location_whose_ciphertext_is_gone_does_not_keep_the_others_from_being_served() {
    let instance = Instance::started();
    let paths = ["gone", "kept"].map(|name| instance.work().join(name));
    for path in &paths {
        fs::write(path, "contents").unwrap();
        instance.encrypt("@files", path);
    }
    instance.allow_this_test("@files");
    instance.stop();
    let below = paths[0].strip_prefix("/").unwrap();
    fs::remove_file(instance.storage().join("files").join(below)).unwrap();
    instance.start();
    assert_eq!(fs::read_to_string(&paths[1]).unwrap(), "contents");
    assert!(fs::read_to_string(&paths[0]).is_err());
    let log = fs::read_to_string(instance.state().join("log/audit.jsonl")).unwrap();
    assert!(log.contains("not_recovered"), "{log}");
    instance.decrypt(&paths[1]);
}
