use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

/// A directory of root's below another, so that everything on the way but `/tmp` is root's alone.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        assert!(rustix::process::geteuid().is_root(), "these tests must run as root");
        let place = Self(tempfile::tempdir_in("/tmp").unwrap());
        place.directory("d");
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn directory(&self, name: &str) -> PathBuf {
        fs::create_dir(self.at(name)).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o755)).unwrap();
        self.at(name)
    }

    fn file(&self, name: &str) -> PathBuf {
        fs::write(self.at(name), "[mysqld]\n").unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o644)).unwrap();
        self.at(name)
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn reason(files: &TrustedFiles, path: &Path) -> Result<bool, (PathBuf, Reason)> {
    match files.content(path) {
        Ok(content) => Ok(content.is_some()),
        Err(Error::Refused { culprit, reason, .. }) => Err((culprit, reason)),
        Err(error) => panic!("{error}"),
    }
}

fn judged(path: &Path) -> Result<bool, (PathBuf, Reason)> {
    reason(&TrustedFiles::default(), path)
}

#[test]
fn a_file_of_roots_is_read_also_through_symlinks() {
    let place = Place::new();
    let file = place.file("d/x");
    assert_eq!(judged(&file), Ok(true));
    symlink("d/../d/x", place.at("relative")).unwrap();
    symlink(place.at("relative"), place.at("absolute")).unwrap();
    assert_eq!(judged(&place.at("absolute")), Ok(true));
    assert_eq!(judged(&place.at("d/none")), Ok(false));
    assert_eq!(judged(&place.at("none/x")), Ok(false));
    assert_eq!(judged(&place.at("d/x/y")), Ok(false));
}

#[test]
fn a_file_that_others_own_or_write_is_refused() {
    let place = Place::new();
    let file = place.file("d/x");
    for mode in [0o664, 0o646] {
        place.mode("d/x", mode);
        assert_eq!(judged(&file), Err((file.clone(), Reason::Writable)));
    }
    place.mode("d/x", 0o644);
    chown(&file, Some(1000), None).unwrap();
    assert_eq!(judged(&file), Err((file.clone(), Reason::Owner(1000))));
    let message = TrustedFiles::default().content(&file).unwrap_err().to_string();
    let file = file.display();
    assert_eq!(
        message,
        format!(
            "option file {file} is refused: {file} belongs to user 1000: chown it to root, or encrypt it"
        )
    );
}

#[test]
fn a_directory_on_the_way_that_others_own_or_write_is_refused() {
    let place = Place::new();
    let deep = place.directory("d/e");
    let file = place.file("d/e/x");
    let upper = place.at("d");
    for (mode, verdict) in [
        (0o775, Err((upper.clone(), Reason::Writable))),
        (0o757, Err((upper.clone(), Reason::Writable))),
        (0o1777, Ok(true)),
        (0o700, Ok(true)),
    ] {
        place.mode("d", mode);
        assert_eq!(judged(&file), verdict, "{mode:o}");
    }
    chown(&upper, Some(1000), None).unwrap();
    assert_eq!(judged(&file), Err((upper.clone(), Reason::Owner(1000))));
    chown(&upper, Some(0), None).unwrap();
    place.mode("d", 0o1777);
    chown(&deep, Some(1000), None).unwrap();
    assert_eq!(judged(&file), Err((upper, Reason::Owner(1000))));
}

#[test]
fn a_symlink_in_a_directory_that_others_write_is_refused() {
    let place = Place::new();
    let file = place.file("x");
    let link = place.at("d/link");
    symlink(&file, &link).unwrap();
    assert_eq!(judged(&link), Ok(true));
    place.mode("d", 0o777);
    assert_eq!(judged(&link), Err((place.at("d"), Reason::Writable)));
    place.mode("d", 0o1777);
    std::os::unix::fs::lchown(&link, Some(1000), None).unwrap();
    assert_eq!(judged(&link), Err((place.at("d"), Reason::Owner(1000))));
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let place = Place::new();
    let pipe = place.at("d/pipe");
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, mode, 0).unwrap();
    assert_eq!(judged(&pipe), Err((pipe.clone(), Reason::NotRegular)));
    assert_eq!(judged(&place.at("d")), Err((place.at("d"), Reason::NotRegular)));
    let socket = place.at("d/socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert_eq!(judged(&socket), Err((socket.clone(), Reason::NotRegular)));
    for special in ["/dev/stdin", "/dev/null", "/proc/self/fd/0", "/proc/version"] {
        assert!(matches!(judged(Path::new(special)), Err((_, Reason::Special))), "{special}");
        let link = place.at(&special.replace('/', "_"));
        symlink(special, &link).unwrap();
        assert!(matches!(judged(&link), Err((_, Reason::Special))), "{special}");
    }
}

#[test]
fn endless_symlinks_relative_paths_and_long_files_are_refused() {
    let place = Place::new();
    symlink("loop", place.at("loop")).unwrap();
    assert_eq!(judged(&place.at("loop")), Err((place.at("loop"), Reason::Links)));
    assert_eq!(judged(Path::new("x")), Err(("x".into(), Reason::Path)));
    let file = place.file("d/x");
    let limit = usize::try_from(MAX_FILE).unwrap();
    fs::write(&file, vec![b'#'; limit]).unwrap();
    assert_eq!(judged(&file), Ok(true));
    fs::write(&file, vec![b'#'; limit + 1]).unwrap();
    assert_eq!(judged(&file), Err((file.clone(), Reason::TooLong)));
}

#[test]
fn owners_are_not_asked_in_the_named_directories_nor_on_the_way_to_them() {
    let place = Place::new();
    let file = place.file("d/x");
    chown(&file, Some(1000), None).unwrap();
    chown(place.at("d"), Some(1000), None).unwrap();
    place.directory("user");
    chown(place.at("user"), Some(1000), None).unwrap();
    symlink(&file, place.at("user/link")).unwrap();
    let other = place.file("user/x");
    let files = TrustedFiles::new(vec![place.at("d")]);
    assert_eq!(reason(&files, &file), Ok(true));
    assert_eq!(reason(&files, &place.at("user/link")), Ok(true));
    assert_eq!(reason(&files, &other), Err((place.at("user"), Reason::Owner(1000))));
    place.directory("dd");
    chown(place.at("dd"), Some(1000), None).unwrap();
    let beside = place.file("dd/x");
    assert_eq!(reason(&files, &beside), Err((place.at("dd"), Reason::Owner(1000))));
}

#[test]
fn directories_are_listed_by_the_same_rules() {
    let place = Place::new();
    let file = place.file("d/x.cnf");
    let files = TrustedFiles::default();
    assert_eq!(files.list(&place.at("d")).unwrap(), std::slice::from_ref(&file));
    assert!(matches!(files.list(&place.at("none")), Err(FileError::MissingDirectory { .. })));
    let refused = |path: &Path| match files.list(path) {
        Err(FileError::Untrusted(Error::Refused { reason, .. })) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&file), Reason::NotDirectory);
    place.mode("d", 0o777);
    assert_eq!(refused(&place.at("d")), Reason::Writable);
}
