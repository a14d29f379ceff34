//! The built binary as people meet it: names, usage errors, exit codes, pasted typography, prompts,
//! refusals. Runs as root. What the service does is not tested here; a listener stands in for it.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "cli/place.rs"]
mod place;
#[path = "cli/prompts.rs"]
mod prompts;
#[path = "cli/requests.rs"]
mod requests;

use ezncrypt::service::protocol::Status;
use place::{BINARY, Place, assert_ends, open_to_all, stderr, stdout};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};
use std::thread::spawn;

#[test]
fn help_teaches_and_goes_to_standard_output() {
    let place = Place::new();
    let cases = [
        ("ezncrypt", "--help", "Exit codes:"),
        ("ezncrypt", "--help", "ezncrypt -e @mysql /var/lib/mysql"),
        ("ezncrypt", "–help", "-e, --encrypt"),
        ("ezncrypt-access-control", "--help", "ALLOW @CATEGORY PATH PROCESS"),
        ("ezncrypt-access-control", "-h", "-a, --add"),
        ("ezncrypt", "--help", "guard"),
        ("ezncrypt", "--version", "ezncrypt 0."),
    ];
    for (name, option, words) in cases {
        let output = place.run(name, &[option]);
        assert_ends(&output, 0, "");
        assert!(stdout(&output).contains(words), "{name} {option} lacks {words}");
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn each_command_has_help_of_its_own_in_every_form() {
    let place = Place::new();
    for args in
        [["-e", "--help"], ["--encrypt", "--help"], ["encrypt", "--help"], ["help", "encrypt"]]
    {
        let output = place.run("ezncrypt", &args);
        assert_ends(&output, 0, "");
        assert!(stdout(&output).contains("<@CATEGORY> <PATH>..."), "{args:?}");
    }
}

#[test]
fn the_name_it_is_called_by_decides_and_is_never_guessed() {
    let place = Place::new();
    let is_refused = |output: &Output| {
        // By code 6 without any service; by 4 where one of another test runs, which knows no such guard.
        assert!(matches!(output.status.code(), Some(4 | 6)), "{output:?}");
        assert!(stderr(output).starts_with("ezncrypt: permission denied: no "), "{output:?}");
        assert!(stderr(output).contains("\nhint: ") && output.stdout.is_empty(), "{output:?}");
    };
    for name in ["mysqld", "ezncrypt-access", "Ezncrypt", "ezncrypt.old", "encrypt"] {
        is_refused(&place.run(name, &["ezncrypt", "--help"]));
    }
    is_refused(&place.command("ezncrypt").arg0("/nowhere/mysqld").arg("status").output().unwrap());
}

#[test]
fn usage_errors_end_with_code_two_and_say_what_is_wrong() {
    let place = Place::new();
    let cases: [(&str, &[&str], &str); 17] = [
        ("ezncrypt", &[], "Usage:"),
        ("ezncrypt", &["--no-such"], "ezncrypt: unexpected argument '--no-such'"),
        ("ezncrypt", &["fly"], "ezncrypt: unrecognized subcommand 'fly'"),
        ("ezncrypt", &["-e", "@c"], "<PATH>"),
        ("ezncrypt", &["-e", "mysql", "/x"], "a category begins with @"),
        ("ezncrypt", &["-e", "-d", "/x"], "cannot do both 'encrypt' and 'decrypt'"),
        ("ezncrypt", &["init", "--scrypt-log-n", "13"], "14..=21"),
        ("ezncrypt", &["fly\u{202e}"], "'fly\\u{202e}'"),
        ("ezncrypt", &["guard"], "requires a subcommand"),
        ("ezncrypt", &["guard", "fly"], "unrecognized subcommand 'fly'"),
        ("ezncrypt", &["guard", "install"], "<PATH>"),
        ("ezncrypt", &["guard", "install", "/x", "--category", "c"], "a category begins with @"),
        ("ezncrypt", &["guard", "permit", "/x"], "--allow <SUBJECT>"),
        ("ezncrypt", &["guard", "permit", "/x", "--allow", "a", "--for", "15"], "as in 15m"),
        ("ezncrypt", &["guard", "permit", "/x", "--allow", "a", "--for", "25h"], "from 1s to 24h"),
        ("ezncrypt-access-control", &["-a"], "<RULE>"),
        ("ezncrypt-access-control", &["-u", "0"], "'0'"),
    ];
    for (name, args, words) in cases {
        assert_ends(&place.run(name, args), 2, words);
    }
}

#[test]
fn a_status_without_a_service_is_told_and_has_its_own_code() {
    let place = Place::new();
    let output = place.run("ezncrypt", &["status"]);
    assert_ends(&output, 6, "");
    assert_eq!(stdout(&output), "ezncrypt is not running\n");
    let output = place.run("ezncrypt", &["--json", "--status"]);
    assert_ends(&output, 6, "");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["running"], &told["at_work"]), (&false.into(), &false.into()));
    assert_eq!(told["mount"], place.paths().mount().to_str().unwrap());
    // There is no process, and nobody has counted anything.
    for unknown in ["pid", "uptime_seconds", "counters", "locations", "mode"] {
        assert!(told.get(unknown).is_some_and(Value::is_null), "{unknown} in {told}");
    }
}

#[test]
fn the_state_directory_is_made_absolute_and_the_option_wins() {
    let place = Place::new();
    let output = place.run("ezncrypt", &["--state-dir", "../other/.", "status", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["mount"], place.at("other/ezncrypted").to_str().unwrap());
}

#[test]
fn where_no_service_runs_the_hint_says_how_to_start_it() {
    let place = Place::new();
    let hint = format!("hint: ezncrypt --state-dir {} start", place.at("state").display());
    assert_ends(&place.run("ezncrypt", &["stop"]), 6, &hint);
    assert_ends(&place.run("ezncrypt", &["list"]), 6, "ezncrypt init");
}

#[test]
fn without_a_keystore_nobody_is_asked_for_a_secret() {
    let place = Place::new();
    for (name, args) in [
        ("ezncrypt", ["-d", "/x"]),
        ("ezncrypt-access-control", ["-a", "ALLOW @c * /p"]),
        ("ezncrypt-access-control", ["-d", "1"]),
        ("ezncrypt-access-control", ["-u", "1"]),
    ] {
        assert_ends(&place.run(name, &args), 6, " init\n");
    }
    for args in [&["install", "/x"][..], &["remove", "/x"], &["show"]] {
        let args: Vec<_> = ["guard"].iter().chain(args).collect();
        assert_ends(&place.run("ezncrypt", &args), 6, " init\n");
    }
    fs::write(place.paths().keystore(), "").unwrap();
    assert_ends(&place.run("ezncrypt", &["init"]), 1, "there is a keystore already");
}

#[test]
fn without_a_terminal_the_hint_names_the_options() {
    let place = Place::new();
    fs::write(place.paths().keystore(), "").unwrap();
    let link = place.command("ezncrypt").get_program().to_owned();
    let mut command = Command::new("setsid");
    place.environment(&mut command);
    let output = command.arg("--wait").arg(link).args(["-d", "/x"]).output().unwrap();
    assert_ends(&output, 2, "hint: name a file that holds it: --passphrase-file FILE");
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let place = Place::new();
    let mut command = place.command("ezncrypt");
    place.with_secret(&mut command);
    fs::set_permissions(place.at("salt"), fs::Permissions::from_mode(0o640)).unwrap();
    let output = command.args(["-d", "/x"]).output().unwrap();
    assert_ends(&output, 4, "hint: chmod 600 ");
    assert!(!stderr(&output).contains("the salt"));
}

#[test]
fn only_root_may_do_more_than_ask_for_the_status() {
    let place = Place::new();
    // The build directory may be closed to others.
    for name in ["ezncrypt", "ezncrypt-access-control"] {
        fs::copy(BINARY, place.at("bin").join(name)).unwrap();
    }
    for name in ["bin", "here", "state", "state/run"] {
        open_to_all(&place.at(name));
    }
    let as_nobody = |name: &str, args: &[&str]| {
        let mut command = Command::new(place.at("bin").join(name));
        place.environment(&mut command);
        command.args(args).uid(65534).gid(65534).output().unwrap()
    };
    for verb in ["init", "start", "stop", "list"] {
        let words = format!("'ezncrypt {verb}' must be run as root\nhint: sudo ezncrypt {verb}\n");
        assert_ends(&as_nobody("ezncrypt", &[verb]), 4, &words);
    }
    assert_ends(&as_nobody("ezncrypt", &["-e", "@c", "/x"]), 4, "must be run as root");
    assert_ends(&as_nobody("ezncrypt", &["-d", "/x"]), 4, "must be run as root");
    assert_ends(&as_nobody("ezncrypt-access-control", &["-l"]), 4, "must be run as root");
    let words = "'ezncrypt guard show' must be run as root\nhint: sudo ezncrypt guard show\n";
    assert_ends(&as_nobody("ezncrypt", &["guard", "show"]), 4, words);
    assert_ends(&as_nobody("ezncrypt", &["--help"]), 0, "");
    assert_ends(&as_nobody("ezncrypt", &["status"]), 6, "");

    let socket = place.paths().status_socket();
    let listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let service = spawn(move || {
        let told = Status { running: true, pid: 42, ..Status::default() };
        let json = serde_json::to_vec(&told).unwrap();
        listener.accept().unwrap().0.write_all(&json).unwrap();
    });
    let output = as_nobody("ezncrypt", &["status"]);
    assert_ends(&output, 0, "");
    assert!(stdout(&output).starts_with("ezncrypt is running (pid 42)\n"));
    service.join().unwrap();
}

#[test]
fn a_closed_standard_output_ends_it_quietly_and_a_full_one_does_not() {
    let place = Place::new();
    for args in [["status", "--json"], ["help", "encrypt"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command("ezncrypt").args(args).stdout(writer).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", stderr(&output));
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = place.command("ezncrypt").args(args).stdout(full).output().unwrap();
        assert_ends(&output, 8, "cannot write to standard output");
    }
}

#[test]
fn the_program_is_statically_linked() {
    let told = Command::new("ldd").arg(env!("CARGO_BIN_EXE_ezncrypt")).output().unwrap();
    let text = [told.stdout, told.stderr].concat();
    assert!(String::from_utf8_lossy(&text).contains("statically linked"));
}
