//! Secrets in memory: gone at the end of each command and of the service, in no core file, argument,
//! variable or log. Runs as root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "memory/image.rs"]
mod image;
#[allow(dead_code)]
#[path = "unattended/key_server.rs"]
mod key_server;
#[allow(dead_code)]
#[path = "unattended/machine.rs"]
mod machine;
#[path = "memory/secrets.rs"]
mod secrets;
mod support;

use image::{at_exit, of_running};
use key_server::KeyServer;
use machine::{configure, with_slot};
use rustix::process::Signal;
use secrets::Known;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use support::Instance;
use support::process::{Killed, Running, ended_within, run, send, until};

const TEXT: &str = "the text of the encrypted file";

/// A running instance with an encrypted file that this test may read.
fn with_file() -> (Instance, std::path::PathBuf) {
    let instance = Instance::started();
    let file = instance.work().join("file");
    fs::write(&file, TEXT).unwrap();
    instance.encrypt("@c", &file);
    instance.allow_this_test("@c");
    (instance, file)
}

#[test]
fn the_running_service_has_the_keys_and_the_stopped_one_has_wiped_them() {
    let (instance, file) = with_file();
    assert_eq!(fs::read_to_string(&file).unwrap(), TEXT);
    let known = Known::of(&instance, &file);
    let pid = instance.pid();
    // The same search finds what is there: it could fail.
    let found = known.found_in(&of_running(pid));
    for key in ["master key", "category key"] {
        assert!(found.contains(&key), "{key} is not found in the running service: {found:?}");
    }
    for gone in ["passphrase", "salt", "slot secret"] {
        assert!(!found.contains(&gone), "the running service still has the {gone}");
    }
    let mut stop = instance.command("ezncrypt", ["stop"]);
    let image = at_exit(pid, || drop(stop.spawn().unwrap()));
    assert_eq!(known.found_in(&image), Vec::<&str>::new());
}

#[test]
fn a_command_keeps_no_secret_until_its_end_with_and_without_a_service() {
    let (instance, file) = with_file();
    let known = Known::of(&instance, &file);
    let lines: [&[&str]; 3] = [&["key", "test"], &["key", "list"], &["-d", file.to_str().unwrap()]];
    for (running, line) in
        [(true, lines[0]), (true, lines[1]), (false, lines[1]), (false, lines[2])]
    {
        if !running {
            let _ = run(&mut instance.command("ezncrypt", ["stop"]));
        }
        let command = instance.command("ezncrypt", line);
        assert_eq!(known.found_in(&image_of(&command)), Vec::<&str>::new(), "{line:?} {running}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), TEXT);
}

#[test]
fn a_command_that_waits_for_the_service_has_forgotten_the_secret_that_it_sent() {
    let (instance, file) = with_file();
    fs::write(&file, vec![7; 4 << 20]).unwrap();
    fs::File::open(&file).unwrap().sync_all().unwrap();
    let known = Known::of(&instance, &file);
    let args = ["key", "rotate", "@c", "--data", "--rate", "1K"];
    let waiting = Running::spawn(&mut instance.command("ezncrypt", args));
    until("the rotation is at work", Duration::from_secs(60), || {
        let status = instance.run(["status", "--json"]).succeeds().json();
        status["rotation"]["running"] == true
    });
    assert_eq!(known.found_in(&of_running(waiting.pid())), Vec::<&str>::new());
    instance.stop();
}

#[test]
fn rsa_keys_passwords_and_recovery_codes_are_wiped_too() {
    let (instance, file) = with_file();
    let key = instance.work().join("key");
    let known = Known::of(&instance, &file).with_rsa_key(&key, "geheimes Passwort");
    let public = format!("{}.pub", key.display());
    instance.run(["key", "add", "rsa", &public]).succeeds();
    let password = instance.secret_file("password", "geheimes Passwort");
    let mut test = instance.command("ezncrypt", ["key", "test", "--rsa-key"]);
    test.arg(&key).arg("--rsa-password-file").arg(password);
    assert_eq!(known.found_in(&image_of(&test)), Vec::<&str>::new());

    let added = instance.run(["key", "add", "recovery"]).succeeds();
    let known = known.with_recovery_code(added.stdout.trim());
    let code = instance.secret_file("code", added.stdout.trim());
    let mut test = instance.command("ezncrypt", ["key", "test", "--recovery-code-file"]);
    test.arg(code);
    assert_eq!(known.found_in(&image_of(&test)), Vec::<&str>::new());
}

#[test]
fn a_key_server_s_client_key_is_wiped_with_the_secret_that_it_gave() {
    let instance = with_slot("a secret that is not the server's");
    let file = instance.work().join("file");
    fs::write(&file, TEXT).unwrap();
    instance.start();
    instance.encrypt("@c", &file);
    let mut server = KeyServer::prepared(&instance.work());
    server.start("1.2");
    let object = server.object("secret");
    configure(&instance, &server.section("127.0.0.1", &object, ""));
    let known = Known::of(&instance, &file).with_pem_key(&server.at("client.key"));
    let line = ["key", "add", "unattended", "--name", "kmip", "--scrypt-log-n", "14"];
    for line in [&line[..], &["key", "test", "--unattended"]] {
        let command = instance.command("ezncrypt", line);
        assert_eq!(known.found_in(&image_of(&command)), Vec::<&str>::new(), "{line:?}");
    }
    // The key server's secret does open the keystore by now: the key was used.
    instance.run(["key", "test", "--unattended"]).succeeds().prints("(kmip)");
}

#[test]
fn no_secret_is_in_arguments_environment_logs_or_errors() {
    let (instance, file) = with_file();
    let known = Known::of(&instance, &file);
    let proc = format!("/proc/{}", instance.pid());
    for name in ["cmdline", "environ", "status"] {
        let text = fs::read(format!("{proc}/{name}")).unwrap();
        assert_eq!(known.found_in(&text), Vec::<&str>::new(), "{name}");
    }
    let wrong = instance.secret_file("wrong", "another passphrase");
    let mut refused = instance.command("ezncrypt", ["key", "remove", "1", "--passphrase-file"]);
    let refused = run(refused.arg(&wrong)).exits(3);
    assert!(!refused.stderr.contains("another passphrase"));
    assert_eq!(known.found_in(refused.stderr.as_bytes()), Vec::<&str>::new());
    let log = fs::read(instance.state().join("log/audit.jsonl")).unwrap();
    assert_eq!(known.found_in(&log), Vec::<&str>::new());
}

#[test]
fn a_service_that_crashes_leaves_no_core_and_its_memory_is_locked() {
    let instance = Instance::initialised();
    let mut start = Command::new("/bin/sh");
    let line = "ulimit -c unlimited; cd \"$0\" && exec \"$@\"";
    start.args(["-c", line]).arg(instance.work());
    let inner = instance.command("ezncrypt", ["start"]);
    start.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => start.env(name, value),
            None => start.env_remove(name),
        };
    }
    run(&mut start).succeeds();
    let pid = instance.pid();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
    assert_ne!(locked.trim(), "0 kB");
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let numbers: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(numbers, ["0", "0"], "{core}");
    send(pid, Signal::ABORT);
    assert!(ended_within(pid, Duration::from_secs(30)));
    for directory in [instance.work(), "/".into(), instance.state()] {
        let core = fs::read_dir(&directory).unwrap().find(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("core")
        });
        assert!(core.is_none(), "a core file in {directory:?}");
    }
}

/// Has the kernel hand every core to a program, until the result is dropped.
struct Cores {
    directory: PathBuf,
    before: String,
}

const CORE_PATTERN: &str = "/proc/sys/kernel/core_pattern";

impl Cores {
    fn caught_in(directory: PathBuf) -> Self {
        let program = directory.join("catch");
        let text = format!("#!/bin/sh\nexec cat > {}/core.$1\n", directory.display());
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let before = fs::read_to_string(CORE_PATTERN).unwrap();
        fs::write(CORE_PATTERN, format!("|{} %P", program.display())).unwrap();
        Self { directory, before }
    }

    fn of(&self, pid: u32) -> Option<u64> {
        fs::metadata(self.directory.join(format!("core.{pid}"))).ok().map(|file| file.len())
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        let _ = fs::write(CORE_PATTERN, &self.before);
    }
}

/// A program gets cores whatever the limit of their size is: only what is not dumpable is kept from it.
#[test]
fn no_core_of_the_service_is_handed_to_a_program_either() {
    let instance = Instance::started();
    let cores = Cores::caught_in(instance.work());
    let mut other = Command::new("/bin/sh");
    let mut other = Killed(other.args(["-c", "ulimit -c 0; exec sleep 300"]).spawn().unwrap());
    let name = format!("/proc/{}/comm", other.0.id());
    until("it has become sleep", Duration::from_secs(30), || {
        fs::read(&name).unwrap() == b"sleep\n"
    });
    send(other.0.id(), Signal::ABORT);
    other.0.wait().unwrap();
    assert!(cores.of(other.0.id()) > Some(4096), "no core is handed over: a blind test");
    let pid = instance.pid();
    send(pid, Signal::ABORT);
    assert!(ended_within(pid, Duration::from_secs(30)));
    assert_eq!(cores.of(pid), None);
}

/// The memory of a command as it is when the command ends.
fn image_of(command: &Command) -> Vec<u8> {
    // Stopped before it becomes the command, so that nothing is missed.
    let mut stopped = Command::new("/bin/sh");
    stopped.args(["-c", "kill -STOP $$; exec \"$0\" \"$@\""]);
    stopped.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => stopped.env(name, value),
            None => stopped.env_remove(OsStr::new(name)),
        };
    }
    let mut child = stopped.spawn().unwrap();
    let pid = child.id();
    image::until_stopped(pid);
    let image = at_exit(pid, || send(pid, Signal::CONT));
    let _ = child.wait();
    image
}
