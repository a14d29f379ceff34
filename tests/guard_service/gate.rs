//! Who may execute the server, and which server may open data.

use super::stage::{DATA, Stage, this_test};
use super::support::instance::BINARY;
use super::support::machine::program;
use super::support::process::{Killed, finish, run, until};
use ezncrypt::service::guards::wire::Statement;
use std::ffi::OsStr;
use std::fs;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Set for [`declares`], which then is a guard in a process of its own.
const STATE: &str = "EZNCRYPT_TEST_GUARD_STATE";

#[test]
fn no_other_program_executes_the_server_nor_a_guard_that_did_not_declare_itself() {
    let stage = Stage::new();
    let server = stage.server();
    for mut command in
        [Command::new("/bin/sh"), Command::new(program("bash")), Command::new(program("env"))]
    {
        if !command.get_program().to_string_lossy().ends_with("env") {
            command.args(["-c", "exec \"$0\""]);
        }
        run(command.arg(&server)).denied();
    }
    stage.assert_not_executed();
    assert!(stage.was_denied_for("the guard did not say under which policy it runs the server"));
    stage.declare_run(&[]);
    run(Command::new("/bin/sh").args(["-c", "exec \"$0\""]).arg(&server)).denied();
    run(Command::new(program("env")).arg(&server)).denied();
}

#[test]
fn a_declared_run_reads_the_data_and_another_command_line_does_not() {
    let stage = Stage::new();
    let data = stage.data();
    let args = [data.as_os_str()];
    stage.declare_run(&args);
    for _ in 0..2 {
        assert_eq!(stage.start(&args).succeeds().stdout, DATA);
    }
    stage.start(&[OsStr::new("-u"), data.as_os_str()]).denied();
    // Its guard is this test, which waits for it: that it reads nothing is as it should be.
    assert!(!stage.was_denied_for("command line is not one that its guard approved"));
    assert_eq!(stage.start(&args).succeeds().stdout, DATA);
}

#[test]
fn a_guard_that_only_asks_the_server_gets_it_executed_and_no_data_read() {
    let stage = Stage::new();
    let data = stage.data();
    stage.declare(&stage.briefing_text(), Statement::NO_RUN).unwrap();
    stage.start(&[OsStr::new("--version")]).succeeds();
    stage.start(&[data.as_os_str()]).denied();
}

#[test]
fn a_statement_under_another_policy_is_refused() {
    let stage = Stage::new();
    let text = stage.briefing_text();
    let refused = stage.declare(&format!("{text} "), [1; 32]).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EACCES));
    assert!(stage.was_denied_for("the guard's policy is not the one that is in force"));
    stage.assert_not_executed();
    stage.declare(&text, [1; 32]).unwrap();
    let more = stage.instance.work().join("more");
    fs::write(&more, "more").unwrap();
    stage.instance.encrypt("@data", &more);
    assert!(stage.declare(&text, [1; 32]).is_err(), "there is another location now");
}

#[test]
fn a_restarted_service_remembers_no_run() {
    let stage = Stage::new();
    let data = stage.data();
    stage.declare_run(&[data.as_os_str()]);
    stage.start(&[data.as_os_str()]).succeeds();
    stage.instance.stop();
    stage.instance.start();
    stage.assert_not_executed();
    stage.declare(&stage.briefing_text(), Statement::NO_RUN).unwrap();
    stage.start(&[data.as_os_str()]).denied();
}

#[test]
fn who_is_no_guard_declares_nothing() {
    let stage = Stage::new();
    let text = stage.briefing_text();
    // The test may read the data's file, and is no guard of it.
    stage.allow(&format!("@data * {}", this_test().display()));
    let data = fs::File::open(stage.data()).unwrap();
    let statement = Statement { briefing: Statement::of_briefing(&text), run: [1; 32] };
    let refused = ezncrypt::sys::declare::declare(&data, &statement.encode()).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EACCES));
    assert!(stage.was_denied_for("the guard is not that of this server"));
}

#[test]
fn a_tainted_server_is_executed_by_nobody() {
    let stage = Stage::new();
    let text = stage.briefing_text();
    stage.declare(&text, Statement::NO_RUN).unwrap();
    // The test, a process of a rule for the whole category, writes to the server.
    stage.allow(&format!("@protected * {}", this_test().display()));
    fs::OpenOptions::new().append(true).open(stage.server()).unwrap().set_len(20_000).unwrap();
    assert!(stage.declare(&text, Statement::NO_RUN).is_err());
    assert!(stage.was_denied_for("the server is tainted"));
}

#[test]
fn an_unknown_ioctl_is_inappropriate_as_on_filesystems_that_know_none() {
    let stage = Stage::new();
    let server = fs::File::open(stage.server()).unwrap();
    let plain = fs::File::open("/proc/self/status").unwrap();
    let code = |file: &fs::File, command: u32| {
        let mut room = [0_u8; 256];
        // SAFETY: no command used here reads or writes more than the room behind the pointer.
        #[allow(unsafe_code)]
        let result = unsafe { libc::ioctl(file.as_raw_fd(), command.into(), room.as_mut_ptr()) };
        assert_eq!(result, -1);
        std::io::Error::last_os_error().raw_os_error()
    };
    let other_length = 0x4040_7a01 ^ (0x20 << 16);
    for command in [0x4040_7a02, 0x8040_7a01, other_length, 0x1234] {
        assert_eq!(code(&server, command), Some(libc::ENOTTY), "{command:#x}");
        assert_eq!(code(&server, command), code(&plain, command), "{command:#x}");
    }
    assert_eq!(code(&plain, ezncrypt::sys::declare::COMMAND), Some(libc::ENOTTY));
    let attributes = run(Command::new(program("lsattr")).arg(stage.data()));
    assert_ne!(attributes.code, Some(0));
}

/// A guard in a process of its own: declares itself and tells by its exit code whether it was believed.
#[test]
fn declares() {
    let Some(state) = std::env::var_os(STATE) else { return };
    let [server, text] = ["server", "briefing"]
        .map(|name| fs::read_to_string(Path::new(&state).join(name)).unwrap());
    let go = Path::new(&state).join("go");
    until("this process may go on", Duration::from_secs(60), || go.exists());
    let statement = Statement { briefing: Statement::of_briefing(&text), run: [1; 32] };
    let declare = |file| ezncrypt::sys::declare::declare(&file, &statement.encode());
    let believed = fs::File::open(server).and_then(declare).is_ok();
    std::process::exit(if believed { 40 } else { 41 });
}

#[test]
fn a_guard_with_a_tracer_or_with_mounts_in_our_tree_is_not_believed() {
    let stage = Stage::new();
    let told = stage.instance.work().join("told");
    fs::create_dir(&told).unwrap();
    fs::write(told.join("server"), stage.server().to_str().unwrap()).unwrap();
    fs::write(told.join("briefing"), stage.briefing_text()).unwrap();
    let mount = stage.instance.mount();
    fs::write(told.join("go"), "").unwrap();
    let code = |script: &str| {
        let mut command = Command::new(program("unshare"));
        let script = format!("set -e; {script}; exec \"$1\" --exact gate::declares");
        command.args(["--mount", "--propagation", "private", "/bin/sh", "-c", &script, "sh"]);
        command.arg(this_test()).env(STATE, &told).env("MNT", &mount).env("TOLD", &told);
        run(&mut command).code
    };
    assert_eq!(code("true"), Some(40), "a mount namespace alone is no reason: a blind test");
    assert_eq!(code("mount -t tmpfs none /mnt"), Some(40));
    assert_eq!(code("mount --bind \"$TOLD\" \"$MNT/data\""), Some(41));
    assert!(stage.was_denied_for("something is mounted on"));
    fs::remove_file(told.join("go")).unwrap();
    let mut command = Command::new(this_test());
    let child = command.args(["--exact", "gate::declares"]).env(STATE, &told).spawn().unwrap();
    let mut child = Killed(child);
    // Its first thread only; another one declares.
    trace(child.0.id());
    fs::write(told.join("go"), "").unwrap();
    let ended = finish(&mut child.0, Duration::from_secs(60)).unwrap();
    assert_eq!(ended.code(), Some(41));
    assert!(stage.was_denied_for("the process is being traced"));
}

/// Traces a process without stopping it.
fn trace(pid: u32) {
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: takes no memory of this process.
    #[allow(unsafe_code)]
    let result = unsafe {
        libc::ptrace(libc::PTRACE_SEIZE, libc::pid_t::try_from(pid).unwrap(), nothing, nothing)
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn a_copy_of_our_binary_is_a_guard_by_its_rule_and_others_are_not() {
    let stage = Stage::new();
    let copy = stage.instance.work().join("mysqld-guard");
    fs::copy(BINARY, &copy).unwrap();
    stage.allow(&format!("@protected {} {}", stage.server().display(), copy.display()));
    stage.allow(&format!("@protected {} /bin/dash", stage.server().display()));
    let rows = stage.instance.access(["-u"]).succeeds();
    assert_eq!(rows.code, Some(0));
    let ezncrypt::service::protocol::Answer::Guards(rows) =
        stage.call(ezncrypt::service::protocol::Request::Guards).unwrap()
    else {
        panic!("no guards");
    };
    let mut paths: Vec<_> = rows.iter().map(|row| row.spec.path.clone()).collect();
    paths.sort();
    let mut expected = [this_test().into_os_string(), copy.into_os_string()];
    expected.sort();
    assert_eq!(paths, expected, "-u keeps a guard one");
    assert!(rows.iter().all(|row| !row.registered && !row.guard_tainted && !row.server_tainted));
    // A rule without a guard works as ever: it executes. The data is not given out all the same.
    let data = stage.data();
    let started = |args: &[&OsStr]| {
        run(Command::new("/bin/dash")
            .args(["-c", "exec \"$0\" \"$@\""])
            .arg(stage.server())
            .args(args))
    };
    started(&[OsStr::new("--version")]).succeeds();
    started(&[data.as_os_str()]).denied();
}
