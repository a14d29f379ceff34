//! A guard in surroundings that somebody else made.

use crate::support::guarded::Guarded;
use crate::support::machine::program;
use crate::support::process::{Outcome, run};
use crate::support::server::Place;
use ezncrypt::service::guards::wire::{Answer, Ask, Briefing};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The place's server, without authentication if it lets itself be told, in a shell that first runs
/// `script` in a mount namespace of its own.
fn in_own_mounts(place: &Place, script: &str) -> Command {
    let mut command = Command::new(program("unshare"));
    let script = format!("set -e\n{script}\nexec \"$0\" \"$@\"");
    command.args(["--mount", "--propagation", "private", "/bin/sh", "-c", &script]);
    command.arg(&place.program).arg("--no-defaults").args(place.arguments());
    command.arg("--skip-grant-tables").current_dir("/");
    command
}

#[track_caller]
fn assert_not_started(place: &Place, command: &mut Command) -> Outcome {
    let outcome = place.attempt(command).ended();
    assert!(matches!(outcome.code, Some(4 | 6)), "{outcome}");
    outcome.says("ezncrypt").says("hint:")
}

/// Fails the test unless the log tells that the service denied the run for this reason: gave the guard
/// no policy, or did not believe it later.
#[track_caller]
fn assert_denied_because(guarded: &Guarded, reason: &str) {
    let denied = ["denied", "guard_refused"].map(|event| guarded.logged(event)).concat();
    let told =
        denied.iter().any(|line| line["reason"].as_str().is_some_and(|why| why.contains(reason)));
    assert!(told, "{reason:?} is not in {denied:?}");
}

#[test]
fn a_mount_namespace_alone_changes_nothing() {
    let guarded = Guarded::new();
    let server = guarded.place.attempt(&mut in_own_mounts(&guarded.place, ":")).up();
    server.assert_closed("as systemd starts it");
}

#[test]
fn without_the_real_service_nothing_starts() {
    let guarded = Guarded::new();
    let (place, run) = (&guarded.place, guarded.instance.state().join("run"));
    let empty = place.directory("empty");
    let script = format!("mount --bind '{}' '{}'", empty.display(), run.display());
    assert_not_started(place, &mut in_own_mounts(place, &script));
}

#[test]
fn a_service_of_the_attackers_cannot_give_a_policy() {
    let guarded = Guarded::new();
    let (place, run) = (&guarded.place, guarded.instance.state().join("run"));
    let fake = FakeService::at(&place.directory("fake"), &loose_briefing(&guarded));
    let script = format!("mount --bind '{}' '{}'", fake.directory.display(), run.display());
    assert_not_started(place, &mut in_own_mounts(place, &script));
    assert_denied_because(&guarded, "policy is not the one that is in force");
    place.start().assert_closed("with the real service");
    assert!(fake.asked.load(Ordering::SeqCst) > 0, "the guard asked another: a blind test");
}

#[test]
fn another_server_mounted_over_the_encrypted_one_is_not_started() {
    let guarded = Guarded::new();
    let (place, encrypted) = (&guarded.place, guarded.encrypted());
    let plain = program("mariadbd");
    let script = format!("mount --bind '{}' '{}'", plain.display(), encrypted.display());
    assert_not_started(place, &mut in_own_mounts(place, &script));
}

#[test]
fn other_data_mounted_over_the_encrypted_ones_are_not_served() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let (data, empty) = (fs::canonicalize(&place.data).unwrap(), place.directory("empty"));
    let script = format!("mount --bind '{}' '{}'", empty.display(), data.display());
    assert_not_started(place, &mut in_own_mounts(place, &script));
    assert_denied_because(&guarded, "mounted");
}

/// The mount stays where it was and its line in mountinfo too, but its path leads elsewhere.
#[test]
fn a_mount_over_the_state_directory_is_refused() {
    let guarded = Guarded::new();
    let (place, state) = (&guarded.place, guarded.instance.state());
    let data = fs::canonicalize(&place.data).unwrap();
    let data = data.strip_prefix(state.join("ezncrypted")).unwrap();
    let script = format!(
        "exec 8<'{0}/ezncrypted' 9<'{0}/run'
         mount -t tmpfs -o mode=755 none '{0}'
         mkdir -p '{0}/ezncrypted/{1}'
         ln -s /proc/$$/fd/8/protected '{0}/ezncrypted/protected'
         ln -s /proc/$$/fd/9 '{0}/run'",
        state.display(),
        data.display()
    );
    assert_not_started(place, &mut in_own_mounts(place, &script));
    assert_denied_because(&guarded, "is not the encrypted tree");
}

#[test]
fn a_pid_namespace_of_its_own_is_refused() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let mut command = Command::new(program("unshare"));
    command.args(["--pid", "--fork"]).arg(&place.program);
    command.arg("--no-defaults").args(place.arguments()).current_dir("/");
    assert_not_started(place, &mut command);
    assert_denied_because(&guarded, "pid namespace");
}

/// The server writes the name that it is called by into logs, which it may be made to read.
#[test]
fn a_name_with_line_breaks_is_refused() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let mut command = Command::new(&place.program);
    command.arg0("bin.000001\n4\n127.0.0.1\nrepl\n/mysqld");
    command.arg("--no-defaults").args(place.arguments()).current_dir("/");
    assert_not_started(place, &mut command).says("control characters");
}

#[test]
fn a_changed_root_is_refused() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let root = place.directory("root");
    let root = root.display();
    let script = format!("mount --rbind / '{root}'\nexec chroot '{root}' \"$0\" \"$@\"");
    assert_not_started(place, &mut in_own_mounts(place, &script));
}

#[test]
fn a_traced_guard_starts_nothing() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let mut strace = Command::new(program("strace"));
    strace.args(["-f", "-o", "/dev/null"]).arg(&place.program);
    strace.arg("--no-defaults").args(place.arguments()).current_dir("/");
    assert_not_started(place, &mut strace);
    assert_denied_because(&guarded, "traced");
}

#[test]
fn without_a_service_nothing_starts() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    guarded.instance.stop();
    // Services of other tests are none of this guard's, but it would ask them.
    let alone = "sed -n 's/^[^/]* [^ ]* \\([^ ]*\\) .* - fuse.ezncrypt .*/\\1/p' \
        /proc/self/mountinfo | xargs --no-run-if-empty umount --lazy";
    let outcome = place.attempt(&mut in_own_mounts(place, alone)).ended();
    outcome.exits(6).says("ezncrypt").says("hint:");
    guarded.instance.start();
    place.start().assert_closed("with the service again");
}

/// A server that runs goes on when the service comes back, as far as the mount lets it; a new one
/// can be started then.
#[test]
fn after_the_service_was_killed_the_guard_starts_servers_again() {
    let guarded = Guarded::new();
    drop(guarded.place.start());
    guarded.instance.kill();
    let place = &guarded.place;
    assert_not_started(place, &mut place.command(["--no-defaults"], [""; 0]));
    guarded.instance.start();
    place.start().assert_closed("after a crash of the service");
}

/// What an attacker would like the guard to be told.
fn loose_briefing(guarded: &Guarded) -> Briefing {
    let state = guarded.instance.mount();
    let data = fs::canonicalize(&guarded.place.data).unwrap();
    Briefing {
        guard: fs::canonicalize(&guarded.place.program).unwrap().into(),
        server: guarded.encrypted().into(),
        original: guarded.server().into(),
        mount: state.into(),
        data: vec![data.clone().into()],
        encrypted: vec![data.into()],
        unconfirmed: vec![],
        settings: vec!["allow authentication".into(), "allow init_file".into()],
        permit: None,
        plugins: None,
        facts: None,
        reload_privileges: false,
    }
}

/// A socket that tells everybody who asks the same briefing.
struct FakeService {
    directory: PathBuf,
    asked: Arc<AtomicUsize>,
}

impl FakeService {
    fn at(directory: &Path, briefing: &Briefing) -> Self {
        let socket = directory.join("guard.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
        let (asked, text) =
            (Arc::new(AtomicUsize::new(0)), serde_json::to_string(briefing).unwrap());
        let count = Arc::clone(&asked);
        // Ends with the test program: nothing waits for it.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let text = text.clone();
                std::thread::spawn(move || answer(stream, &text));
            }
        });
        Self { directory: directory.to_owned(), asked }
    }
}

/// Answers all that is asked on one connection.
fn answer(mut stream: UnixStream, briefing: &str) -> Option<()> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length).ok()?;
        let mut question = vec![0; usize::try_from(u32::from_le_bytes(length)).ok()?];
        stream.read_exact(&mut question).ok()?;
        let answer = match serde_json::from_slice(&question).ok()? {
            Ask::Brief { .. } => Answer::Briefing(briefing.to_owned()),
            Ask::Starting(_) | Ask::Refused(_) => Answer::Noted,
        };
        let answer = serde_json::to_vec(&answer).ok()?;
        stream.write_all(&u32::try_from(answer.len()).ok()?.to_le_bytes()).ok()?;
        stream.write_all(&answer).ok()?;
    }
}

/// A run that only looks like an approved one: the process that executes the server is the guard,
/// or nothing is.
#[test]
fn what_the_guard_was_told_to_start_cannot_be_changed_afterwards() {
    let guarded = Guarded::new();
    let place = &guarded.place;
    let server = place.start();
    let words = fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap();
    server.stop();
    let words: Vec<String> = words
        .split(|&byte| byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    // The very words of an approved run, from somebody else.
    let mut shell = Command::new("/bin/bash");
    shell
        .args(["-c", "exec -a \"$0\" \"$@\"", &words[0]])
        .arg(guarded.encrypted())
        .args(&words[1..]);
    run(&mut shell).denied();
}
