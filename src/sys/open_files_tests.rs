use super::*;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};

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
