//! The secret asked for on a real terminal, and the terminal afterwards.

use crate::place::{Place, parts};
use ezncrypt::service::protocol::{Answer, Event, Request};
use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// Runs `args` on a terminal of its own, and types each answer when its question is there. Returns
/// all that the terminal showed, its settings at the end among it, and the exit code.
fn converse(place: &Place, args: &str, answers: &[(&str, &[u8])]) -> (String, Option<i32>) {
    let link = place.command("ezncrypt").get_program().to_owned();
    let mut script = Command::new("script");
    place.environment(&mut script);
    script.args(["-qec", &format!("{} {args}; code=$?; stty -a; exit $code", link.display())]);
    script.arg("/dev/null").env("SHELL", "/bin/sh").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.spawn().unwrap();
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut from) = (Vec::new(), 0);
    for (question, answer) in answers {
        loop {
            let fresh = String::from_utf8_lossy(&shown[from..]).into_owned();
            if fresh.contains(question) {
                break;
            }
            let mut byte = [0];
            assert_eq!(screen.read(&mut byte).unwrap(), 1, "no {question} in {fresh:?}");
            shown.push(byte[0]);
        }
        from = shown.len();
        keyboard.write_all(answer).unwrap();
    }
    screen.read_to_end(&mut shown).unwrap();
    let code = child.wait().unwrap().code();
    (String::from_utf8(shown).unwrap(), code)
}

#[test]
fn the_secret_is_asked_for_on_the_terminal_and_not_shown() {
    let place = Place::new();
    fs::write(place.paths().keystore(), "").unwrap();
    let service = place.service(vec![Event::Done(Answer::Nothing)]);
    let answers: [(&str, &[u8]); 2] = [("passphrase:", b"geheim\n"), ("salt:", b"pfeffer\n")];
    let (shown, code) = converse(&place, "-d /x", &answers);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.starts_with("passphrase:\r\nsalt:\r\n"), "{shown:?}");
    assert!(!shown.contains("geheim") && !shown.contains("pfeffer"), "{shown:?}");
    let Request::Decrypt { secret, .. } = service.join().unwrap() else { panic!("other kind") };
    assert_eq!(parts(&secret), (&b"geheim"[..], &b"pfeffer"[..]));
}

#[test]
fn a_new_secret_is_asked_for_twice_and_must_be_the_same() {
    let place = Place::new();
    let answers: [(&str, &[u8]); 2] = [("passphrase:", b"geheim\n"), ("passphrase:", b"gehein\n")];
    let (shown, code) = converse(&place, "init", &answers);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("the passphrase was not the same both times"), "{shown}");
    assert!(!shown.contains("salt:"), "{shown}");
    assert!(!place.paths().keystore().exists());
}

#[test]
fn an_empty_answer_is_refused() {
    let place = Place::new();
    fs::write(place.paths().keystore(), "").unwrap();
    let (shown, code) = converse(&place, "-d /x", &[("passphrase:", b"\n")]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("the passphrase is empty"), "{shown}");
}

#[test]
fn an_answer_that_is_not_utf8_is_refused_instead_of_changed() {
    let place = Place::new();
    fs::write(place.paths().keystore(), "").unwrap();
    let (shown, code) = converse(&place, "-d /x", &[("passphrase:", b"na\xefve\n")]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("hint: name a file that holds it"), "{shown}");
}

#[test]
fn after_an_interrupt_at_the_prompt_the_terminal_is_as_it_was() {
    let place = Place::new();
    fs::write(place.paths().keystore(), "").unwrap();
    let (shown, code) = converse(&place, "-d /x", &[("passphrase:", b"\x03")]);
    assert_eq!(code, Some(130), "{shown}");
    for flag in [" echo ", " icanon ", "isig "] {
        assert!(shown.contains(flag), "{shown}");
        assert!(!shown.contains(&format!("-{}", flag.trim_start())), "{shown}");
    }
}
