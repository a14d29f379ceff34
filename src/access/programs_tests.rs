use super::super::test_support::{Encrypted, Place, edit, plain_programs};
use super::*;
use crate::sys::caller::FileStat;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

const INSIDE: Identity = Identity { dev: 9, ino: 42, size: 3, mtime_ns: 1, ctime_ns: 1 };

/// A mount point on which nothing is mounted, with other contents than the encrypted programs.
fn mounted(place: &Place) -> (Programs, Encrypted) {
    let mount = place.path("mount");
    fs::create_dir_all(mount.join("c")).unwrap();
    fs::copy("/bin/cat", mount.join("c/inside")).unwrap();
    let encrypted = Encrypted::default();
    encrypted.files.lock().unwrap().insert("c/inside".into(), (INSIDE, [7; 32]));
    let programs = Programs::new(Mount { path: mount, device: None }, Box::new(encrypted.clone()));
    (programs, encrypted)
}

#[test]
fn links_are_followed_to_the_program_and_its_contents_taken() {
    let place = Place::new();
    symlink("program", place.path("relative")).unwrap();
    symlink(place.path("relative"), place.path("absolute")).unwrap();
    fs::create_dir(place.path("sub")).unwrap();
    symlink("../absolute", place.path("sub/up")).unwrap();
    let programs = plain_programs();
    let contents = fs::read(&place.program).unwrap();
    for name in ["program", "relative", "absolute", "sub/up", "sub/../sub/./up"] {
        let resolved = programs.resolve_process(&place.path(name)).unwrap();
        assert_eq!(resolved.path, place.program, "{name}");
        assert_eq!(resolved.fingerprint, Fingerprint::of(&contents[..]).unwrap());
        assert_eq!(resolved.identity, programs.identify(&place.program).unwrap());
        assert!(!resolved.encrypted);
    }
    let up_beyond_the_root = Path::new("/../../").join(place.program.strip_prefix("/").unwrap());
    assert_eq!(programs.resolve_process(&up_beyond_the_root).unwrap().path, place.program);
}

#[test]
fn what_is_no_program_is_refused_and_named() {
    let place = Place::new();
    fs::write(place.path("text"), "x").unwrap();
    fs::set_permissions(place.path("text"), fs::Permissions::from_mode(0o644)).unwrap();
    symlink("loop", place.path("loop")).unwrap();
    symlink("nothing", place.path("dangling")).unwrap();
    let refused = |name: &str| {
        let path = place.path(name);
        let error = plain_programs().resolve_process(&path).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        error
    };
    assert!(matches!(refused("nothing"), Error::NotFound { .. }));
    assert!(matches!(refused("dangling"), Error::NotFound { .. }));
    assert!(matches!(refused("program/below"), Error::NotFound { .. }));
    assert!(matches!(refused("."), Error::NotRegular { .. }));
    assert!(matches!(refused("text"), Error::NotExecutable { .. }));
    assert!(matches!(refused("loop"), Error::TooManyLinks { .. }));
    let resolve = |path: &str| plain_programs().resolve_process(Path::new(path));
    assert!(matches!(resolve("/dev/null"), Err(Error::NotRegular { .. })));
    assert!(matches!(resolve("/"), Err(Error::NotRegular { .. })));
    assert!(matches!(resolve("bin/cat"), Err(Error::NotAbsolute { .. })));
}

#[test]
fn names_that_are_not_text_are_found() {
    let place = Place::new();
    let odd = place.program.with_file_name(OsStr::from_bytes(b"\xff\xfe \n"));
    fs::rename(&place.program, &odd).unwrap();
    assert_eq!(plain_programs().resolve_process(&odd).unwrap().path, odd);
}

#[test]
fn what_lies_inside_the_mount_is_asked_of_the_storage_and_never_of_the_mount() {
    let place = Place::new();
    let (programs, encrypted) = mounted(&place);
    symlink("mount/c/inside", place.path("link")).unwrap();
    symlink("mount/c", place.path("dir")).unwrap();
    for name in ["mount/c/inside", "link", "dir/inside"] {
        let resolved = programs.resolve_process(&place.path(name)).unwrap();
        assert_eq!(resolved.path, place.path("mount/c/inside"), "{name}");
        assert!(resolved.encrypted);
        assert_eq!(resolved.identity, INSIDE);
        assert_eq!(resolved.fingerprint, Fingerprint { sha256: [7; 32], size: 3 });
    }
    assert_eq!(*encrypted.hashed.lock().unwrap(), 1, "the hash is remembered by identity");
    for name in ["mount", "mount/c/../../program"] {
        let refused = programs.resolve_process(&place.path(name));
        assert!(matches!(refused, Err(Error::NotRegular { .. })), "{name}");
    }
    let missing = programs.resolve_process(&place.path("mount/c/missing"));
    assert!(matches!(missing, Err(Error::NotFound { .. })));
}

#[test]
fn the_mount_is_not_entered_by_another_way() {
    let device = FileStat::device_of(Path::new("/proc")).unwrap();
    let mount = Mount { path: "/nowhere/ezncrypted".into(), device: Some(device) };
    let programs = Programs::new(mount, Box::new(Encrypted::default()));
    let refused = programs.resolve_process(Path::new("/proc/version"));
    assert!(matches!(refused, Err(Error::MountElsewhere { .. })));
}

#[test]
fn a_link_put_in_the_place_of_a_program_is_not_followed_later() {
    let place = Place::new();
    fs::rename(&place.program, place.path("moved")).unwrap();
    symlink("moved", &place.program).unwrap();
    assert!(matches!(plain_programs().identify(&place.program), Err(Error::IsLink { .. })));
    assert!(matches!(plain_programs().current(&place.program), Err(Error::IsLink { .. })));
}

#[test]
fn an_edit_shows_in_the_contents() {
    let place = Place::new();
    let programs = plain_programs();
    let (_, before) = programs.current(&place.program).unwrap();
    edit(&place.program);
    let (_, after) = programs.current(&place.program).unwrap();
    assert_eq!(after.size, before.size + 1);
    assert_ne!(after.sha256, before.sha256);
}
