//! Owners, modes, times, extended attributes, statfs: of the caller, exact, and never stale.

use super::support::fixture::{CATEGORY, Fixture};
use super::support::machine::{mount_options, program};
use super::support::raw::in_child;
use super::support::sample::{set_acl, set_modified};
use super::support::tree::set_attribute;
use rustix::fs::{CWD, Mode, OFlags, StatVfs, XattrFlags, mkdirat, open, statvfs};
use rustix::io::Errno;
use std::ffi::CString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::Path;

const NOBODY: u32 = 65534;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn attribute(path: &Path, name: &str) -> Result<Vec<u8>, Errno> {
    let mut value = vec![0; 64 << 10];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..])?;
    value.truncate(length);
    Ok(value)
}

/// Runs one system call in a child with this umask and this identity; gives 0 or the error.
fn as_user(id: u32, mask: u32, call: impl FnOnce() -> rustix::io::Result<()>) -> u8 {
    let (uid, gid) = (nix::unistd::Uid::from_raw(id), nix::unistd::Gid::from_raw(id));
    in_child(|| {
        rustix::process::umask(Mode::from_raw_mode(mask));
        let changed = id == 0
            || nix::unistd::setgroups(&[]).is_ok()
                && nix::unistd::setresgid(gid, gid, gid).is_ok()
                && nix::unistd::setresuid(uid, uid, uid).is_ok();
        match (changed, call()) {
            (false, _) => 255,
            (true, Ok(())) => 0,
            (true, Err(error)) => u8::try_from(error.raw_os_error()).unwrap_or(254),
        }
    })
}

fn c(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

fn code(error: Errno) -> u8 {
    u8::try_from(error.raw_os_error()).unwrap()
}

/// > What is made belongs to whom made it, with his umask or the directory's default access list,
/// > and with the group of a set-group-id directory.
#[test]
fn the_umask_of_the_caller_applies() {
    let fixture = Fixture::new();
    for (index, mask) in [0o022, 0o077, 0o000, 0o137].into_iter().enumerate() {
        let (file, directory) = (format!("file {index}"), format!("directory {index}"));
        let (file, directory) = (fixture.at(&file), fixture.at(&directory));
        let (file_c, directory_c) = (c(&file), c(&directory));
        let made = as_user(0, mask, || {
            open(&file_c, OFlags::CREATE | OFlags::WRONLY, Mode::from_raw_mode(0o666))?;
            mkdirat(CWD, &directory_c, Mode::from_raw_mode(0o777))
        });
        assert_eq!(made, 0);
        assert_eq!(mode(&file), 0o666 & !mask, "umask {mask:o}");
        assert_eq!(mode(&directory), 0o777 & !mask, "umask {mask:o}");
    }
}

/// > What is made belongs to whom made it, with his umask or the directory's default access list,
/// > and with the group of a set-group-id directory.
#[test]
fn a_default_access_list_takes_the_place_of_the_umask() {
    let fixture = Fixture::new();
    fixture.instance.allow(CATEGORY, &program("setfacl"));
    fs::create_dir(fixture.at("shared")).unwrap();
    set_acl(&fixture.at("shared"), &["-m", "d:u::rwx,d:g::rwx,d:o::---"]);
    let file = fixture.at("shared/file");
    let file_c = c(&file);
    let made = as_user(0, 0o077, || {
        open(&file_c, OFlags::CREATE | OFlags::WRONLY, Mode::from_raw_mode(0o666)).map(drop)
    });
    assert_eq!(made, 0);
    assert_eq!(mode(&file), 0o660);
}

/// > What is made belongs to whom made it, with his umask or the directory's default access list,
/// > and with the group of a set-group-id directory.
#[test]
fn what_a_user_makes_is_the_users() {
    let fixture = Fixture::new();
    fs::set_permissions(fixture.path(), Permissions::from_mode(0o1777)).unwrap();
    let (file, directory, link) = (fixture.at("f"), fixture.at("d"), fixture.at("l"));
    let (file_c, directory_c, link_c) = (c(&file), c(&directory), c(&link));
    let made = as_user(NOBODY, 0o022, || {
        open(&file_c, OFlags::CREATE | OFlags::WRONLY, Mode::from_raw_mode(0o644))?;
        rustix::fs::symlinkat(c"target", CWD, &link_c)?;
        mkdirat(CWD, &directory_c, Mode::from_raw_mode(0o755))
    });
    assert_eq!(made, 0);
    for path in [&file, &directory, &link] {
        let found = fs::symlink_metadata(path).unwrap();
        assert_eq!((found.uid(), found.gid()), (NOBODY, NOBODY), "{path:?}");
    }
}

/// > Owners, modes and access control lists are those of the filesystem below, and they hold
/// > besides the rules.
#[test]
fn the_ordinary_permissions_hold_besides_the_rules() {
    let fixture = Fixture::new();
    fixture.instance.allow(CATEGORY, &program("setfacl"));
    fs::write(fixture.at("private"), "x").unwrap();
    fs::set_permissions(fixture.at("private"), Permissions::from_mode(0o600)).unwrap();
    let path = c(&fixture.at("private"));
    let read = |id| as_user(id, 0, || open(&path, OFlags::RDONLY, Mode::empty()).map(drop));
    assert_eq!(read(NOBODY), code(Errno::ACCESS));
    assert_eq!(read(0), 0);
    set_acl(&fixture.at("private"), &["-m", &format!("u:{NOBODY}:r--")]);
    assert_eq!(read(NOBODY), 0, "an access list entry that allows was passed over");
    let made = as_user(NOBODY, 0, || mkdirat(CWD, &path, Mode::empty()));
    assert_ne!(made, 0);
}

/// > What is made belongs to whom made it, with his umask or the directory's default access list,
/// > and with the group of a set-group-id directory.
#[test]
fn set_group_id_directories_pass_their_group_on() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.at("shared")).unwrap();
    chown(fixture.at("shared"), None, Some(7)).unwrap();
    fs::set_permissions(fixture.at("shared"), Permissions::from_mode(0o2777)).unwrap();
    let (file, directory) = (fixture.at("shared/file"), fixture.at("shared/directory"));
    let (file_c, directory_c) = (c(&file), c(&directory));
    let made = as_user(NOBODY, 0o022, || {
        open(&file_c, OFlags::CREATE | OFlags::WRONLY, Mode::from_raw_mode(0o644))?;
        mkdirat(CWD, &directory_c, Mode::from_raw_mode(0o755))
    });
    assert_eq!(made, 0);
    assert_eq!(fs::metadata(&file).unwrap().gid(), 7);
    assert_eq!(fs::metadata(&directory).unwrap().gid(), 7);
    assert_eq!(mode(&directory), 0o2755, "the directory does not pass it on itself");
}

/// > Writing by others clears the set-user-id and set-group-id bits.
#[test]
fn modes_and_owners_change_as_asked_and_writing_clears_set_user_id() {
    let fixture = Fixture::new();
    fs::write(fixture.at("file"), "x").unwrap();
    fs::set_permissions(fixture.path(), Permissions::from_mode(0o777)).unwrap();
    for bits in [0o000, 0o777, 0o1644, 0o2755, 0o4755, 0o640] {
        fs::set_permissions(fixture.at("file"), Permissions::from_mode(bits)).unwrap();
        assert_eq!(mode(&fixture.at("file")), bits);
    }
    chown(fixture.at("file"), Some(12), Some(34)).unwrap();
    let found = fs::metadata(fixture.at("file")).unwrap();
    assert_eq!((found.uid(), found.gid()), (12, 34));
    symlink("file", fixture.at("link")).unwrap();
    lchown(fixture.at("link"), Some(56), Some(78)).unwrap();
    assert_eq!(fs::symlink_metadata(fixture.at("link")).unwrap().uid(), 56);
    assert_eq!(fs::metadata(fixture.at("file")).unwrap().uid(), 12, "the link's target changed");

    fs::set_permissions(fixture.at("file"), Permissions::from_mode(0o4777)).unwrap();
    let path = c(&fixture.at("file"));
    let wrote = as_user(NOBODY, 0, || {
        let file = open(&path, OFlags::WRONLY, Mode::empty())?;
        rustix::io::write(&file, b"y").map(drop)
    });
    assert_eq!(wrote, 0);
    assert_eq!(mode(&fixture.at("file")), 0o777, "a write left the set-user-id bit");
}

/// > Times are kept to the nanosecond, also over a restart.
#[test]
fn times_are_kept_to_the_nanosecond() {
    let fixture = Fixture::new();
    fs::write(fixture.at("file"), "x").unwrap();
    fs::create_dir(fixture.at("directory")).unwrap();
    symlink("file", fixture.at("link")).unwrap();
    for name in ["file", "directory", "link"] {
        set_modified(&fixture.at(name), 1_234_567_890, 123_456_789);
    }
    fixture.instance.stop();
    fixture.instance.start();
    for name in ["file", "directory", "link"] {
        let found = fs::symlink_metadata(fixture.at(name)).unwrap();
        let times = (found.mtime(), found.mtime_nsec(), found.atime(), found.atime_nsec());
        let expected = (1_234_567_890, 123_456_789, 1_234_567_890, 123_456_789);
        assert_eq!(times, expected, "{name}");
    }
}

#[test]
fn changing_a_directory_changes_its_times() {
    let fixture = Fixture::new();
    set_modified(fixture.path(), 1, 1);
    let target = fs::canonicalize(fixture.path()).unwrap();
    set_modified(&target, 1, 1);
    assert_eq!(fs::metadata(&target).unwrap().mtime(), 1);
    fs::write(fixture.at("new"), "").unwrap();
    assert_ne!(fs::metadata(&target).unwrap().mtime(), 1, "creating a file");
    set_modified(&target, 1, 1);
    fs::remove_file(fixture.at("new")).unwrap();
    assert_ne!(fs::metadata(&target).unwrap().mtime(), 1, "removing a file");
}

/// > Extended attributes are kept, replaced and removed, those of `user.` and `trusted.` alike.
#[test]
fn extended_attributes_are_kept_replaced_and_removed() {
    let fixture = Fixture::new();
    fs::write(fixture.at("file"), "x").unwrap();
    let path = fixture.at("file");
    set_attribute(&path, "user.one", b"first");
    set_attribute(&path, "user.empty", b"");
    set_attribute(&path, "trusted.two", &[0, 255]);
    assert_eq!(attribute(&path, "user.one").unwrap(), b"first");
    assert_eq!(attribute(&path, "user.empty").unwrap(), b"");
    assert_eq!(attribute(&path, "trusted.two").unwrap(), [0, 255]);
    let again = rustix::fs::lsetxattr(&path, "user.one", b"no", XattrFlags::CREATE);
    assert_eq!(again, Err(Errno::EXIST));
    let absent = rustix::fs::lsetxattr(&path, "user.none", b"no", XattrFlags::REPLACE);
    assert_eq!(absent, Err(Errno::NODATA));
    rustix::fs::lsetxattr(&path, "user.one", b"second", XattrFlags::REPLACE).unwrap();
    assert_eq!(attribute(&path, "user.one").unwrap(), b"second");
    let mut short = [0; 2];
    let refused = rustix::fs::lgetxattr(&path, "user.one", &mut short[..]);
    assert_eq!(refused, Err(Errno::RANGE));
    rustix::fs::lremovexattr(&path, "user.one").unwrap();
    assert_eq!(attribute(&path, "user.one"), Err(Errno::NODATA));
    let mut list = vec![0; 4096];
    let length = rustix::fs::llistxattr(&path, &mut list[..]).unwrap();
    let list = String::from_utf8(list[..length].to_vec()).unwrap();
    let names: Vec<_> = list.split_terminator('\0').collect();
    assert!(names.contains(&"user.empty") && names.contains(&"trusted.two"), "{names:?}");
    assert!(!names.contains(&"user.one"), "{names:?}");
}

/// > `statfs` tells of the disk below.
#[test]
fn statfs_tells_of_the_disk_below() {
    let fixture = Fixture::new();
    let disk: StatVfs = statvfs(fixture.instance.storage()).unwrap();
    let mount = statvfs(fixture.path()).unwrap();
    let total = |found: &StatVfs| found.f_blocks * found.f_frsize;
    assert_eq!(total(&mount), total(&disk));
    assert!(mount.f_bavail > 0 && mount.f_files > 0);
    assert_eq!(mount.f_namemax, 255);
}

/// > Named pipes and sockets can be made and used; device nodes can be made but not opened, and
/// > set-user-id has no effect.
#[test]
fn the_mount_allows_no_devices_and_no_set_user_id() {
    let fixture = Fixture::new();
    let options = mount_options(&fixture.instance.mount());
    for option in ["nosuid", "nodev", "allow_other", "default_permissions"] {
        assert!(options.iter().any(|found| found == option), "{option} is not in {options:?}");
    }
    assert!(!options.iter().any(|found| found == "noexec"), "{options:?}");
}
