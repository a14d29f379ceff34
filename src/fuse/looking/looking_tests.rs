use super::desk::{ALL, THREADS};
use super::share::{CROWD, HANGING, SHARE};
use super::*;
use crate::access::Reason;
use crate::fuse::test_support::{HANGS, LONG, PANICS, Stage, eventually};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

const SEEN: Reason = Reason::ForeignNamespace;
const ROOT: u32 = 0;
const USER: u32 = 1000;

/// Callers to ask about, and what was answered.
struct Scene {
    stage: Stage,
    looking: Looking,
    answers: (Sender<Answered>, Receiver<Answered>),
}

type Answered = (u32, Reason);

impl Scene {
    /// Time passes only when it is told to.
    fn new() -> Self {
        Self::with_limit(LONG)
    }

    fn with_limit(limit: Duration) -> Self {
        let stage = Stage::new();
        let looking = Looking::with_limit(stage.gate(), limit);
        Self { stage, looking, answers: channel() }
    }

    fn ask(&self, tid: u32, uid: u32) {
        let sender = self.answers.0.clone();
        let then = move |sight| sender.send((tid, reason(sight))).unwrap();
        self.looking.look(Caller { tid, uid, gid: 0 }, Box::new(then));
    }

    /// Asks for looks that hang, and waits until they are at work.
    fn hang(&self, looks: usize, uid: u32) {
        for _ in 0..looks {
            self.ask(HANGS, uid);
        }
        for _ in 0..looks {
            assert_eq!(self.stage.looked_at(), HANGS);
        }
    }

    /// Asks for looks that hang, so many at the same time, and answers them late.
    fn hang_late(&self, looks: usize, at_once: usize, uid: u32) {
        for _ in 0..looks / at_once {
            self.hang(at_once, uid);
            self.all_late();
            self.expect_late(at_once);
        }
    }

    fn answered(&self) -> Answered {
        self.answers.1.recv().unwrap()
    }

    /// Lets the time of all that was asked up to now pass.
    fn all_late(&self) {
        self.looking.desk.answer_late(Instant::now() + LONG);
    }

    fn expect_late(&self, looks: usize) {
        for _ in 0..looks {
            assert_eq!(self.answered(), (HANGS, Reason::TooSlow));
        }
    }

    fn threads(&self) -> (usize, usize) {
        let state = self.looking.desk.state();
        (state.threads, state.late)
    }
}

fn reason(sight: Sight) -> Reason {
    match sight {
        Sight::Unknown(reason) => reason,
        _ => panic!("somebody was seen"),
    }
}

#[test]
fn each_of_many_requests_is_answered_once() {
    let scene = Scene::new();
    (500..1000).for_each(|tid| scene.ask(tid, tid % 3));
    let mut seen: Vec<_> = (500..1000).map(|_| scene.answered()).collect();
    seen.sort_by_key(|(tid, _)| *tid);
    assert_eq!(seen, (500..1000).map(|tid| (tid, SEEN)).collect::<Vec<_>>());
    scene.all_late();
    assert!(scene.answers.1.try_recv().is_err(), "somebody was answered twice");
}

#[test]
fn a_look_that_hangs_is_denied_when_its_time_has_passed() {
    let scene = Scene::with_limit(Duration::from_millis(20));
    scene.ask(HANGS, ROOT);
    assert_eq!(scene.answered(), (HANGS, Reason::TooSlow));
    // The watch goes on after it had nothing to do.
    scene.ask(HANGS, ROOT);
    assert_eq!(scene.answered(), (HANGS, Reason::TooSlow));
}

#[test]
fn looks_that_hang_on_every_thread_hold_nobody_up() {
    let scene = Scene::new();
    scene.hang(THREADS, ROOT);
    let asked = Instant::now();
    while Instant::now() == asked {}
    scene.ask(2, USER);
    scene.looking.desk.answer_late(asked + LONG);
    let mut answers: Vec<_> = (0..=THREADS).map(|_| scene.answered()).collect();
    answers.sort_by_key(|(tid, _)| *tid);
    assert_eq!(answers.pop(), Some((2, SEEN)));
    assert_eq!(answers, vec![(HANGS, Reason::TooSlow); THREADS]);
    scene.ask(3, ROOT);
    assert_eq!(scene.answered(), (3, SEEN));
}

#[test]
fn threads_that_come_back_late_are_of_use_again_or_end() {
    let scene = Scene::new();
    scene.hang_late(2 * THREADS, THREADS, ROOT);
    assert_eq!(scene.threads(), (2 * THREADS, 2 * THREADS));
    scene.stage.release(2 * THREADS);
    eventually(|| scene.threads() == (THREADS, 0));
    scene.hang(THREADS, ROOT);
    assert_eq!(scene.threads(), (THREADS, 0));
}

#[test]
fn there_is_an_end_to_the_threads_that_hang() {
    let scene = Scene::new();
    scene.hang_late(ALL, THREADS, ROOT);
    assert_eq!(scene.threads(), (ALL, ALL));
    scene.ask(2, ROOT);
    scene.all_late();
    assert_eq!(scene.answered(), (2, Reason::TooSlow));
    scene.ask(3, ROOT);
    assert_eq!(scene.threads(), (ALL, ALL));
    scene.stage.release(1);
    assert_eq!(scene.stage.looked_at(), 3);
    assert_eq!(scene.answered(), (3, SEEN));
}

#[test]
fn a_user_has_no_more_than_a_share_and_others_go_past() {
    let scene = Scene::new();
    scene.hang(SHARE, USER);
    scene.ask(4, USER);
    scene.ask(5, USER + 1);
    assert_eq!(scene.answered(), (5, SEEN));
    scene.ask(6, ROOT);
    assert_eq!(scene.answered(), (6, SEEN));
    scene.stage.release(1);
    let mut answers = [scene.answered(), scene.answered()];
    answers.sort_by_key(|(tid, _)| *tid);
    assert_eq!(answers, [(HANGS, SEEN), (4, SEEN)]);
    let order: Vec<_> = (0..3).map(|_| scene.stage.looked_at()).collect();
    assert_eq!(order, [5, 6, 4]);
}

#[test]
fn a_users_looks_that_hang_do_not_take_all_threads() {
    let scene = Scene::new();
    scene.hang_late(HANGING, SHARE, USER);
    scene.ask(4, USER);
    scene.ask(5, USER + 1);
    assert_eq!(scene.answered(), (5, SEEN));
    assert_eq!(scene.stage.looked_at(), 5);
    scene.stage.release(1);
    assert_eq!(scene.answered(), (4, SEEN));
}

#[test]
fn of_one_user_no_more_than_a_crowd_waits_and_root_s_all_do() {
    let scene = Scene::new();
    scene.hang(SHARE, USER);
    for _ in 0..CROWD {
        scene.ask(7, USER);
    }
    scene.ask(8, USER);
    assert_eq!(scene.answered(), (8, Reason::TooSlow));
    scene.hang(THREADS - SHARE, ROOT);
    for _ in 0..=CROWD {
        scene.ask(9, ROOT);
    }
    assert!(scene.answers.1.try_recv().is_err(), "somebody was answered without a look");
    scene.stage.release(THREADS);
    for _ in 0..THREADS + 2 * CROWD + 1 {
        assert_eq!(scene.answered().1, SEEN);
    }
}

#[test]
fn who_was_answered_late_while_it_waited_is_not_looked_at() {
    let scene = Scene::new();
    scene.hang_late(HANGING, SHARE, USER);
    scene.ask(4, USER);
    scene.all_late();
    assert_eq!(scene.answered(), (4, Reason::TooSlow));
    scene.ask(5, USER);
    scene.stage.release(1);
    assert_eq!(scene.answered(), (5, SEEN));
    assert_eq!(scene.stage.looked_at(), 5);
}

#[test]
fn a_look_that_panics_is_a_denial_and_costs_no_thread() {
    let scene = Scene::new();
    for _ in 0..2 * THREADS {
        scene.ask(PANICS, USER);
        assert_eq!(scene.answered(), (PANICS, Reason::UnknownCaller));
        assert_eq!(scene.stage.looked_at(), PANICS);
    }
    scene.hang(SHARE, USER);
}

#[test]
fn an_answer_that_panics_costs_no_thread_and_is_given_up() {
    let scene = Scene::new();
    let (reply, dropped) = channel::<()>();
    for tid in 0..2 * THREADS {
        let reply = reply.clone();
        let then = move |_| {
            let _reply = reply;
            panic!("the answer to {tid}");
        };
        scene.looking.look(Caller { tid: 2, uid: USER, gid: 0 }, Box::new(then));
        assert_eq!(scene.stage.looked_at(), 2);
    }
    drop(reply);
    assert!(dropped.recv().is_err());
    scene.hang(SHARE, USER);
    // On the thread that watches, too.
    scene.looking.look(Caller { tid: 2, uid: USER, gid: 0 }, Box::new(|_| panic!("late")));
    scene.all_late();
    scene.expect_late(SHARE);
    scene.ask(3, USER);
    assert_eq!(scene.answered(), (3, SEEN));
}

#[test]
fn the_threads_end_with_the_last_request() {
    let scene = Scene::new();
    scene.hang(THREADS, ROOT);
    let desk = Arc::downgrade(&scene.looking.desk);
    let Scene { stage, looking, answers } = scene;
    drop(looking);
    drop(stage);
    for _ in 0..THREADS {
        assert_eq!(answers.1.recv().unwrap(), (HANGS, SEEN));
    }
    eventually(|| desk.strong_count() == 0);
}
