use super::*;
use proptest::prelude::*;

fn book(events: &[Event]) -> Book {
    let mut book = Book::default();
    events.iter().for_each(|&event| book.take_down(event));
    book
}

fn fork(parent: u32, child: u32, time: u64) -> Event {
    Event::Fork { parent, child, time }
}

fn exec(process: u32, time: u64) -> Event {
    Event::Exec { process, time }
}

fn thread(process: u32, thread: u32) -> Event {
    Event::Thread { process, thread }
}

fn exit(process: u32, thread: u32) -> Event {
    Event::Exit { process, thread }
}

/// A birth under `parent`, and whether it is that one's own doing.
fn birth(parent: u32, own: bool) -> Option<Birth> {
    Some(Birth { parent, by_what_parent_is: own })
}

/// A shell, 2, born of 1, of which nothing is known.
const SHELL: Event = Event::Fork { parent: 1, child: 2, time: 10 };

#[test]
fn a_child_forked_before_its_parent_executed_is_told_from_one_forked_after() {
    let alone = [SHELL, exec(2, 30), fork(2, 4, 40), exec(4, 50)];
    let alone = book(&alone);
    assert_eq!(alone.birth(4), birth(2, true));
    assert_eq!(alone.birth(2), birth(1, false), "nothing is known of 1");
    assert_eq!(alone.birth(1), None);
    let earlier = book(&[SHELL, fork(2, 3, 20), exec(2, 30)]);
    assert_eq!(earlier.birth(3), birth(2, false));
}

#[test]
fn nothing_is_the_doing_of_a_process_below_which_somebody_lived_when_it_executed() {
    // 3 may fork in the name of 2.
    let child = book(&[SHELL, fork(2, 3, 20), exec(2, 30), fork(2, 4, 40)]);
    assert_eq!(child.birth(4), birth(2, false));
    // So may 4, once 3 has ended and it was given to 2.
    let orphan = [SHELL, fork(2, 3, 20), fork(3, 4, 21), exit(3, 3), exec(2, 30), fork(2, 5, 40)];
    assert_eq!(book(&orphan).birth(5), birth(2, false));
    // Who has ended forks no more.
    let ended = book(&[SHELL, fork(2, 3, 20), exit(3, 3), exec(2, 30), fork(2, 4, 40)]);
    assert_eq!(ended.birth(4), birth(2, true));
    // Those that the program starts itself do not count.
    let own = book(&[SHELL, exec(2, 30), fork(2, 3, 40), fork(2, 4, 50)]);
    assert_eq!(own.birth(4), birth(2, true));
}

#[test]
fn a_process_ends_with_its_last_thread() {
    let events = [SHELL, fork(2, 3, 20), thread(3, 9), exit(3, 3), exec(2, 30), fork(2, 4, 40)];
    assert_eq!(book(&events).birth(4), birth(2, false));
    let mut book = book(&[SHELL, exec(2, 20), thread(2, 9)]);
    book.take_down(exit(2, 2));
    assert!(!book.is_same_since(2, 15) && book.is_same_since(2, 25));
    book.take_down(exit(2, 9));
    assert!(!book.is_same_since(2, 15), "as long as the kernel knows the number");
}

#[test]
fn a_process_that_is_gone_is_forgotten_and_one_that_is_there_is_not() {
    let (own, gone) = (std::process::id(), 0x3fff_fff0);
    let mut book = book(&[fork(1, own, 10), fork(1, gone, 10), exit(own, own), exit(gone, gone)]);
    book.forget_the_gone();
    assert!(book.records.contains_key(&own) && !book.records.contains_key(&gone));
}

#[test]
fn a_number_that_is_used_again_is_no_parent_of_earlier_children() {
    let book = book(&[SHELL, fork(2, 3, 20), exit(2, 2), fork(1, 2, 30)]);
    assert_eq!(book.birth(3), None);
}

#[test]
fn what_was_lost_is_no_evidence() {
    let book =
        book(&[SHELL, exec(2, 20), fork(2, 3, 30), Event::Lost, fork(2, 4, 40), fork(4, 5, 50)]);
    assert_eq!(book.birth(3), None);
    assert_eq!(book.birth(4), birth(2, false));
    assert_eq!(book.birth(5), birth(4, true));
}

#[test]
fn a_process_is_the_same_until_it_executes_or_its_number_is_anothers() {
    let mut book = book(&[SHELL, exec(2, 20), fork(1, 3, 20)]);
    assert!(book.is_same_since(2, 21) && !book.is_same_since(2, 20));
    book.take_down(exec(2, 30));
    assert!(!book.is_same_since(2, 21) && book.is_same_since(3, 21));
    book.take_down(exit(3, 3));
    book.take_down(fork(1, 3, 40));
    assert!(!book.is_same_since(3, 21));
    book.take_down(Event::Lost);
    assert!(!book.is_same_since(2, 31) && book.is_same_since(2, Time::now().0 + 1));
}

#[test]
fn whoever_is_too_deep_down_makes_all_above_crowded() {
    let mut events = vec![SHELL];
    let last = u32::try_from(DEPTH).unwrap() + 10;
    events.extend((2..last).map(|number| fork(number, number + 1, 10 + u64::from(number))));
    events.extend((3..=last).map(|number| exit(number, number)));
    events.extend([exec(2, 9_000), fork(2, 9_999, 9_001)]);
    assert_eq!(book(&events).birth(9_999), birth(2, false));
}

proptest! {
    #[test]
    fn any_events_are_taken_down_without_a_panic(
        numbers in prop::collection::vec((0u8..5, 0u32..6, 0u32..6), 0..200)
    ) {
        let mut book = Book::default();
        for (time, (kind, one, two)) in numbers.into_iter().enumerate() {
            let time = time as u64;
            book.take_down(match kind {
                0 => fork(one, two, time),
                1 => exec(one, time),
                2 => thread(one, two),
                3 => exit(one, two),
                _ => Event::Lost,
            });
            let _ = (book.birth(one), book.is_same_since(two, time));
        }
        book.forget_the_gone();
    }
}
