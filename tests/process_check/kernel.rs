//! What is made to stand between the kernel and who looks at a process, or between the process and the
//! kernel.

use super::stage::{Nobody, Root, SECRET, Stage, User, own, set_mode, steps, tells};
use super::support::machine::{Mounted, program};
use super::support::process::run;
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

/// Root lays a filesystem over `/proc/PID`, and in it the process is whatever root likes.
#[test]
fn a_process_that_root_shows_in_a_proc_of_its_own_making_is_seen_as_it_is() {
    let stage = Stage::allowing("--user=nobody");
    let (reader, secret) = (stage.reader(), stage.secret());
    let script = r#"
        kill -STOP $$
        exec /bin/cat "$1""#;
    let mut command = Root.shell(script, [secret.as_os_str()]);
    let mut shell =
        super::support::process::Running::spawn(command.stdin(std::process::Stdio::null()));
    let process = Path::new("/proc").join(shell.pid().to_string());
    let state = || fs::read_to_string(process.join("status")).unwrap();
    while !state().contains("State:\tT") {
        std::thread::yield_now();
    }
    let (user, pids) =
        (fs::read_link(process.join("ns/user")), fs::read_link(process.join("ns/pid")));
    let stat = fs::read_to_string(process.join("stat")).unwrap().replace("(bash)", "(reader)");
    let mounts = fs::read(process.join("mountinfo")).unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&reader).unwrap());

    let laid_over = Mounted::tmpfs(&process);
    let number = shell.pid();
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, process.join(name)).unwrap();
    };
    for directory in ["ns", "map_files", &format!("task/{number}")] {
        fs::create_dir_all(process.join(directory)).unwrap();
    }
    link(&reader, "exe");
    link(Path::new("/"), "root");
    link(&user.unwrap(), "ns/user");
    link(&pids.unwrap(), "ns/pid");
    link(&reader, "map_files/10000-11000");
    let ids = "65534\t65534\t65534\t65534";
    let write = |name: &str, bytes: &[u8]| fs::write(process.join(name), bytes).unwrap();
    write("stat", stat.as_bytes());
    write(&format!("task/{number}/stat"), stat.as_bytes());
    let status = format!(
        "Name:\treader\nTgid:\t{number}\nPid:\t{number}\nPPid:\t1\nTracerPid:\t0\nUid:\t{ids}\n\
         Gid:\t{ids}\nGroups:\t\n"
    );
    write("status", status.as_bytes());
    let maps = format!("00010000-00011000 r-xp 00000000 fe:00 {inode} {}\n", reader.display());
    write("maps", maps.as_bytes());
    write("pagemap", &[0; 4096]);
    write("cmdline", b"reader\0read\0");
    write("environ", b"HOME=/\0");
    write("mountinfo", &mounts);
    write("cgroup", b"0::/\n");
    write("personality", b"00000000\n");
    assert_eq!(fs::read_link(process.join("exe")).unwrap(), reader, "a blind test");

    let before = stage.denials().len();
    super::support::process::send(number, rustix::process::Signal::CONT);
    let ended = shell.finish(std::time::Duration::from_secs(60)).unwrap();
    drop(laid_over);
    stage.assert_told_nothing(&ended, before, &["other program"]);
    assert_eq!(
        stage.denials()[before]["who"]["exe"],
        fs::canonicalize("/bin/cat").unwrap().to_str().unwrap()
    );
}

/// Whoever sets a filter may answer system calls: give the program another file than the one it names.
#[test]
fn a_bound_run_whose_system_calls_are_filtered_is_denied() {
    let stage = Stage::new();
    let filter = stage.build("filter.c", "bin/filter", &[]);
    let reader = stage.reader();
    let filtered = |user: User| {
        let words = [vec![reader.clone().into_os_string()], steps(&["read"], &stage.secret())];
        user.starts(&filter, words.concat())
    };
    stage.allow("");
    for user in User::BOTH {
        assert!(tells(&run(&mut filtered(user)).succeeds()), "a blind test");
    }
    stage.without_rules();
    stage.allow("--args='read ...'");
    for user in User::BOTH {
        let before = stage.denials().len();
        stage.assert_told_nothing(&run(&mut filtered(user)), before, &["filtered"]);
    }
    stage.assert_reader_works();
}

/// The loader takes nothing from the environment of a program that gives its user a group; and who
/// gave up gaining any (as filters demand) does not get the group.
#[test]
fn a_program_with_a_group_of_its_own_is_bound_by_it() {
    const GROUP: u32 = 4711;
    let stage = Stage::new();
    let reader = stage.reader();
    chown(&reader, Some(0), Some(GROUP)).unwrap();
    set_mode(&reader, 0o2711);
    let spy = stage.spy("home/spy.so", Nobody, &[]);
    own(&spy, Nobody);
    stage.allow(&format!("--group={GROUP}"));
    let words = || steps(&["read"], &stage.secret());
    assert!(tells(&run(&mut Nobody.starts(&reader, words())).succeeds()));

    let mut preloaded = Nobody.starts(&reader, words());
    let ended = run(preloaded.env("LD_PRELOAD", &spy)).succeeds();
    assert_eq!(ended.stdout.trim(), SECRET, "somebody else spoke too: {ended}");
    let mut without = Command::new(program("setpriv"));
    without.args(["--no-new-privs", "--reuid=65534", "--regid=65534", "--clear-groups"]);
    without.arg(&reader).args(words()).env_clear().current_dir("/");
    let before = stage.denials().len();
    stage.assert_told_nothing(
        &run(without.env("LD_PRELOAD", &spy)),
        before,
        &["runs as group", "code of"],
    );
}
