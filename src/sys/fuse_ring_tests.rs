use super::*;

fn held(payload: usize) -> Held {
    let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
    let (owner, memory) = (thread::current().id(), Memory::new(8192).unwrap());
    memory.write(8, &77_u64.to_ne_bytes());
    let shared = Arc::new(Shared { owner, memory, is_answered: AtomicBool::new(false), wake });
    Held { shared, payload, is_answered: false }
}

fn is_answered(shared: &Shared) -> bool {
    shared.is_answered.load(Ordering::Acquire)
}

fn is_woken(shared: &Shared) -> bool {
    rustix::io::read(&shared.wake, &mut [0; 8]).is_ok()
}

#[test]
fn what_was_brought_and_what_is_answered_share_the_room() {
    let mut held = held(5);
    held.room()[..6].copy_from_slice(b"hello!");
    assert_eq!((held.rest(), held.rest().len()), (&b"hello"[..], 5));
    assert_eq!(held.room().len(), 8192);
    assert_eq!(held.room().as_ptr() as usize % 4096, 0);
    let shared = held.shared.clone();
    assert!(!is_answered(&shared));
    held.answer(b"a header", 6);
    let memory = &shared.memory;
    assert_eq!((&memory.read::<8>(0), memory.read(PAYLOAD_SIZE_AT)), (b"a header", [6, 0, 0, 0]));
    // Its own thread need not be woken.
    assert_eq!((is_answered(&shared), is_woken(&shared)), (true, false));
}

#[test]
fn a_request_that_is_dropped_is_answered_with_an_error() {
    let held = held(0);
    let shared = held.shared.clone();
    drop(held);
    let header = shared.memory.read::<16>(0);
    assert_eq!(header[..4], 16_u32.to_ne_bytes());
    assert_eq!(header[4..8], (-libc::EIO).to_ne_bytes());
    assert_eq!(header[8..], 77_u64.to_ne_bytes());
    assert!(is_answered(&shared));
}

#[test]
fn an_answer_of_another_thread_wakes_the_ring() {
    let held = held(0);
    let shared = held.shared.clone();
    thread::spawn(move || held.answer(&[0; 16], 0)).join().unwrap();
    assert_eq!((is_answered(&shared), is_woken(&shared)), (true, true));
}
