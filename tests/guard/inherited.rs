//! What a process hands on to the server: with the guard between them it must be the same.

use crate::support::guarded::{Bare, Guarded};
use crate::support::machine::program;
use crate::support::process::{self, Running};
use crate::support::server::{Place, answers_at, sql};
use crate::support::template::PASSWORD;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What a server's process has that it did not make itself.
#[derive(Debug, PartialEq, Eq)]
struct Inherited {
    limits: String,
    umask: String,
    nice: String,
    cgroup: String,
    out_of_memory: String,
    ignored_signals: String,
    blocked_signals: String,
    inherited_file: PathBuf,
    directory: PathBuf,
    session: String,
}

fn inherited(pid: u32) -> Inherited {
    let of = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap();
    let status = of("status");
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    };
    let stat = of("stat");
    let numbers: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    Inherited {
        limits: of("limits"),
        umask: field("Umask:"),
        nice: numbers[16].to_owned(),
        cgroup: of("cgroup"),
        out_of_memory: of("oom_score_adj"),
        ignored_signals: field("SigIgn:"),
        blocked_signals: field("SigBlk:"),
        inherited_file: fs::read_link(format!("/proc/{pid}/fd/7")).unwrap(),
        directory: fs::read_link(format!("/proc/{pid}/cwd")).unwrap(),
        session: numbers[3].to_owned(),
    }
}

/// Looked at until it stays as it is: while the server starts a thread, the C library blocks every
/// signal.
fn settled(pid: u32) -> Inherited {
    let (mut seen, mut same) = (inherited(pid), 0);
    process::until("what the server inherited stays as it is", Duration::from_secs(30), || {
        let now = inherited(pid);
        same = if now == seen { same + 1 } else { 0 };
        seen = now;
        same == 3
    });
    seen
}

/// A shell that sets all of it and then becomes the server.
fn peculiar(place: &Place) -> Command {
    let script = "ulimit -c 1234; ulimit -s 7777; ulimit -l 333; ulimit -n 4321; umask 027
        echo 55 >/proc/self/oom_score_adj
        trap '' USR2
        exec nice -n 5 \"$0\" \"$@\" 7</etc/passwd";
    let mut shell = Command::new("/bin/bash");
    shell.args(["-c", script]).arg(&place.program).arg("--no-defaults").args(place.arguments());
    // The server goes to its data directory; that is a path of its own in each place.
    shell.current_dir("/");
    shell
}

#[test]
fn limits_priority_mask_signals_and_descriptors_are_those_of_the_bare_server() {
    let (bare, guarded) = (Bare::new(), Guarded::new());
    let of_bare = {
        let server = bare.place.attempt(&mut peculiar(&bare.place)).up();
        settled(server.pid())
    };
    assert_eq!((of_bare.nice.as_str(), of_bare.out_of_memory.trim()), ("5", "55"), "a blind test");
    let server = guarded.place.attempt(&mut peculiar(&guarded.place)).up();
    let of_guarded = settled(server.pid());
    let data = fs::canonicalize(&guarded.place.data).unwrap();
    assert_eq!(of_guarded.directory, data);
    let directory = of_bare.directory.clone();
    assert_eq!(Inherited { directory, ..of_guarded }, of_bare);
    let open: Vec<PathBuf> = fs::read_dir(format!("/proc/{}/fd", server.pid()))
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .collect();
    let stray = open.iter().find(|path| path.starts_with(guarded.instance.state().join("run")));
    assert_eq!(stray, None, "the guard left a descriptor open");
}

fn environment(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap();
    bytes
        .split(|&byte| byte == 0)
        .map(|entry| String::from_utf8_lossy(entry).into_owned())
        .collect()
}

#[test]
fn of_the_environment_only_what_is_harmless_reaches_the_server() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let mut command = place.command(["--no-defaults"], [""; 0]);
    let passed = [("TZ", "Europe/Vienna"), ("LANG", "C.UTF-8"), ("INVOCATION_ID", "0123")];
    let dropped = [
        ("LD_PRELOAD", "/nowhere.so"),
        ("LD_AUDIT", "/nowhere.so"),
        ("LD_LIBRARY_PATH", "/nowhere"),
        ("MYSQL_HOME", "/nowhere"),
        ("MARIADB_HOME", "/nowhere"),
        ("MYSQL_GROUP_SUFFIX", "x"),
        ("MARIADB_GROUP_SUFFIX", "x"),
        ("GCONV_PATH", "/nowhere"),
        ("MALLOC_PERTURB_", "7"),
        ("GLIBC_TUNABLES", "glibc.malloc.check=3"),
        ("OPENSSL_CONF", "/nowhere"),
        ("OPENSSL_MODULES", "/nowhere"),
        ("LOCPATH", "/nowhere"),
        ("EZNCRYPT_STATE_DIR", "/nowhere"),
        ("EZNCRYPT_PASSPHRASE_FILE", "/nowhere"),
        ("SOMETHING_ELSE", "1"),
    ];
    let server = place.attempt(command.envs(passed).envs(dropped)).up();
    let environment = environment(server.pid());
    for (name, value) in passed {
        assert!(environment.contains(&format!("{name}={value}")), "{name}: {environment:?}");
    }
    for (name, _) in dropped {
        let start = format!("{name}=");
        let left = environment.iter().find(|entry| entry.starts_with(&start));
        assert_eq!(left, None, "{name} reached the server");
    }
}

#[test]
fn the_service_manager_is_told_when_the_server_is_ready() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let path = place.open_directory("notify").join("socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    run_chmod(&path);
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut command = place.command(["--no-defaults"], [""; 0]);
    let server = place.attempt(command.env("NOTIFY_SOCKET", &path)).up();
    let mut told = String::new();
    let mut buffer = [0; 4096];
    while !told.contains("READY=1") {
        let length = socket.recv(&mut buffer).expect("READY=1 does not come");
        told += &String::from_utf8_lossy(&buffer[..length]);
    }
    server.assert_closed("with a service manager");
}

fn run_chmod(path: &Path) {
    process::run(Command::new(program("chmod")).arg("666").arg(path)).succeeds();
}

#[test]
fn a_socket_that_was_opened_for_the_server_is_handed_on() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let path = place.open_directory("activation").join("socket");
    let script = "import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777); listener.listen(5)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])";
    let mut python = Command::new(program("python3"));
    python.args(["-c", script]).arg(&path).arg(&place.program);
    python.arg("--no-defaults").args(place.arguments()).current_dir("/").stdin(Stdio::null());
    let mut running = Running::spawn(&mut python);
    process::until(
        "the server answers on the socket it was given",
        Duration::from_secs(60),
        || {
            assert!(running.ended().is_none(), "{}\n{}", running.so_far(), place.log());
            answers_at(&path)
        },
    );
    let told = sql(&path, "root", PASSWORD, "SELECT 1").succeeds();
    assert_eq!(told.stdout.trim(), "1");
}

#[test]
fn the_exit_code_is_the_servers_own() {
    let (bare, guarded) = (Bare::new(), Guarded::new());
    for more in [
        &["--no-such-option=1"][..],
        &["--innodb-page-size=12345"],
        &["--max-connections"],
        &["--default-storage-engine=NoSuchEngine"],
        &["--version"],
    ] {
        let end =
            |place: &Place| place.attempt(&mut place.command(["--no-defaults"], more)).ended();
        let (of_bare, of_guarded) = (end(&bare.place), end(&guarded.place));
        assert_eq!(of_guarded.code, of_bare.code, "{more:?}: {of_guarded}\nbare: {of_bare}");
    }
    let server = guarded.place.start();
    assert_eq!(server.stop().code, Some(0), "SIGTERM ends it in order");
    let server = guarded.place.start();
    process::send(server.pid(), rustix::process::Signal::ABORT);
    let (of_guarded, server) = (server.wait(), bare.place.start());
    process::send(server.pid(), rustix::process::Signal::ABORT);
    let of_bare = server.wait();
    assert_eq!((of_guarded.code, of_guarded.signal), (of_bare.code, of_bare.signal));
}

#[test]
fn the_server_has_the_name_that_the_guard_was_called_by() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let directory = place.program.parent().unwrap();
    for (name, called) in [
        ("mysqld", "./mysqld".into()),
        ("mariadbd", directory.join("mariadbd").into_os_string()),
        ("mysqld", OsString::from("mysqld")),
    ] {
        let mut command = Command::new(directory.join(name));
        command.arg0(&called).arg("--no-defaults").args(place.arguments()).current_dir(directory);
        let server = place.attempt(&mut command).up();
        let words = fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap();
        let first = words.split(|&byte| byte == 0).next().unwrap();
        assert_eq!(OsStr::from_bytes(first), called);
        let program = fs::read_link(format!("/proc/{}/exe", server.pid())).unwrap();
        assert_eq!(program, guarded.encrypted());
    }
}

#[test]
fn an_argument_that_is_no_text_reaches_the_server_as_it_is() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let mut name = place.open_directory("odd").into_os_string().into_vec();
    name.extend(b"/s\xff\xfe");
    let socket = PathBuf::from(OsString::from_vec(name));
    let mut option = OsString::from("--socket=");
    option.push(&socket);
    let mut command = place.command(["--no-defaults"], [option]);
    let mut running = Running::spawn(command.stdin(Stdio::null()));
    process::until("the server answers on an odd path", Duration::from_secs(60), || {
        assert!(running.ended().is_none(), "{}\n{}", running.so_far(), place.log());
        answers_at(&socket)
    });
}
