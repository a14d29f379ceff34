//! Directories and names: rename, link, unlink, symlinks, odd names.

use super::support::fixture::Fixture;
use super::support::process::run;
use super::support::tree;
use rustix::fs::{CWD, FileType, Mode, RenameFlags, makedev, mknodat, renameat_with};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};

/// > A rename replaces its target at once: whoever has the target open keeps it, and a new reader
/// > gets the new file.
#[test]
fn renaming_replaces_moves_and_keeps_open_files() {
    let fixture = Fixture::new();
    fs::write(fixture.at("one"), "one").unwrap();
    fs::write(fixture.at("two"), "two").unwrap();
    let open = fixture.open("two");
    fs::rename(fixture.at("one"), fixture.at("two")).unwrap();
    assert_eq!(fs::read(fixture.at("two")).unwrap(), b"one");
    assert_eq!(std::io::read_to_string(&open).unwrap(), "two");
    fs::create_dir_all(fixture.at("a/b")).unwrap();
    fs::rename(fixture.at("two"), fixture.at("a/b/three")).unwrap();
    fs::rename(fixture.at("a"), fixture.at("c")).unwrap();
    assert_eq!(fs::read(fixture.at("c/b/three")).unwrap(), b"one");
    let into_itself = fs::rename(fixture.at("c"), fixture.at("c/b/c")).unwrap_err();
    assert_eq!(into_itself.raw_os_error(), Some(Errno::INVAL.raw_os_error()));
    fs::create_dir(fixture.at("other")).unwrap();
    let onto_directory = fs::rename(fixture.at("c/b/three"), fixture.at("other")).unwrap_err();
    assert_eq!(onto_directory.kind(), ErrorKind::IsADirectory);
}

/// > A rename with `RENAME_NOREPLACE` refuses what exists, and one with `RENAME_EXCHANGE` swaps
/// > files and directories.
#[test]
fn renaming_without_replacing_refuses_what_exists() {
    let fixture = Fixture::new();
    fs::write(fixture.at("one"), "one").unwrap();
    fs::write(fixture.at("two"), "two").unwrap();
    let to = |name: &str| {
        let flags = RenameFlags::NOREPLACE;
        renameat_with(CWD, fixture.at("one"), CWD, fixture.at(name), flags)
    };
    assert_eq!(to("two"), Err(Errno::EXIST));
    assert_eq!(fs::read(fixture.at("two")).unwrap(), b"two");
    assert_eq!(to("three"), Ok(()));
    assert_eq!(fs::read(fixture.at("three")).unwrap(), b"one");
    assert!(!fixture.at("one").exists());
}

/// > A rename with `RENAME_NOREPLACE` refuses what exists, and one with `RENAME_EXCHANGE` swaps
/// > files and directories.
#[test]
fn exchanging_swaps_a_file_and_a_directory() {
    let fixture = Fixture::new();
    fs::write(fixture.at("file"), "content").unwrap();
    fs::create_dir(fixture.at("directory")).unwrap();
    fs::write(fixture.at("directory/inside"), "inside").unwrap();
    let (file, directory) = (fixture.at("file"), fixture.at("directory"));
    renameat_with(CWD, &file, CWD, &directory, RenameFlags::EXCHANGE).unwrap();
    assert_eq!(fs::read(&directory).unwrap(), b"content");
    assert_eq!(fs::read(file.join("inside")).unwrap(), b"inside");
    let missing = renameat_with(CWD, &file, CWD, fixture.at("none"), RenameFlags::EXCHANGE);
    assert_eq!(missing, Err(Errno::NOENT));
}

/// > Hard links are one file, with one set of contents and attributes.
#[test]
fn hard_links_are_one_file() {
    let fixture = Fixture::new();
    fs::write(fixture.at("one"), "first").unwrap();
    fs::create_dir(fixture.at("below")).unwrap();
    fs::hard_link(fixture.at("one"), fixture.at("below/two")).unwrap();
    let (one, two) = (fixture.at("one"), fixture.at("below/two"));
    assert_eq!(fs::metadata(&one).unwrap().ino(), fs::metadata(&two).unwrap().ino());
    assert_eq!(fs::metadata(&one).unwrap().nlink(), 2);
    fs::write(&two, "changed through the other name").unwrap();
    assert_eq!(fs::read(&one).unwrap(), b"changed through the other name");
    fs::set_permissions(&one, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(fs::metadata(&two).unwrap().mode() & 0o777, 0o600);
    fs::remove_file(&one).unwrap();
    assert_eq!(fs::metadata(&two).unwrap().nlink(), 1);
    assert_eq!(fs::read(&two).unwrap(), b"changed through the other name");
}

/// > Symbolic links hold their target byte for byte, as long as it may be.
#[test]
fn symlinks_say_what_they_were_given() {
    let fixture = Fixture::new();
    fs::write(fixture.at("target"), "reached").unwrap();
    let long = "x/".repeat(2000);
    for (name, target) in [("good", "target"), ("dangling", "nowhere"), ("long", &long)] {
        symlink(target, fixture.at(name)).unwrap();
        assert_eq!(fs::read_link(fixture.at(name)).unwrap().as_os_str(), target);
    }
    assert_eq!(fs::read(fixture.at("good")).unwrap(), b"reached");
    assert_eq!(fs::read(fixture.at("dangling")).unwrap_err().kind(), ErrorKind::NotFound);
    let found = fs::symlink_metadata(fixture.at("good")).unwrap();
    assert_eq!(found.len(), "target".len() as u64);
}

/// > A name is any 255 bytes without `/` and NUL, and it is not encrypted.
#[test]
fn names_are_bytes() {
    let fixture = Fixture::new();
    let longest = vec![b'n'; 255];
    for name in [&b"new\nline"[..], b"\xff\xfe", "\u{2013}e".as_bytes(), b" ", &longest] {
        let path = fixture.path().join(OsStr::from_bytes(name));
        fs::write(&path, name).unwrap();
        assert_eq!(fs::read(&path).unwrap(), name);
        assert!(tree::names(fixture.path()).iter().any(|found| found.as_bytes() == name));
        fs::remove_file(&path).unwrap();
    }
    let too_long = fixture.path().join(OsStr::from_bytes(&[b'n'; 256]));
    let refused = fs::write(too_long, "").unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(Errno::NAMETOOLONG.raw_os_error()));
}

/// > A listing has each name that stays there once, also while others come and go.
#[test]
fn a_large_directory_lists_every_name_once_also_while_names_go() {
    let fixture = Fixture::new();
    let expected: BTreeSet<_> = (0..3000).map(|index| format!("name {index}")).collect();
    for name in &expected {
        fs::write(fixture.at(name), "").unwrap();
    }
    let found = tree::names(fixture.path());
    assert_eq!(found.len(), expected.len(), "names listed twice or not at all");
    let found: BTreeSet<_> = found.into_iter().map(|name| name.into_string().unwrap()).collect();
    assert_eq!(found, expected);
    for entry in fs::read_dir(fixture.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert!(tree::names(fixture.path()).is_empty(), "names were passed over");
}

#[test]
fn removing_refuses_what_it_must() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.at("full/inside")).unwrap();
    let full = fs::remove_dir(fixture.at("full")).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::DirectoryNotEmpty);
    assert_eq!(fs::remove_file(fixture.at("full")).unwrap_err().kind(), ErrorKind::IsADirectory);
    fs::write(fixture.at("file"), "").unwrap();
    assert_eq!(fs::remove_dir(fixture.at("file")).unwrap_err().kind(), ErrorKind::NotADirectory);
    fs::remove_dir(fixture.at("full/inside")).unwrap();
    fs::remove_dir(fixture.at("full")).unwrap();
    assert!(!fixture.at("full").exists());
}

#[test]
fn a_removed_name_is_gone_at_once_and_a_new_one_is_there() {
    let fixture = Fixture::new();
    for round in 0..50 {
        let path = fixture.at("name");
        assert!(!path.exists(), "round {round}");
        fs::write(&path, round.to_string()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), round.to_string());
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_program_in_the_mount_runs_only_for_whom_a_rule_allows() {
    let fixture = Fixture::new();
    let program = super::support::machine::program("true");
    fs::copy(program, fixture.at("program")).unwrap();
    fs::set_permissions(fixture.at("program"), fs::Permissions::from_mode(0o755)).unwrap();
    run(&mut std::process::Command::new(fixture.at("program"))).succeeds();
    let shell = super::support::machine::program("sh");
    let mut denied = std::process::Command::new(shell);
    denied.args(["-c", "exec \"$0\""]).arg(fixture.at("program"));
    run(&mut denied).exits(126).says("Permission denied");
}

/// Programs expect them, and a listing without them is one that hides entries.
#[test]
fn a_listing_has_the_directory_itself_and_the_one_above() {
    let fixture = Fixture::new();
    fixture.create("file");
    fs::create_dir(fixture.at("directory")).unwrap();
    for path in [fixture.path().to_owned(), fixture.at("directory"), fixture.instance.mount()] {
        let directory = fs::File::open(&path).unwrap();
        let entries = rustix::fs::Dir::read_from(&directory).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_owned()).collect();
        assert!(names.contains(&c".".to_owned()) && names.contains(&c"..".to_owned()), "{names:?}");
    }
}

/// > Named pipes and sockets can be made and used; device nodes can be made but not opened, and
/// > set-user-id has no effect.
#[test]
fn pipes_and_sockets_work_and_devices_do_not_open() {
    let fixture = Fixture::new();
    let mode = Mode::from_raw_mode(0o600);
    mknodat(CWD, fixture.at("pipe"), FileType::Fifo, mode, 0).unwrap();
    let reader = fixture.open("pipe");
    fs::write(fixture.at("pipe"), "through the pipe").unwrap();
    let mut seen = [0; 16];
    (&reader).read_exact(&mut seen).unwrap();
    assert_eq!(&seen, b"through the pipe");

    // By its short name, as the path of a socket has room for 107 bytes only.
    let listener = UnixListener::bind(fixture.at("socket")).unwrap();
    UnixStream::connect(fixture.at("socket")).unwrap().write_all(b"hello").unwrap();
    let mut said = String::new();
    listener.accept().unwrap().0.read_to_string(&mut said).unwrap();
    assert_eq!(said, "hello");

    mknodat(CWD, fixture.at("null"), FileType::CharacterDevice, mode, makedev(1, 3)).unwrap();
    let refused = fs::read(fixture.at("null")).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(Errno::ACCESS.raw_os_error()));
}
