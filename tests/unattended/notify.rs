use crate::machine::{SECRET, configure, unattended, with_slot};
use crate::support::Instance;
use crate::support::machine::program;
use crate::support::process::{Running, send, until};
use rustix::process::Signal;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The service in the foreground, and what it tells its manager.
fn managed(instance: &Instance) -> (Running, UnixDatagram) {
    let path = instance.work().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut command = unattended(instance, &["start", "--foreground"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "600000");
    (Running::spawn(command.stdin(Stdio::null())), socket)
}

fn heard(socket: &UnixDatagram) -> Option<String> {
    let mut message = [0; 4096];
    let length = socket.recv(&mut message).ok()?;
    Some(String::from_utf8(message[..length].to_vec()).unwrap())
}

#[track_caller]
fn hear(socket: &UnixDatagram, wanted: &str) {
    until(wanted, Duration::from_secs(60), || heard(socket).is_some_and(|it| it.contains(wanted)));
}

#[test]
fn a_manager_hears_that_the_service_waits_serves_lives_and_ends() {
    let instance = with_slot(SECRET);
    let mark = instance.work().join("mark");
    let script = format!("test -e {0} && echo {SECRET} || {{ touch {0}; false; }}", mark.display());
    configure(&instance, &format!("command = ['/bin/sh', '-c', '{script}']"));
    let (mut running, socket) = managed(&instance);
    hear(&socket, "EXTEND_TIMEOUT_USEC=");
    hear(&socket, "READY=1");
    hear(&socket, "WATCHDOG=1");
    send(instance.pid(), Signal::TERM);
    hear(&socket, "STOPPING=1");
    running.finish(Duration::from_secs(60)).expect("it does not end").succeeds();
}

#[test]
fn a_manager_hears_of_the_first_attempt_before_it_is_over_and_of_the_time_it_may_take() {
    let instance = with_slot(SECRET);
    let go = instance.work().join("go");
    let script = format!("until test -e {}; do sleep 0.1; done; echo {SECRET}", go.display());
    configure(
        &instance,
        &format!("timeout_seconds = 200\ncommand = ['/bin/sh', '-c', '{script}']"),
    );
    let (mut running, socket) = managed(&instance);
    hear(&socket, "EXTEND_TIMEOUT_USEC=210000000");
    std::fs::write(&go, "").unwrap();
    hear(&socket, "EXTEND_TIMEOUT_USEC=90000000");
    hear(&socket, "READY=1");
    send(instance.pid(), Signal::TERM);
    running.finish(Duration::from_secs(60)).expect("it does not end").succeeds();
}

#[test]
fn a_service_that_hangs_gives_no_sign_of_life_though_its_watchdog_runs() {
    let instance = with_slot(SECRET);
    let (_running, socket) = managed(&instance);
    hear(&socket, "WATCHDOG=1");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/unattended/freeze.py");
    let mut freeze = Command::new(program("python3"));
    freeze.arg(script).arg(instance.pid().to_string()).arg("watchdog");
    let mut frozen = Running::spawn(freeze.stdin(Stdio::null()));
    until("the service is frozen", Duration::from_secs(30), || {
        let ended = frozen.ended();
        assert!(ended.is_none(), "{}", ended.unwrap());
        frozen.so_far().stdout.contains("frozen")
    });
    // One that was under way may still come.
    std::thread::sleep(Duration::from_secs(1));
    while heard(&socket).is_some() {}
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        assert_eq!(heard(&socket), None);
    }
    drop(frozen);
    hear(&socket, "WATCHDOG=1");
}
