//! `ezncrypt audit` as people use it, and the system's log.

use super::support::Instance;
use super::support::process::{Running, until};
use super::{deny, log_of, with_file};
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

#[test]
fn the_log_is_read_without_a_secret_or_a_service() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    deny(&file);
    let path = file.to_str().unwrap();
    for running in [true, false] {
        if !running {
            instance.stop();
        }
        let mut command = instance.command("ezncrypt", ["audit"]);
        command.env_remove("EZNCRYPT_PASSPHRASE_FILE").env_remove("EZNCRYPT_SALT_FILE");
        let all = super::run(&mut command).succeeds();
        assert!(all.stdout.lines().any(|line| line.contains("  denied ") && line.contains(path)));
        assert!(all.stdout.contains("  rule_added "), "{all}");
        let denied = instance.run(["audit", "--denied"]).succeeds();
        assert!(denied.stdout.lines().all(|line| line.contains("  denied ")), "{denied}");
        assert_eq!(denied.stdout.lines().count(), 1);
    }
    let raw = instance.run(["audit", "--json"]).succeeds();
    assert_eq!(raw.stdout, fs::read_to_string(log_of(instance)).unwrap());
    assert_eq!(instance.run(["audit", "--since", "2999-01-01"]).succeeds().stdout, "");
    let since = instance.run(["audit", "--since", "1h", "--json"]).succeeds();
    assert_eq!(since.stdout, raw.stdout);
    instance.run(["audit", "--since", "yesterday"]).exits(2).says("a time is 10m");
    instance.run(["audit", "--verify", "--follow"]).exits(2);
}

#[test]
fn an_instance_without_a_log_has_nothing_to_show() {
    let instance = Instance::initialised();
    fs::remove_dir_all(instance.state().join("log")).unwrap();
    assert_eq!(instance.run(["audit"]).succeeds().stdout, "");
    let verified = instance.run(["audit", "--verify"]).succeeds();
    assert!(verified.stdout.contains("the log is empty"), "{verified}");
}

#[test]
fn control_characters_in_names_are_shown_escaped() {
    let (fixture, _) = with_file();
    let name = fixture.at("a\u{1b}[2J\nforged");
    fs::write(&name, "x").unwrap();
    deny(&name);
    let shown = fixture.instance.run(["audit", "--denied"]).succeeds();
    assert!(shown.stdout.contains("a\\u{1b}[2J\\nforged"), "{shown}");
    assert_eq!(shown.stdout.lines().count(), 1);
}

#[test]
fn a_log_that_is_followed_shows_what_comes() {
    let (fixture, file) = with_file();
    let instance = &fixture.instance;
    let mut follow = Running::spawn(&mut instance.command("ezncrypt", ["audit", "--follow"]));
    let shows = |follow: &mut Running, text: &str| {
        until(text, Duration::from_secs(20), || follow.so_far().stdout.contains(text));
    };
    shows(&mut follow, "rule_added");
    assert!(!follow.so_far().stdout.contains("  denied "));
    deny(&file);
    shows(&mut follow, "  denied ");
    instance.stop();
    shows(&mut follow, "reason=\"ezncrypt stop\"");
    instance.start();
    until("the second start", Duration::from_secs(20), || {
        follow.so_far().stdout.matches("  start ").count() == 2
    });
    assert!(follow.ended().is_none(), "it ended by itself");
}

/// The system's log of an instance, as a daemon receives it.
fn daemon(instance: &Instance) -> UnixDatagram {
    let run = instance.state().join("run");
    fs::create_dir_all(&run).unwrap();
    let path = run.join("syslog");
    let _ = fs::remove_file(&path);
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket
}

fn receives(socket: &UnixDatagram, event: &str) -> String {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = socket.recv(&mut buffer).expect(event);
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        if text.contains(&format!("\"event\":\"{event}\"")) {
            return text;
        }
    }
}

#[test]
fn each_line_goes_to_the_systems_log_too() {
    let instance = Instance::initialised();
    let first = daemon(&instance);
    instance.start();
    let start = receives(&first, "start");
    let begin = format!("<85>ezncrypt[{}]: @cee: {{\"seq\":", instance.pid());
    assert!(start.starts_with(&begin), "{start}");
    let json = start.split_once("@cee: ").unwrap().1;
    assert!(fs::read_to_string(log_of(&instance)).unwrap().contains(json));
    let file = instance.work().join("file");
    fs::write(&file, "text").unwrap();
    instance.encrypt("@c", &file);
    deny(&file);
    assert!(receives(&first, "denied").starts_with("<84>"));
    // The daemon goes away, and another one comes.
    drop(first);
    deny(&file);
    let second = daemon(&instance);
    deny(&file);
    receives(&second, "denied");
    instance.stop();
    assert!(receives(&second, "stop").starts_with("<85>"));
}
