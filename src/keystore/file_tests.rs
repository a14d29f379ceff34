use super::*;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keystore");
    (directory, path)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn reason(path: &Path) -> Option<Unsafe> {
    match read(path) {
        Err(Error::Unsafe { path: named, reason }) if named == path => Some(reason),
        _ => None,
    }
}

#[test]
fn a_private_file_is_read_whole() {
    let (_directory, path) = place();
    std::fs::write(&path, b"bytes").unwrap();
    for mode in [0o600, 0o400, 0o644] {
        set_mode(&path, mode);
        assert_eq!(read(&path).unwrap(), b"bytes");
    }
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let (_directory, path) = place();
    std::fs::write(&path, b"bytes").unwrap();
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&path, mode);
        assert_eq!(reason(&path), Some(Unsafe::WritableByOthers(mode)));
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    let (_directory, path) = place();
    std::fs::write(&path, b"bytes").unwrap();
    set_mode(&path, 0o600);
    chown(&path, Some(4321), None).expect("this test gives a file away and must run as root");
    assert_eq!(reason(&path), Some(Unsafe::Owner(4321)));
}

#[test]
fn what_is_not_a_regular_file_is_refused_without_waiting() {
    let (directory, path) = place();
    let target = directory.path().join("target");
    std::fs::write(&target, b"bytes").unwrap();
    symlink(&target, &path).unwrap();
    assert_eq!(reason(&path), Some(Unsafe::NotRegular));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(reason(&path), Some(Unsafe::NotRegular));
    std::fs::remove_dir(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(reason(&path), Some(Unsafe::NotRegular));
    std::fs::remove_file(&path).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert_eq!(reason(&path), Some(Unsafe::NotRegular));
}

#[test]
fn a_missing_keystore_is_told_from_one_whose_previous_version_remains() {
    let (_directory, path) = place();
    assert!(matches!(read(&path), Err(Error::Missing(named)) if named == path));
    let previous = durable::previous(&path);
    std::fs::write(&previous, b"bytes").unwrap();
    let error = read(&path).unwrap_err();
    assert_eq!(error.previous(), Some(&*previous));
    assert!(error.to_string().contains("keystore.previous"));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let (_directory, path) = place();
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    set_mode(&path, 0o600);
    assert!(matches!(read(&path), Err(Error::Damaged { source: FormatError::TooLong, .. })));
}
