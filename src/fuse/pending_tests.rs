use super::super::test_support::{HANGS, LONG, Stage};
use super::*;
use crate::access::Reason;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Asks about a caller of whom each of the first `unclear` looks does not suffice.
fn ask(stage: &Stage, limit: Duration, tid: u32, unclear: usize) -> Receiver<Answer<String>> {
    let looking = Arc::new(Looking::with_limit(stage.gate(), limit));
    let (reply, answers) = channel();
    let looks = AtomicUsize::new(0);
    let attempt = move |sight| {
        let look = looks.fetch_add(1, Relaxed);
        let Sight::Unknown(reason) = sight else { panic!("somebody was seen") };
        (look >= unclear).then(|| Ok(format!("{reason:?} at look {look}")))
    };
    let respond = |reply: Sender<_>, answer| reply.send(answer).unwrap();
    let caller = Caller { tid, uid: 1000, gid: 0 };
    Pending { looking, caller, attempt, reply, respond }.look();
    answers
}

#[test]
fn a_caller_is_looked_at_again_when_a_look_did_not_suffice() {
    let stage = Stage::new();
    let answers = ask(&stage, LONG, 2, 2);
    let seen = format!("{:?} at look 2", Reason::ForeignNamespace);
    assert_eq!(answers.recv().unwrap().unwrap(), seen);
    assert_eq!([stage.looked_at(), stage.looked_at(), stage.looked_at()], [2, 2, 2]);
    assert!(answers.recv().is_err(), "it is answered once");
}

#[test]
fn after_a_few_looks_the_request_is_denied() {
    let stage = Stage::new();
    let answers = ask(&stage, LONG, 2, usize::MAX);
    assert_eq!(answers.recv().unwrap().unwrap_err().raw_os_error(), libc::EACCES);
    let looks = (0..LOOKS).map(|_| stage.looked_at());
    assert_eq!(looks.collect::<Vec<_>>(), [2, 2, 2]);
}

#[test]
fn each_look_at_a_caller_has_the_time_limit() {
    let stage = Stage::new();
    let answers = ask(&stage, Duration::from_millis(20), HANGS, 2);
    let late = format!("{:?} at look 2", Reason::TooSlow);
    assert_eq!(answers.recv().unwrap().unwrap(), late);
}
