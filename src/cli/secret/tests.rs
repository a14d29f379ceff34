use super::*;
use std::os::unix::fs::PermissionsExt;

fn made(dir: &tempfile::TempDir, content: &[u8], mode: u32) -> PathBuf {
    let path = dir.path().join(format!("{mode:o}-{}", content.len()));
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn refusal(path: &Path) -> FailureKind {
    let named = Some(path.to_owned());
    let halves = Halves { passphrase_file: named.clone(), salt_file: named, ..Halves::default() };
    halves.read().err().unwrap().kind
}

#[test]
fn exactly_one_newline_is_taken_off_the_end() {
    let dir = tempfile::tempdir().unwrap();
    for (content, meant) in [
        (b"pass".as_slice(), b"pass".as_slice()),
        (b"pass\n", b"pass"),
        (b" pass\n\n", b" pass\n"),
        (b"\xff\0\r\n", b"\xff\0\r"),
    ] {
        let path = made(&dir, content, 0o600);
        assert_eq!(file::secret(&path).unwrap().expose(), meant);
    }
}

#[test]
fn a_file_that_others_can_read_or_change_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o644] {
        assert_eq!(refusal(&made(&dir, b"x", mode)), FailureKind::Denied);
    }
    let source = made(&dir, b"x", 0o400);
    assert_eq!(file::secret(&source).unwrap().expose(), b"x");
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
    for path in [fifo.as_path(), dir.path(), Path::new("/dev/null")] {
        assert_eq!(refusal(path), FailureKind::Usage);
    }
}

#[test]
fn empty_and_endless_secrets_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(refusal(&made(&dir, b"", 0o600)), FailureKind::Usage);
    assert_eq!(refusal(&made(&dir, b"\n", 0o600)), FailureKind::Usage);
    assert_eq!(
        refusal(&made(&dir, &[b'x'; crate::secrets::MAX_LEN + 1], 0o600)),
        FailureKind::Usage
    );
    assert_eq!(
        refusal(&made(&dir, &[b'x'; 3 * crate::secrets::MAX_LEN], 0o600)),
        FailureKind::Usage
    );
    let longest = file::secret(&made(&dir, &[b'x'; crate::secrets::MAX_LEN], 0o600)).unwrap();
    assert_eq!(longest.expose().len(), crate::secrets::MAX_LEN);
}

#[test]
fn a_failure_names_the_file_and_not_what_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let failure = file::secret(&made(&dir, b"geheim", 0o644)).err().unwrap();
    assert!(failure.to_string().contains("644-6"), "{failure}");
    assert!(!failure.to_string().contains("geheim"));
}
