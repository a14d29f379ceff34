use super::super::protocol::Secret;
use super::*;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::thread::{JoinHandle, spawn};

fn instance() -> (tempfile::TempDir, Paths) {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::new(dir.path());
    std::fs::create_dir(paths.run()).unwrap();
    (dir, paths)
}

/// A service that takes one request and says `events`.
fn answering(paths: &Paths, events: Vec<Event>) -> JoinHandle<Request> {
    let listener = UnixListener::bind(paths.control_socket()).unwrap();
    spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = frame::read(&mut stream).unwrap();
        for event in events {
            frame::write(&mut stream, &event).unwrap();
        }
        request
    })
}

#[test]
fn a_request_arrives_whole_and_its_events_come_back_in_order() {
    let (_dir, paths) = instance();
    let steps = vec![Progress::Step("one".into()), Progress::PartDone];
    let mut events: Vec<Event> = steps.iter().cloned().map(Event::Progress).collect();
    events.push(Event::Done(Answer::Nothing));
    let service = answering(&paths, events);
    let secret = Secret::passphrase(b"pass\xff", b"salt");
    let request = Request::Decrypt { paths: vec!["/a".into()], secret };
    let mut seen = Vec::new();
    let answer = call(&paths, request, &mut |step| seen.push(step)).unwrap();
    assert_eq!(answer, Answer::Nothing);
    assert_eq!(seen, steps);
    let Request::Decrypt { paths, secret } = service.join().unwrap() else { panic!("other kind") };
    assert_eq!(paths, ["/a"]);
    let Secret::Passphrase { passphrase, salt } = secret else { panic!("other kind") };
    assert_eq!((passphrase.expose(), salt.expose()), (&b"pass\xff"[..], &b"salt"[..]));
}

#[test]
fn the_failure_of_the_service_is_the_failure_of_the_call() {
    let (_dir, paths) = instance();
    let failure = Failure::new(FailureKind::Busy, "in use").hint("stop it");
    let service = answering(&paths, vec![Event::Failed(failure.clone())]);
    assert_eq!(call(&paths, Request::Rules, &mut |_| ()), Err(failure));
    service.join().unwrap();
}

#[test]
fn a_connection_that_ends_without_an_outcome_is_a_failure_not_a_success() {
    let (_dir, paths) = instance();
    let service = answering(&paths, vec![Event::Progress(Progress::PartDone)]);
    let failure = call(&paths, Request::Rules, &mut |_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Failed);
    service.join().unwrap();
}

#[test]
fn an_answer_given_before_the_request_was_read_is_heard() {
    let (_dir, paths) = instance();
    let listener = UnixListener::bind(paths.control_socket()).unwrap();
    let service = spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let refusal = Event::Failed(Failure::new(FailureKind::Denied, "only root"));
        frame::write(&mut stream, &refusal).unwrap();
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    // Larger than any socket buffer, so that writing it must fail.
    let request =
        Request::RuleDelete { which: "x".repeat(8 << 20), secret: Secret::passphrase(b"", b"") };
    let failure = call(&paths, request, &mut |_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
    service.join().unwrap();
}

#[test]
fn where_no_service_runs_the_hint_says_how_to_start_this_very_instance() {
    let (dir, paths) = instance();
    for stale in [false, true] {
        if stale {
            drop(UnixListener::bind(paths.control_socket()).unwrap());
        }
        let failure = call(&paths, Request::Rules, &mut |_| ()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotRunning);
        let hint = format!("ezncrypt --state-dir {} start", dir.path().display());
        assert_eq!(failure.hint, Some(hint));
    }
    let default = not_running(&Paths::new(DEFAULT_STATE_DIR));
    assert_eq!(default.hint.as_deref(), Some("ezncrypt start"));
}

#[test]
fn the_status_socket_is_read_to_its_end_and_nothing_is_sent() {
    let (_dir, paths) = instance();
    assert_eq!(status(&paths), Ok(None));
    let listener = UnixListener::bind(paths.status_socket()).unwrap();
    let told = Status { running: true, pid: 7, ..Status::default() };
    let json = serde_json::to_vec(&told).unwrap();
    let service = spawn(move || {
        for answer in [json, b"no status".to_vec()] {
            listener.accept().unwrap().0.write_all(&answer).unwrap();
        }
    });
    assert_eq!(status(&paths), Ok(Some(told)));
    assert_eq!(status(&paths).unwrap_err().kind, FailureKind::Failed);
    service.join().unwrap();
}

/// What is left of a service that was killed takes connections until its sockets are closed.
#[test]
fn a_service_that_ends_before_it_answers_for_its_status_does_not_run() {
    type Ask = fn(&Paths) -> Result<Option<Status>, Failure>;
    let (_dir, paths) = instance();
    let asked: [(_, Ask); 2] =
        [(paths.control_socket(), status_for_root), (paths.status_socket(), status)];
    for (socket, ask) in asked {
        let listener = UnixListener::bind(socket).unwrap();
        let service = spawn(move || {
            for _ in 0..2 {
                drop(listener.accept().unwrap());
            }
        });
        assert_eq!(ask(&paths), Ok(None));
        service.join().unwrap();
    }
}

/// A service that takes connections, or is stopped and does not even do that.
#[test]
fn a_status_that_is_not_told_is_waited_for_no_longer_than_told() {
    let (_dir, paths) = instance();
    let control = UnixListener::bind(paths.control_socket()).unwrap();
    let status_socket = UnixListener::bind(paths.status_socket()).unwrap();
    let silent = |told: Result<Option<Status>, Failure>| {
        let failure = told.unwrap_err();
        assert!(failure.message.contains("did not answer within 5 seconds"), "{failure}");
    };
    silent(status_for_root(&paths));
    silent(status(&paths));
    // The connection of before still waits to be taken, and now no second one may.
    rustix::net::listen(&status_socket, 0).unwrap();
    silent(status(&paths));
    drop(control);
}
