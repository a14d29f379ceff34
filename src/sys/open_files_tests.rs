use super::*;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// A `cat` that waits for input until it is dropped.
struct Waiting(Child);

impl Waiting {
    fn start(change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        change(&mut command);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn inode_of(path: &Path) -> Inode {
    let stat = fs::metadata(path).unwrap();
    let device = (rustix::fs::major(stat.dev()), rustix::fs::minor(stat.dev()));
    Inode { device, number: stat.ino() }
}

fn by(found: &[Holder], pid: u32) -> Vec<(PathBuf, Use)> {
    let of = found.iter().filter(|holder| holder.pid == Some(pid));
    of.map(|holder| (holder.path.clone(), holder.usage)).collect()
}

#[test]
fn an_open_file_is_found_by_path_and_by_inode() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("table one.ibd");
    fs::write(&file, b"rows").unwrap();
    let output = fs::OpenOptions::new().append(true).open(&file).unwrap();
    let holder = Waiting::start(|command| {
        command.stdout(output);
    });
    let pid = holder.0.id();

    let found = holders(directory.path(), &HashSet::new()).unwrap();
    assert_eq!(by(&found, pid), [(file.clone(), Use::Open)]);
    assert_eq!(found[0].process, "cat");

    let elsewhere = Path::new("/nowhere");
    let found = holders(elsewhere, &HashSet::from([inode_of(&file)])).unwrap();
    assert_eq!(by(&found, pid), [(file.clone(), Use::Open)]);
    assert_eq!(holders(elsewhere, &HashSet::new()).unwrap(), []);
}

#[test]
fn a_deleted_file_is_still_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gone");
    let output = fs::File::create(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let holder = Waiting::start(|command| {
        command.stdout(output);
    });
    assert_eq!(by(&holders(&file, &HashSet::new()).unwrap(), holder.0.id()).len(), 1);
}

#[test]
fn a_working_directory_and_a_running_program_are_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("own-cat");
    fs::copy("/bin/cat", &program).unwrap();
    let mut command = Command::new(&program);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).current_dir(directory.path());
    let holder = Waiting(command.spawn().unwrap());
    let pid = holder.0.id();

    let found = by(&holders(directory.path(), &HashSet::new()).unwrap(), pid);
    assert!(found.contains(&(program.clone(), Use::Executing)), "{found:?}");
    assert!(found.contains(&(directory.path().to_owned(), Use::WorkingDirectory)), "{found:?}");

    let by_inode = holders(Path::new("/nowhere"), &HashSet::from([inode_of(&program)])).unwrap();
    assert_eq!(by(&by_inode, pid), [(program, Use::Executing)]);
}

#[test]
fn the_names_of_neighbours_are_not_taken_for_the_path() {
    let directory = tempfile::tempdir().unwrap();
    let output = fs::File::create(directory.path().join("data-old")).unwrap();
    let holder = Waiting::start(|command| {
        command.stdout(output);
    });
    let found = holders(&directory.path().join("data"), &HashSet::new()).unwrap();
    assert_eq!(by(&found, holder.0.id()), []);
}

/// In a mount namespace of its own another filesystem, or another directory of the same one, lies over the path.
#[test]
fn the_same_path_in_another_mount_namespace_is_another_file() {
    let directory = tempfile::tempdir().unwrap();
    let [data, other] = ["data", "other"].map(|name| directory.path().join(name));
    for path in [&data, &other] {
        fs::create_dir(path).unwrap();
        fs::write(path.join("table"), b"rows").unwrap();
    }
    let inodes = [&data, &data.join("table")].map(|path| inode_of(path));
    let tmpfs = "mount -t tmpfs none \"$0\"";
    for (over, is_another_device) in [(tmpfs, true), ("mount --bind \"$1\" \"$0\"", false)] {
        let script = format!("{over} && cd \"$0\" && exec 3<>table && echo ready && exec cat");
        let mut holder = Waiting::start(|command| {
            let is_root = rustix::process::geteuid().is_root();
            let how = if is_root { &["unshare", "-m"][..] } else { &["unshare", "-rm"] };
            *command = Command::new(how[0]);
            command.args(&how[1..]).args(["sh", "-c", &script]).args([&data, &other]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        });
        let mut ready = [0; 6];
        holder.0.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        let pid = holder.0.id();
        let found = holders(&data, &HashSet::from(inodes)).unwrap();
        assert_eq!(by(&found, pid), [], "{over}");
        // On our own mount, which is not asked for a name, what is on the same filesystem may have been there.
        let (none, numbers) = (HashSet::new(), HashSet::new());
        let devices = vec![inode_of(&data).device];
        let mut found = Vec::new();
        Wanted { below: &data, inodes: &none, numbers, devices }.of_process(pid, &mut found);
        assert_eq!(found.is_empty(), is_another_device, "{over}");
        let found = holders(Path::new("/nowhere"), &HashSet::from([inode_of(&other)])).unwrap();
        assert_eq!(by(&found, pid).is_empty(), is_another_device, "{over}");
    }
}

/// It was made after the tree was looked through.
#[test]
fn a_new_file_is_in_use_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("new");
    let output = fs::File::create(&file).unwrap();
    let holder = Waiting::start(|command| {
        command.stdout(output);
    });
    let found = holders(directory.path(), &HashSet::from([inode_of(directory.path())])).unwrap();
    assert_eq!(by(&found, holder.0.id()), [(file, Use::Open)]);
}

#[test]
fn a_line_of_maps_is_read_with_blanks_and_newlines_in_the_name() {
    let line = b"7f00-7f01 r-xp 00000000 fd:01 1234                  /srv/my lib\\012x.so";
    let mapping = Mapping::parse(line).unwrap();
    assert_eq!((mapping.inode, mapping.path), (1234, PathBuf::from("/srv/my lib\nx.so")));
    assert_eq!(mapping.range, "7f00-7f01");
    assert!(Mapping::parse(b"7f00-7f01 rw-p 00000000 00:00 0 ").is_none());
    assert!(Mapping::parse(b"7f00-7f01 rw-p 00000000 00:00 0    [heap]").is_none());
}

#[test]
fn escapes_are_undone_and_other_backslashes_kept() {
    assert_eq!(unescape(br"a\040b\134c"), r"a b\c");
    assert_eq!(unescape(br"a\x\9\"), r"a\x\9\");
}

/// Until it runs its program, a forked process has open whatever we have.
#[test]
fn a_child_of_ours_that_runs_no_program_yet_is_not_taken_for_a_user() {
    let directory = tempfile::tempdir().unwrap();
    let file = fs::File::create(directory.path().join("ours")).unwrap();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    // With a user named, the child is forked and not spawned, which takes longer.
                    let user = rustix::process::geteuid().as_raw();
                    assert!(Command::new("true").uid(user).status().unwrap().success());
                }
            });
        }
        let looks = (0..200).map(|_| holders(directory.path(), &HashSet::new()));
        let found = looks.into_iter().find(|found| !matches!(found, Ok(found) if found.is_empty()));
        ended.store(true, Ordering::Relaxed);
        assert!(found.is_none(), "{found:?}");
    });
    drop(file);
}
