use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

fn program(directory: &Path, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn the_data_directory_is_the_last_one_that_the_options_name() {
    let printed = b"mysqld would have been started with the following arguments:\n\
        --datadir=/first --user=mysql --datadir=/srv/my data --port=3 \n";
    assert_eq!(datadir_option(printed).unwrap(), Path::new("/srv/my data"));
    assert_eq!(datadir_option(b"x:\n--datadir=/last \n").unwrap(), Path::new("/last"));
    assert_eq!(datadir_option(b"x:\n--datadir=relative \n"), None);
    assert_eq!(datadir_option(b"x:\n--port=3 \n"), None);
}

#[test]
fn without_an_option_it_is_the_one_compiled_in() {
    let help = b"--datadir=name  Path\n\nbasedir    /usr/\ndatadir    /var/lib/mysql/\n";
    assert_eq!(datadir_default(help).unwrap(), Path::new("/var/lib/mysql/"));
    assert_eq!(datadir_default(b"datadir    (No default value)\n"), None);
}

#[test]
fn only_a_program_that_is_roots_alone_is_run() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path();
    let elf = b"\x7fELF and more";
    let refused = |path: &Path| check(path).unwrap_err();
    symlink("a", base.join("link")).unwrap();
    assert!(matches!(refused(base), Error::NotAFile(_)));
    assert!(matches!(refused(&base.join("link")), Error::NotAFile(_)));
    assert!(matches!(refused(&program(base, "a", b"#!/bin/sh", 0o755)), Error::NotAProgram(_)));
    assert!(matches!(refused(&program(base, "b", b"", 0o755)), Error::NotAProgram(_)));
    assert!(matches!(refused(&program(base, "c", elf, 0o644)), Error::NotExecutable(_)));
    assert!(matches!(refused(&program(base, "d", elf, 0o775)), Error::NotRootsAlone(_)));
    let ours = fs::read("/proc/self/exe").unwrap();
    assert!(matches!(refused(&program(base, "e", &ours, 0o755)), Error::OwnProgram(_)));
}

#[test]
fn a_program_that_is_no_server_is_told_from_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = program(directory.path(), "true", &fs::read("/bin/true").unwrap(), 0o755);
    assert!(matches!(ask(&path), Err(Error::NotAServer { .. })));
}
