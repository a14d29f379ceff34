//! What is refused, with nothing touched.

use super::fixture::{NOTHING, Sandbox, paths, snapshot};
use super::{Error, Reason};
use crate::sys::open_files::{Holder, Use};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Tries to encrypt and makes sure that nothing was touched.
fn refused(sandbox: &mut Sandbox, path: &Path) -> Error {
    let before = (snapshot(&sandbox.home()), paths(&sandbox.storage()));
    let records = sandbox.journal.records.clone();
    let error = sandbox.encrypt(path).unwrap_err();
    assert_eq!((snapshot(&sandbox.home()), paths(&sandbox.storage())), before, "{error}");
    assert_eq!(sandbox.journal.records, records);
    error
}

fn sandbox_with_data() -> (Sandbox, std::path::PathBuf) {
    let sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("rows"), b"rows").unwrap();
    (sandbox, data)
}

#[test]
fn files_in_use_are_refused_with_the_name_of_the_process() {
    let (mut sandbox, data) = sandbox_with_data();
    let input = fs::File::open(data.join("rows")).unwrap();
    let mut command = Command::new("sleep");
    let mut child = command.arg("60").stdin(Stdio::from(input)).spawn().unwrap();
    let error = refused(&mut sandbox, &data);
    child.kill().unwrap();
    child.wait().unwrap();

    let Error::InUse(listed) = &error else { panic!("{error}") };
    assert_eq!(listed.first[0].pid, Some(child.id()));
    assert_eq!(listed.first[0].path, data.join("rows"));
    assert!(error.to_string().contains(&format!("sleep (pid {})", child.id())), "{error}");
}

#[test]
fn all_special_files_are_named() {
    let (mut sandbox, data) = sandbox_with_data();
    mknodat(CWD, data.join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    mknodat(CWD, data.join("socket"), FileType::Socket, Mode::RUSR, 0).unwrap();
    let error = sandbox.encrypt(&data).unwrap_err();
    let Error::Special(listed) = error else { panic!("{error}") };
    assert_eq!(listed.first, [data.join("fifo"), data.join("socket")]);
    assert_eq!(sandbox.stored(), NOTHING);
}

#[test]
fn hard_links_that_lead_out_are_refused() {
    let (mut sandbox, data) = sandbox_with_data();
    fs::hard_link(data.join("rows"), data.join("inside")).unwrap();
    fs::hard_link(data.join("rows"), sandbox.home().join("outside")).unwrap();
    let error = refused(&mut sandbox, &data);
    let Error::HardLinks(listed) = error else { panic!("{error}") };
    assert_eq!(listed.first, [data.join("inside"), data.join("rows")]);
    let single = refused(&mut sandbox, &data.join("rows"));
    assert!(matches!(single, Error::HardLinks(_)), "{single}");
}

#[test]
fn immutable_files_are_refused() {
    let (mut sandbox, data) = sandbox_with_data();
    let chattr = |flag| {
        let status = Command::new("chattr").arg(flag).arg(data.join("rows")).status().unwrap();
        assert!(status.success());
    };
    chattr("+i");
    let result = sandbox.encrypt(&data);
    chattr("-i");
    let Err(Error::Immutable(listed)) = result else { panic!("{result:?}") };
    assert_eq!(listed.first, [data.join("rows")]);
}

#[test]
fn locations_do_not_nest() {
    let (mut sandbox, data) = sandbox_with_data();
    fs::create_dir(data.join("sub")).unwrap();
    fs::write(data.join("sub/file"), b"x").unwrap();
    sandbox.encrypt(&data.join("sub")).unwrap();
    for path in [data.join("sub"), data.join("sub/file")] {
        let error = refused(&mut sandbox, &path);
        assert!(matches!(error, Error::AlreadyEncrypted(_)), "{error}");
    }
    let error = refused(&mut sandbox, &data);
    assert!(matches!(error, Error::Nested { .. }), "{error}");
}

#[test]
fn our_own_things_are_refused_under_any_name() {
    let (mut sandbox, data) = sandbox_with_data();
    let state = sandbox.state();
    for path in [state.clone(), state.join("storage"), state.parent().unwrap().to_owned()] {
        let error = sandbox.encrypt(&path).unwrap_err();
        let is_state = matches!(error, Error::Protected { reason: Reason::State, .. });
        assert!(is_state, "{error}");
    }
    // A second name of the program, all of whose names are inside.
    fs::rename(sandbox.binary(), data.join("program")).unwrap();
    fs::hard_link(data.join("program"), data.join("again")).unwrap();
    std::os::unix::fs::symlink(data.join("program"), sandbox.binary()).unwrap();
    let error = refused(&mut sandbox, &data);
    let is_binary = matches!(error, Error::Protected { reason: Reason::OwnBinary, .. });
    assert!(is_binary, "{error}");
}

#[test]
fn bad_category_names_and_missing_paths_are_refused() {
    let (mut sandbox, data) = sandbox_with_data();
    for name in ["", ".", "..", ".staging", "a/b", "@mysql", "my sql", "a\n"] {
        let result = sandbox.with(&mut |_| {}, |context| super::encrypt(&data, name, context));
        assert!(matches!(result, Err(Error::CategoryName(_))), "{name:?}");
    }
    let error = refused(&mut sandbox, Path::new("data"));
    assert!(matches!(error, Error::NotAbsolute(_)), "{error}");
    let error = refused(&mut sandbox, &data.join("missing"));
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn a_taken_destination_is_refused() {
    let (mut sandbox, data) = sandbox_with_data();
    let place = sandbox.storage().join("mysql").join(data.strip_prefix("/").unwrap());
    fs::create_dir_all(&place).unwrap();
    let error = refused(&mut sandbox, &data);
    assert!(matches!(&error, Error::Exists(path) if *path == place), "{error}");
}

#[test]
fn decrypting_is_refused_while_somebody_has_it_open() {
    let (mut sandbox, data) = sandbox_with_data();
    sandbox.encrypt(&data).unwrap();
    let holder = Holder {
        pid: Some(42),
        process: "mariadbd".into(),
        path: data.join("rows"),
        usage: Use::Open,
    };
    sandbox.tree.busy.borrow_mut().push(holder);
    let error = sandbox.decrypt().unwrap_err();
    assert!(error.to_string().contains("mariadbd (pid 42)"), "{error}");
    assert!(!sandbox.tree.frozen.get());
    assert!(fs::symlink_metadata(&data).unwrap().is_symlink());
}

#[test]
fn decrypting_does_not_overwrite_what_took_the_symlinks_place() {
    let (mut sandbox, data) = sandbox_with_data();
    sandbox.encrypt(&data).unwrap();
    fs::remove_file(&data).unwrap();
    fs::write(&data, b"newer").unwrap();
    let error = sandbox.decrypt().unwrap_err();
    assert!(matches!(error, Error::NotOurLink(_)), "{error}");
    assert_eq!(fs::read(&data).unwrap(), b"newer");
    assert_eq!(sandbox.journal.records.len(), 1);
}

#[test]
fn at_most_twenty_objects_are_named() {
    let (mut sandbox, data) = sandbox_with_data();
    for number in 0..25 {
        let path = data.join(format!("fifo{number}"));
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap();
    }
    let error = sandbox.encrypt(&data).unwrap_err();
    assert!(error.to_string().ends_with(" and 5 more"), "{error}");
}
