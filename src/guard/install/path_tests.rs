use super::*;
use std::os::unix::fs::symlink;

#[test]
fn symlinks_are_followed_and_a_missing_name_stays() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().canonicalize().unwrap();
    fs::create_dir(base.join("sbin")).unwrap();
    symlink("mariadbd", base.join("sbin/mysqld")).unwrap();
    symlink(base.join("sbin"), base.join("link")).unwrap();
    let mount = Path::new("/nowhere");
    let found = |path: &str| original(&base.join(path), mount).unwrap();
    assert_eq!(found("link/mysqld"), base.join("sbin/mariadbd"));
    assert_eq!(found("link/../sbin/./x/y"), base.join("sbin/x/y"));
}

#[test]
fn what_leads_into_the_tree_is_the_original_path_whatever_leads_there() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().canonicalize().unwrap();
    let mount = base.join("state/ezncrypted");
    symlink(in_mount(&mount, "@protected", Path::new("/usr/sbin/x")), base.join("y")).unwrap();
    symlink("y", base.join("z")).unwrap();
    assert_eq!(original(&base.join("z"), &mount).unwrap(), Path::new("/usr/sbin/x"));
    assert_eq!(original(&base.join("z/sub"), &mount).unwrap(), Path::new("/usr/sbin/x/sub"));
}

#[test]
fn a_loop_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("loop");
    symlink("loop", &path).unwrap();
    assert!(matches!(original(&path, Path::new("/nowhere")), Err(Error::TooManySymlinks(_))));
}
