use super::*;
use std::os::unix::fs::symlink;

fn dir() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    (dir, path)
}

#[test]
fn a_file_that_does_not_exist_yet_is_resolved_through_its_parent() {
    let (_keep, dir) = dir();
    fs::create_dir(dir.join("real")).unwrap();
    symlink("real", dir.join("link")).unwrap();
    assert_eq!(Machine.resolve(&dir.join("link/new")).unwrap(), dir.join("real/new"));
    assert_eq!(Machine.resolve(&dir.join("link/")).unwrap(), dir.join("real"));
    assert!(Machine.resolve(&dir.join("nowhere/new")).is_err());
}

#[test]
fn a_symlink_to_nothing_leads_to_the_file_that_will_be_made() {
    let (_keep, dir) = dir();
    fs::create_dir(dir.join("other")).unwrap();
    symlink("other/later", dir.join("log")).unwrap();
    symlink("log", dir.join("twice")).unwrap();
    assert_eq!(Machine.resolve(&dir.join("twice")).unwrap(), dir.join("other/later"));
    symlink("b", dir.join("a")).unwrap();
    symlink("a", dir.join("b")).unwrap();
    assert!(Machine.resolve(&dir.join("a")).is_err());
}

#[test]
fn what_others_can_write_on_the_way_is_not_roots_alone() {
    let (_keep, dir) = dir();
    fs::write(dir.join("file"), "").unwrap();
    assert!(!Machine.is_roots_alone(&dir.join("file")).unwrap());
    symlink("/etc/passwd", dir.join("link")).unwrap();
    assert!(!Machine.is_roots_alone(&dir.join("link")).unwrap());
    assert!(Machine.is_roots_alone(Path::new("/etc/passwd")).unwrap());
    assert!(Machine.is_roots_alone(Path::new("/etc/../bin/sh")).unwrap());
    assert!(Machine.is_roots_alone(Path::new("/no such file")).is_err());
}

#[test]
fn only_a_regular_file_has_a_digest() {
    let (_keep, dir) = dir();
    fs::write(dir.join("file"), "abc").unwrap();
    let digest = Machine.sha256(&dir.join("file")).unwrap();
    assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
    assert!(Machine.sha256(&dir).is_err());
    assert!(Machine.sha256(Path::new("/dev/zero")).is_err());
}

#[test]
fn links_that_stay_inside_are_not_listed() {
    let (_keep, dir) = dir();
    fs::create_dir(dir.join("db")).unwrap();
    symlink("db", dir.join("inside")).unwrap();
    symlink("/etc", dir.join("outside")).unwrap();
    symlink("../no/where", dir.join("dangling")).unwrap();
    let mut links = Machine.links_out_of(&dir).unwrap();
    links.sort_by(|a, b| a.at.cmp(&b.at));
    let at: Vec<_> = links.iter().map(|link| link.at.file_name().unwrap()).collect();
    assert_eq!(at, ["dangling", "outside"]);
    assert_eq!(links[1].to, Path::new("/etc"));
}
