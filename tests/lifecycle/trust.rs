//! Whom the service answers, and what it keeps to itself.

use super::support::Instance;
use super::support::fixture::Fixture;
use super::support::instance::BINARY;
use super::support::machine::program;
use super::support::process::run;
use super::support::raw::in_child;
use super::with_file;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

const NOBODY: u32 = 65534;

#[test]
fn anyone_may_ask_for_the_status_and_only_root_for_more() {
    let (fixture, file) = with_file();
    fs::read(&file).unwrap();
    run(Command::new(program("cat")).arg(&file)).denied();
    for uid in [0, NOBODY] {
        let mut status = as_user(&fixture.instance, uid, &["status", "--json"]);
        let told = run(&mut status).succeeds().json();
        assert_eq!(told["running"], true);
        assert_eq!(told["pid"], fixture.instance.pid());
        assert_eq!(told["mode"], "enforcing");
        assert_eq!(told["mount"], fixture.instance.mount().to_str().unwrap());
        assert_eq!((&told["locations"], &told["rules"]), (&1.into(), &1.into()));
        assert!(told["counters"]["denied"].as_u64().unwrap() >= 1, "{told}");
        assert!(told["counters"]["bytes_read"].as_u64().unwrap() >= 9, "{told}");
        assert_eq!(told["counters"]["integrity_errors"], 0);
        run(&mut as_user(&fixture.instance, uid, &["status"])).succeeds();
    }
    let pid = fixture.instance.pid();
    for args in [&["stop"][..], &["list"], &["-e", "@x", "/srv"], &["-d", "/srv"], &["start"]] {
        run(&mut as_user(&fixture.instance, NOBODY, args)).exits(4);
    }
    assert_eq!(fixture.instance.pid(), pid);
}

/// The binary as another user would call it: not through the test's private directory.
fn as_user(instance: &Instance, uid: u32, args: &[&str]) -> Command {
    // A build directory below a private home cannot be entered by others: run a copy.
    let copy = instance.work().join("ezncrypt");
    if !copy.exists() {
        run(Command::new(program("cp")).args([BINARY.as_ref(), copy.as_os_str()])).succeeds();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(copy);
    command.arg("--state-dir").arg(instance.state()).args(args).current_dir("/");
    command.uid(uid).gid(uid);
    command
}

#[test]
fn the_control_socket_refuses_who_is_not_root() {
    let fixture = Fixture::new();
    let path = fixture.instance.state().join("run/control.sock");
    assert_eq!(ask_status(&path, 0), ANSWERED, "root is not answered: a blind test");
    assert_eq!(ask_status(&path, NOBODY), REFUSED);
}

const ANSWERED: u8 = 0;
const REFUSED: u8 = 1;
const BROKEN: u8 = 2;

/// Whether the control socket answers a status request of this user with a result.
fn ask_status(path: &Path, id: u32) -> u8 {
    let address = SocketAddrUnix::new(path).unwrap();
    let request = br#""Status""#;
    let mut frame = u32::try_from(request.len()).unwrap().to_le_bytes().to_vec();
    frame.extend_from_slice(request);
    let mut answer = [0; 4096];
    in_child(|| {
        let (uid, gid) = (nix::unistd::Uid::from_raw(id), nix::unistd::Gid::from_raw(id));
        let changed = nix::unistd::setgroups(&[]).is_ok()
            && nix::unistd::setresgid(gid, gid, gid).is_ok()
            && nix::unistd::setresuid(uid, uid, uid).is_ok();
        if !changed {
            return BROKEN;
        }
        let Ok(client) = socket(AddressFamily::UNIX, SocketType::STREAM, None) else {
            return BROKEN;
        };
        if connect(&client, &address).is_err() {
            return REFUSED;
        }
        if rustix::io::write(&client, &frame).is_err() {
            return REFUSED;
        }
        let limit = Timespec { tv_sec: 10, tv_nsec: 0 };
        let mut ready = [PollFd::new(&client, PollFlags::IN)];
        if !matches!(poll(&mut ready, Some(&limit)), Ok(1)) {
            return BROKEN;
        }
        match rustix::io::read(&client, &mut answer) {
            Ok(length) if contains(&answer[..length], b"\"Done\"") => ANSWERED,
            _ => REFUSED,
        }
    })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_service_leaves_no_core_dump_and_locks_its_memory() {
    let instance = Instance::started();
    let of_process =
        |name: &str| fs::read_to_string(format!("/proc/{}/{name}", instance.pid())).unwrap();
    let limits = of_process("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let numbers: Vec<_> = core.split_whitespace().filter(|word| *word == "0").collect();
    assert_eq!(numbers.len(), 2, "{core}");
    let status = of_process("status");
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
    let kilobytes: u64 = locked.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes > 0, "no memory is locked");
}

#[test]
fn secrets_are_in_no_command_line_environment_or_log() {
    let (fixture, _) = with_file();
    let pid = fixture.instance.pid();
    for name in ["cmdline", "environ"] {
        let text = fs::read(format!("/proc/{pid}/{name}")).unwrap();
        assert!(!contains(&text, b"correct horse") && !contains(&text, b"battery staple"));
    }
    let mut grep = Command::new(program("grep"));
    grep.args(["-r", "-a", "-l", "-e", "correct horse", "-e", "battery staple"]);
    run(grep.arg("--exclude-dir=ezncrypted").arg(fixture.instance.state())).exits(1);
}
