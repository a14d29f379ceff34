use crate::machine::{SECRET, comes_up, configure, start, unattended, with_slot};
use crate::support::process::run;
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
