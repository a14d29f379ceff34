use crate::machine::{SECRET, comes_up, configure, start, unattended, with_slot};
use crate::support::process::{run, send};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

#[test]
fn files_programs_and_credentials_start_the_service_with_nobody_there() {
    let instance = with_slot(SECRET);
    comes_up(&instance);
    let file = instance.secret_file("piped", &format!("{SECRET}\n"));
    configure(&instance, &format!("command = ['/bin/cat']\nstdin = '{}'", file.display()));
    comes_up(&instance);
    configure(&instance, &format!("command = ['/bin/echo', '{SECRET}']"));
    comes_up(&instance);
    configure(&instance, "credential = 'piped'");
    start(&instance).exits(9).says("CREDENTIALS_DIRECTORY");
    let mut command = unattended(&instance, &["start"]);
    run(command.env("CREDENTIALS_DIRECTORY", file.parent().unwrap())).succeeds();
    instance.stop();
}

#[test]
fn the_unattended_secret_starts_the_service_and_gives_no_other_right() {
    let instance = with_slot(SECRET);
    start(&instance).succeeds();
    let file = instance.work().join("file");
    fs::write(&file, "plain").unwrap();
    instance.encrypt("@c", &file);
    // With no secret at hand, no terminal and only the configuration, nothing but the start is possible.
    run(&mut unattended(&instance, &["-d", file.to_str().unwrap()])).exits(2);
    run(&mut unattended(&instance, &["key", "remove", "1"])).exits(2);
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
}

#[test]
fn a_secret_or_configuration_that_others_can_touch_is_refused() {
    let instance = with_slot(SECRET);
    let secret = instance.secret_file("unattended", SECRET);
    fs::set_permissions(&secret, Permissions::from_mode(0o640)).unwrap();
    start(&instance).exits(4).says("open to others").says("hint:");
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let configuration = instance.state().join("ezncrypt.toml");
    for mode in [0o664, 0o646] {
        fs::set_permissions(&configuration, Permissions::from_mode(mode)).unwrap();
        start(&instance).exits(4).says("ezncrypt.toml");
    }
    fs::set_permissions(&configuration, Permissions::from_mode(0o644)).unwrap();
    comes_up(&instance);
    for section in ["fil = '/x'", "file = 'x'", "file = '/x'\ncredential = 'y'", ""] {
        configure(&instance, section);
        start(&instance).exits(2).says("ezncrypt.toml");
    }
}

#[test]
fn a_wrong_and_a_short_secret_start_nothing() {
    let instance = with_slot(SECRET);
    instance.secret_file("unattended", "another secret, as long");
    start(&instance).exits(3).says("opens no keyslot").says("key add unattended");
    instance.secret_file("unattended", "short");
    start(&instance).exits(2).says("has 5 bytes");
    assert!(!instance.state().join("run/ezncrypt.pid").exists());
}

#[test]
fn a_program_that_fails_or_hangs_is_repeated_for_a_limited_time() {
    let instance = with_slot(SECRET);
    configure(&instance, "command = ['/bin/false']\nretry_for_seconds = 2");
    start(&instance).exits(9).says("/bin/false failed").says("trying again in 1 s").says("--ask");
    let hangs = "command = ['/bin/sleep', '3600']\ntimeout_seconds = 1\nretry_for_seconds = 0";
    configure(&instance, hangs);
    start(&instance).exits(9).says("did not end within 1 s");
    let fifo = instance.work().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
    configure(&instance, &format!("command = ['/bin/cat']\nstdin = '{}'", fifo.display()));
    start(&instance).exits(9).says("not a regular file");
    let mark = instance.work().join("mark");
    let script = format!("test -e {0} && echo {SECRET} || {{ touch {0}; false; }}", mark.display());
    configure(&instance, &format!("command = ['/bin/sh', '-c', '{script}']"));
    comes_up(&instance);
}

/// Kills the process whose pid is in a file, when dropped.
struct Holder(std::path::PathBuf);

impl Drop for Holder {
    fn drop(&mut self) {
        if let Some(pid) = fs::read_to_string(&self.0).ok().and_then(|pid| pid.trim().parse().ok())
        {
            send(pid, rustix::process::Signal::KILL);
        }
    }
}

#[test]
fn a_program_that_does_not_die_when_it_is_killed_holds_nothing_up() {
    let instance = with_slot(SECRET);
    let holder = Holder(instance.work().join("holder"));
    let hold = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/unattended/hold.py");
    let python = crate::support::machine::program("python3");
    let script = format!(
        "setsid {} {} $$ {} </dev/null >/dev/null 2>&1 & sleep 600",
        python.display(),
        hold.display(),
        holder.0.display()
    );
    let limits = "timeout_seconds = 10\nretry_for_seconds = 0";
    configure(&instance, &format!("command = ['/bin/sh', '-c', '{script}']\n{limits}"));
    start(&instance).exits(9).says("did not end within 10 s");
    // It was held: else nothing was shown.
    let pid: u32 = fs::read_to_string(&holder.0).unwrap().parse().unwrap();
    let status = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(status.contains("hold.py"), "{status}");
}

#[test]
fn an_attempt_leaves_no_thread_behind_when_the_service_goes_to_the_background() {
    let instance = with_slot(SECRET);
    let (first, threads) = (instance.work().join("first"), instance.work().join("threads"));
    let escaped = Holder(instance.work().join("escaped"));
    // The first time, somebody else keeps the output open; the second time, the asking process is looked at.
    let script = format!(
        "test -e {first} && {{ ls /proc/$PPID/task > {threads}; echo {SECRET}; exit; }}; touch {first}; \
         setsid sleep 300 & echo $! > {escaped}; sleep 600",
        first = first.display(),
        threads = threads.display(),
        escaped = escaped.0.display()
    );
    let limits = "timeout_seconds = 5\nretry_for_seconds = 60";
    configure(&instance, &format!("command = ['/bin/sh', '-c', '{script}']\n{limits}"));
    start(&instance).succeeds();
    instance.stop();
    let threads = fs::read_to_string(threads).unwrap();
    assert_eq!(threads.lines().count(), 1, "{threads}");
}
