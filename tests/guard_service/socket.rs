//! What the guard socket tells, and whom.

use super::stage::{Stage, secret, this_test};
use super::support::machine::program;
use super::support::process::{Killed, run, until};
use ezncrypt::service::frame;
use ezncrypt::service::guards::wire::{Answer, Ask, Report, Statement};
use ezncrypt::service::protocol::{FailureKind, Request};
use ezncrypt::sys::declare::declare;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[test]
fn a_guard_is_told_what_it_guards_by_any_of_its_names() {
    let stage = Stage::new();
    let briefing = stage.briefing();
    assert_eq!(briefing.guard, this_test());
    assert_eq!(briefing.server, stage.below("protected", &stage.server()));
    assert_eq!(briefing.original, stage.server());
    assert_eq!(briefing.data, [stage.below("data", stage.data().parent().unwrap())]);
    assert_eq!(stage.briefing_text(), stage.briefing_text());
    let Answer::Failed(failure) = stage.ask(&Ask::Brief { name: "other".into() }) else {
        panic!("told by a wrong name");
    };
    assert_eq!(failure.kind, FailureKind::Denied);
    assert!(failure.message.contains("no guard is registered for the name \"other\""), "{failure}");
}

#[test]
fn a_guard_without_data_is_told_what_to_add() {
    let stage = Stage::new();
    let listed = stage.instance.access(["-l", "--json"]).succeeds().json();
    let number = listed.as_array().unwrap().iter().find(|rule| rule["category"] == "@data");
    stage.instance.access(["-d", &number.unwrap()["number"].to_string()]).succeeds();
    let Answer::Failed(failure) = stage.ask(&Ask::Brief { name: "server".into() }) else {
        panic!("told though there is no data");
    };
    assert!(failure.message.contains("no rule lets this server open any data"), "{failure}");
    assert!(failure.hint.unwrap().contains("ezncrypt-access-control -a"));
}

#[test]
fn reports_are_written_to_the_log() {
    let stage = Stage::new();
    let report = |refusal: &str| {
        Box::new(Report {
            arguments: vec!["mysqld".into(), "--init-file=x".into()],
            removed: vec!["--skip-gr".into()],
            refusals: vec![refusal.into()],
            ..Report::default()
        })
    };
    assert!(matches!(stage.ask(&Ask::Starting(report(""))), Answer::Noted));
    assert!(matches!(stage.ask(&Ask::Refused(report("no init_file"))), Answer::Noted));
    let started = &stage.logged("guard_start")[0];
    assert_eq!(started["arguments"][1], "--init-file=x");
    assert_eq!((&started["removed"][0], &started["uid"]), (&"--skip-gr".into(), &0.into()));
    assert_eq!(started["program"], this_test().to_str().unwrap());
    assert_eq!(stage.logged("guard_refused")[0]["refusals"][0], "no init_file");
}

/// Says `{"Brief":{"name":..}}` and prints the answer.
const CLIENT: &str = r#"
import socket, struct, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
t = b'{"Brief":{"name":{"Unix":[97]}}}'
s.sendall(struct.pack('<I', len(t)) + t)
n = struct.unpack('<I', s.recv(4))[0]
print(s.recv(n).decode())
"#;

#[test]
fn who_is_no_guard_is_told_nothing() {
    let stage = Stage::new();
    let socket = stage.instance.state().join("run/guard.sock");
    let mut client = Command::new(program("python3"));
    let told = run(client.args(["-c", CLIENT]).arg(&socket)).succeeds();
    assert_eq!(told.stdout.trim(), "\"NotMine\"");
    assert!(stage.logged("guard_refused").is_empty(), "not worth a line");
}

#[test]
fn a_permit_is_told_and_used_up_by_one_run() {
    let stage = Stage::new();
    let permit = |guard: &Path, seconds| {
        let settings = vec!["allow bootstrap".into()];
        stage.call(Request::GuardPermit {
            guard: guard.into(),
            settings,
            seconds,
            secret: secret(),
        })
    };
    assert!(stage.briefing().permit.is_none());
    for (guard, seconds) in [(this_test(), 0), (this_test(), 86_401), ("/bin/cat".into(), 60)] {
        assert_eq!(permit(&guard, seconds).unwrap_err().kind, FailureKind::Usage);
    }
    permit(&this_test(), 600).unwrap();
    assert_eq!(stage.logged("guard_permit")[0]["seconds"], 600);
    let first = stage.briefing().permit.unwrap();
    permit(&this_test(), 600).unwrap();
    let text = stage.briefing_text();
    assert_ne!(stage.briefing().permit.unwrap().id, first.id);
    stage.declare(&text, [0; 32]).expect("asking the server does not use the permit up");
    stage.declare(&text, [1; 32]).unwrap();
    assert!(stage.briefing().permit.is_none());
    assert!(stage.declare(&text, [1; 32]).is_err());
    permit(&this_test(), 600).unwrap();
    stage.instance.stop();
    stage.instance.start();
    assert!(stage.briefing().permit.is_none(), "a restart ends a permit");
}

/// Greets once on the socket, then waits for SIGHUP and writes that it came.
const SERVER: &str = r#"
import signal, socket, sys
def hup(*_):
    open(sys.argv[2], 'w').write('reloaded'); sys.exit()
signal.signal(signal.SIGHUP, hup)
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
while True:
    s.accept()[0].sendall(b'welcome')
"#;

#[test]
fn a_server_that_answers_is_told_to_load_its_privileges() {
    let python = fs::canonicalize(program("python3")).unwrap();
    let stage = Stage::with(&python, Stage::registering(|record| record.reload_privileges = true));
    let (socket, told) = (stage.instance.work().join("sock"), stage.instance.work().join("told"));
    let args = [OsStr::new("-c"), OsStr::new(SERVER), socket.as_os_str(), told.as_os_str()];
    stage.declare_run(&args);
    let mut guard = Command::new(this_test());
    guard.args(["--exact", "socket::becomes_the_server"]).env(STATE, stage.instance.state());
    guard.env("SERVER", stage.server()).env("SOCKET", &socket).env("TOLD", &told);
    let _server = Killed(guard.env("PYTHONHOME", "/usr").spawn().unwrap());
    let read = || fs::read_to_string(&told).unwrap_or_default();
    until("the privileges are loaded", Duration::from_secs(30), || read() == "reloaded");
    until("that is logged", Duration::from_secs(30), || {
        !stage.logged("privileges_reloaded").is_empty()
    });
}

/// Set for [`becomes_the_server`], which then is a guard in a process of its own.
const STATE: &str = "EZNCRYPT_TEST_RELOAD_STATE";

/// Reports and executes the server as a guard does.
#[test]
fn becomes_the_server() {
    let Some(state) = std::env::var_os(STATE) else { return };
    let [server, socket, told] =
        ["SERVER", "SOCKET", "TOLD"].map(|name| std::env::var_os(name).unwrap());
    let link = UnixStream::connect(Path::new(&state).join("run/guard.sock")).unwrap();
    let say = |ask: &Ask| {
        frame::write(&mut &link, ask).unwrap();
        frame::read::<Answer>(&mut &link).unwrap()
    };
    let Answer::Briefing(text) = say(&Ask::Brief { name: "mysqld".into() }) else { panic!() };
    let statement = Statement { briefing: Statement::of_briefing(&text), run: Statement::NO_RUN };
    declare(&fs::File::open(&server).unwrap(), &statement.encode()).unwrap();
    let report = Report { socket: Some(socket.clone()), ..Report::default() };
    assert!(matches!(say(&Ask::Starting(Box::new(report))), Answer::Noted));
    panic!("{}", Command::new(server).args(["-c", SERVER]).args([socket, told]).exec());
}
