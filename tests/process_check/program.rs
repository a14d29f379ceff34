//! Another program that passes for the allowed one, and the allowed one at another place.

use super::stage::{Held, Root, SECRET, Stage, User, os, path_of, set_mode, steps, tells};
use super::support::machine::{Mounted, detach, program};
use super::support::process::{run, until};
use super::support::raw::Mapping;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

const OTHER_PROGRAM: &[&str] = &["other program"];
const CHANGED: &[&str] = &["tainted", "another file now"];
const DELETED: &[&str] = &["deleted", "another file now"];

/// It says which program it is, then reads.
fn reads(user: User, program: &Path, file: &Path) -> Command {
    user.starts(program, steps(&["exe", "read"], file))
}

fn copy(from: &Path, to: &Path) -> PathBuf {
    fs::copy(from, to).unwrap();
    set_mode(to, 0o755);
    to.to_owned()
}

/// A bind mount that is gone when this is dropped.
pub struct Bound(PathBuf);

impl Bound {
    /// Mounts a file over another, or a directory over another.
    pub fn over(at: &Path, from: &Path) -> Self {
        run(Command::new(program("mount")).arg("--bind").arg(from).arg(at)).succeeds();
        Self(at.to_owned())
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        detach(&self.0);
    }
}

/// The same bytes: a check of the contents alone would let it in.
#[test]
fn a_copy_elsewhere_is_denied() {
    let stage = Stage::allowing("");
    let home = stage.home();
    for copied in [copy(&stage.reader(), &home.join("reader")), home.join("reader (deleted)")] {
        fs::copy(stage.reader(), &copied).unwrap();
        assert_eq!(fs::read(&copied).unwrap(), fs::read(stage.reader()).unwrap());
        stage.assert_denied(OTHER_PROGRAM, |user, file| reads(user, &copied, file));
    }
    stage.assert_reader_works();
}

/// The same file: a check of device and inode alone would let it in.
#[test]
fn a_hard_link_is_denied() {
    let stage = Stage::allowing("");
    let link = stage.directory("elsewhere").join("reader");
    fs::hard_link(stage.reader(), &link).unwrap();
    stage.assert_denied(OTHER_PROGRAM, |user, file| reads(user, &link, file));
    fs::remove_file(link).unwrap();
    stage.assert_reader_works();
}

#[test]
fn a_symlink_to_the_program_is_the_program() {
    let stage = Stage::allowing("");
    let link = stage.home().join("link");
    std::os::unix::fs::symlink(stage.reader(), &link).unwrap();
    for user in User::BOTH {
        assert!(tells(&run(&mut reads(user, &link, &stage.secret())).succeeds()));
    }
}

#[test]
fn the_program_under_another_name_and_another_under_its_name_are_denied() {
    let stage = Stage::allowing("");
    let elsewhere = stage.at("bin/renamed");
    let other = stage.other();
    fs::rename(stage.reader(), &elsewhere).unwrap();
    stage.assert_denied(OTHER_PROGRAM, |user, file| reads(user, &elsewhere, file));
    fs::rename(&other, stage.reader()).unwrap();
    for user in User::BOTH {
        let attack = |file: &Path| reads(user, &stage.reader(), file);
        stage.assert_disguised(&stage.assert_denied_to(user, CHANGED, attack));
    }
    fs::rename(elsewhere, stage.reader()).unwrap();
    stage.assert_reader_works();
}

/// A directory on the way to it, not the program itself.
#[test]
fn a_program_at_the_same_path_in_an_exchanged_directory_is_denied() {
    let stage = Stage::allowing("");
    let other = stage.directory("theirs");
    fs::rename(stage.other(), other.join("reader")).unwrap();
    fs::rename(stage.at("bin"), stage.at("away")).unwrap();
    fs::rename(other, stage.at("bin")).unwrap();
    copy(&stage.at("away/libgreeting.so.1"), &stage.at("bin/libgreeting.so.1"));
    for user in User::BOTH {
        let attack = |file: &Path| reads(user, &stage.reader(), file);
        stage.assert_disguised(&stage.assert_denied_to(user, CHANGED, attack));
    }
}

#[test]
fn a_bind_mount_of_the_program_is_denied() {
    let stage = Stage::allowing("");
    let place = stage.home().join("place");
    fs::write(&place, "").unwrap();
    let _bound = Bound::over(&place, &stage.reader());
    stage.assert_denied(OTHER_PROGRAM, |user, file| reads(user, &place, file));
}

#[test]
fn a_replaced_program_is_denied() {
    let stage = Stage::allowing("");
    let other = stage.other();
    for in_place in [true, false] {
        if !in_place {
            fs::remove_file(stage.reader()).unwrap();
        }
        copy(&other, &stage.reader());
        for user in User::BOTH {
            let attack = |file: &Path| reads(user, &stage.reader(), file);
            stage.assert_disguised(&stage.assert_denied_to(user, CHANGED, attack));
        }
    }
}

/// One byte behind its end, and one byte inside; with the times that it had.
#[test]
fn an_edited_program_is_denied() {
    let stage = Stage::allowing("");
    let genuine = fs::read(stage.reader()).unwrap();
    let modified = fs::metadata(stage.reader()).unwrap().modified().unwrap();
    let text = b"the allowed program";
    let at = genuine.windows(text.len()).position(|part| part == text).unwrap();
    let mut longer = genuine.clone();
    longer.push(b'x');
    let mut changed = genuine.clone();
    changed[at] = b'T';
    for edited in [longer, changed] {
        stage.assert_reader_works();
        fs::write(stage.reader(), &edited).unwrap();
        fs::File::options()
            .write(true)
            .open(stage.reader())
            .unwrap()
            .set_modified(modified)
            .unwrap();
        for user in User::BOTH {
            let attack = |file: &Path| reads(user, &stage.reader(), file);
            stage.assert_disguised(&stage.assert_denied_to(user, CHANGED, attack));
        }
        fs::write(stage.reader(), &genuine).unwrap();
    }
    stage.assert_reader_works();
}

/// A writable mapping of the allowed program, or a copy of it, that nobody has open any more, and
/// where in it stands what the program says it is.
fn mapped(program: &Path) -> (Mapping, usize) {
    let contents = fs::read(program).unwrap();
    let text = b"the allowed program";
    let at = contents.windows(text.len()).position(|part| part == text).unwrap();
    let file = fs::File::options().read(true).write(true).open(program).unwrap();
    (Mapping::shared(&file, contents.len()), at)
}

/// Ends a mapping, also in the processes that other tests just start, in which it lives until they
/// execute their programs.
fn unmap(mapping: Mapping, program: &Path) {
    drop(mapping);
    until("nobody has it mapped", Duration::from_secs(20), || {
        let started = Root.starts(program, ["exe"]).output();
        !started.is_err_and(|error| error.kind() == ErrorKind::ExecutableFileBusy)
    });
}

/// All that the kernel tells of a change: last change of the contents, and of the inode.
fn times(program: &Path) -> [i64; 4] {
    let told = fs::metadata(program).unwrap();
    [told.mtime(), told.mtime_nsec(), told.ctime(), told.ctime_nsec()]
}

/// Has the service look at the program, when it changed long enough ago for its hash to be kept.
fn let_it_be_hashed(stage: &Stage) {
    sleep(Duration::from_millis(2500));
    let rules = stage.instance.access(["-l", "--json"]).succeeds().json();
    assert!(rules.as_array().unwrap().iter().all(|rule| rule["tainted"] == false), "{rules}");
}

/// The kernel notices the first store to a page only, not the one that changes something. On an
/// overlay it does not even count the mapping among those who have the file open.
#[test]
fn a_program_patched_through_a_mapping_that_was_there_before_is_denied() {
    let stage = Stage::new();
    let layered = stage.directory("layered");
    let _overlay = Mounted::overlay(&layered, &stage.directory("layers"));
    for program in [stage.reader(), copy(&stage.reader(), &layered.join("reader"))] {
        stage.without_rules();
        stage.rule(&format!("ALLOW @data * {}", program.display()));
        let works = run(&mut reads(Root, &program, &stage.secret()));
        assert!(tells(&works), "it is not allowed: {works}");
        let (mapping, at) = mapped(&program);
        // The kernel may write the page back at any time, and would notice the next store.
        let unnoticed = (0..30).any(|_| {
            mapping.store(at, b"t");
            let_it_be_hashed(&stage);
            let before = times(&program);
            mapping.store(at, b"T");
            times(&program) == before
        });
        unmap(mapping, &program);
        assert!(unnoticed, "a blind test");
        stage.assert_denied(CHANGED, |user, file| reads(user, &program, file));
    }
}

/// Where nothing is written back, the kernel does not notice a store to a page that was read before.
#[test]
fn a_program_on_a_tmpfs_patched_through_a_mapping_is_denied() {
    let stage = Stage::new();
    let memory = stage.directory("memory");
    let _tmpfs = Mounted::tmpfs(&memory);
    let program = copy(&stage.reader(), &memory.join("reader"));
    stage.rule(&format!("ALLOW @data * {}", program.display()));
    let works = run(&mut reads(Root, &program, &stage.secret()));
    assert!(tells(&works), "it is not allowed: {works}");
    let_it_be_hashed(&stage);
    let before = times(&program);
    let (mapping, at) = mapped(&program);
    assert_eq!(mapping.load(at, 1), b"t");
    mapping.store(at, b"T");
    unmap(mapping, &program);
    assert_eq!(times(&program), before, "a blind test");
    stage.assert_denied(CHANGED, |user, file| reads(user, &program, file));
}

#[test]
fn a_program_that_was_deleted_before_its_first_use_is_denied() {
    let stage = Stage::allowing("");
    let (reader, kept) = (stage.reader(), stage.at("kept"));
    copy(&reader, &kept);
    for user in User::BOTH {
        for put_back in [false, true] {
            let words = steps(&["wait", "read"], &stage.secret());
            let held = Held::start(user.starts(&reader, words));
            assert_eq!(path_of(held.pid()), reader, "a path-only check: a blind test");
            fs::remove_file(&reader).unwrap();
            if put_back {
                copy(&kept, &reader);
            }
            let before = stage.denials().len();
            stage.assert_told_nothing(&held.ends(), before, DELETED);
            copy(&kept, &reader);
        }
    }
}

/// The kernel marks a deleted file by its name, which another file may bear.
#[test]
fn a_program_that_is_named_like_the_deleted_one_is_denied() {
    let stage = Stage::allowing("");
    let mut name = OsString::from(stage.reader());
    name.push(" (deleted)");
    let named = copy(&stage.other(), Path::new(&name));
    stage.assert_denied(&["deleted", "other program"], |user, file| reads(user, &named, file));
}

/// What a package upgrade does under a server that runs.
#[test]
fn a_process_that_was_admitted_outlives_an_upgrade_of_its_file_and_a_new_one_does_not() {
    let stage = Stage::allowing("");
    let (reader, secret) = (stage.reader(), stage.secret());
    let again = [os("wait"), os("read"), secret.clone().into()];
    for user in User::BOTH {
        let words = [&steps(&["read"], &secret)[..], &again, &again].concat();
        let mut admitted = Held::start(user.starts(&reader, words));
        let late = Held::start(user.starts(&reader, &again));
        copy(&reader, &stage.at("old"));
        copy(&stage.other(), &stage.at("upgrade"));
        fs::rename(stage.at("upgrade"), &reader).unwrap();

        admitted.go_on();
        assert_eq!(admitted.so_far().stdout.matches(SECRET).count(), 2);
        let before = stage.denials().len();
        stage.assert_told_nothing(&late.ends(), before, DELETED);
        let before = stage.denials().len();
        let fresh = run(&mut user.starts(&reader, steps(&["read"], &secret)));
        stage.assert_told_nothing(&fresh, before, CHANGED);
        assert_eq!(admitted.ends().succeeds().stdout.matches(SECRET).count(), 3);
        fs::rename(stage.at("old"), &reader).unwrap();
        stage.instance.access(["-u"]).succeeds();
    }
}

/// Of the file that was deleted, by the only name that is left.
#[test]
fn an_admitted_process_of_a_deleted_file_loses_its_admission_by_executing_it_again() {
    let stage = Stage::allowing("");
    let (reader, secret) = (stage.reader(), stage.secret());
    copy(&reader, &stage.at("kept"));
    for user in User::BOTH {
        let own = "/proc/self/exe";
        let words =
            [&steps(&["read"], &secret)[..], &steps(&["wait", "exec", own, "read"], &secret)];
        let held = Held::start(user.starts(&reader, words.concat()));
        fs::remove_file(&reader).unwrap();
        let before = stage.denials().len();
        let ended = held.ends();
        assert_eq!(ended.stdout.matches(SECRET).count(), 1, "{ended}");
        ended.denied();
        stage.assert_logged(before, DELETED);
        copy(&stage.at("kept"), &reader);
    }
}

#[test]
fn the_program_under_the_loader_is_denied() {
    let stage = Stage::allowing("");
    let loader = fs::canonicalize("/lib64/ld-linux-x86-64.so.2").unwrap();
    stage.assert_denied(OTHER_PROGRAM, |user, file| {
        let mut command = user.starts(&loader, [stage.reader()]);
        command.args(steps(&["exe", "read"], file));
        command
    });
}

/// The service cannot read what is beneath the mount: it must see what lies there as another file.
#[test]
fn a_bind_mount_over_the_running_program_is_denied() {
    let stage = Stage::allowing("");
    let twin = copy(&stage.reader(), &stage.at("twin"));
    for user in User::BOTH {
        let held =
            Held::start(user.starts(stage.reader(), steps(&["wait", "read"], &stage.secret())));
        let _bound = Bound::over(&stage.reader(), &twin);
        assert_eq!(path_of(held.pid()), stage.reader(), "a path-only check: a blind test");
        let before = stage.denials().len();
        stage.assert_told_nothing(&held.ends(), before, &["mounted", "another file", "examined"]);
        let before = stage.denials().len();
        let over = run(&mut reads(user, &stage.reader(), &stage.secret()));
        assert!(over.stdout.contains(&format!("exe {}\n", stage.reader().display())));
        stage.assert_told_nothing(
            &over,
            before,
            &["mounted", "another file", "examined", "tainted"],
        );
    }
    assert!(tells(&run(&mut reads(Root, &stage.reader(), &stage.secret())).succeeds()));
}
