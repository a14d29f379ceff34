use super::super::{Access, Refusal};
use super::*;
use crate::access::Looked;
use crate::sys::declare::LEN;
use crate::volume::Place;
use std::sync::RwLock;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A gate that looks at a caller only when it is told to, and at thread 1 never.
struct Slow {
    hand: RwLock<()>,
    go: Mutex<Receiver<()>>,
}

impl Slow {
    fn new() -> (Arc<Self>, Sender<()>) {
        let (sender, go) = channel();
        (Arc::new(Self { hand: RwLock::new(()), go: Mutex::new(go) }), sender)
    }
}

impl Gate for Slow {
    fn requests_in_hand(&self) -> &RwLock<()> {
        &self.hand
    }

    fn recall(&self, _: Caller) -> Option<Arc<Looked>> {
        None
    }

    fn look(&self, caller: Caller) -> Sight {
        if caller.tid == 1 {
            loop {
                thread::park();
            }
        }
        let _ = self.go.lock().unwrap().recv();
        Sight::Unknown(Reason::UnknownCaller)
    }

    fn permit(&self, _: Caller, _: &Sight, _: Access, _: &[Place]) -> Result<(), Refusal> {
        Err(Refusal::Denied)
    }

    fn declare(&self, _: Caller, _: &Sight, _: &Place, _: &[u8; LEN]) -> Result<(), Refusal> {
        Err(Refusal::Denied)
    }
}

fn caller(tid: u32) -> Caller {
    Caller { tid, uid: 0, gid: 0 }
}

fn reason(sight: Sight) -> Reason {
    match sight {
        Sight::Unknown(reason) => reason,
        _ => panic!("somebody was seen"),
    }
}

#[test]
fn each_of_many_requests_is_answered_once() {
    let (gate, go) = Slow::new();
    let looking = Looking::new(gate);
    let (sender, answers) = channel();
    for number in 0..500 {
        let sender = sender.clone();
        looking
            .look(caller(2), Box::new(move |sight| sender.send((number, reason(sight))).unwrap()));
        go.send(()).unwrap();
    }
    drop(sender);
    let mut seen: Vec<_> = answers.iter().collect();
    assert!(seen.iter().all(|(_, reason)| *reason == Reason::UnknownCaller));
    seen.sort_by_key(|(number, _)| *number);
    let numbers: Vec<_> = seen.into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
}

#[test]
fn looks_that_never_end_are_denied_and_hold_nobody_up() {
    let (gate, go) = Slow::new();
    let looking = Looking::with_limit(gate, Duration::from_millis(200));
    let (sender, answers) = channel();
    let ask = |tid| {
        let sender = sender.clone();
        looking
            .look(caller(tid), Box::new(move |sight| sender.send((tid, reason(sight))).unwrap()));
    };
    (1..THREADS).for_each(|_| ask(1));
    ask(2);
    go.send(()).unwrap();
    assert_eq!(answers.recv().unwrap(), (2, Reason::UnknownCaller));
    // With the last thread hanging too, nothing is looked at any more: what comes is denied.
    ask(1);
    ask(2);
    for _ in 1..THREADS + 2 {
        assert_eq!(answers.recv().unwrap().1, Reason::TooSlow);
    }
}
