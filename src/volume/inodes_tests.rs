use super::*;
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::thread::{scope, sleep};
use std::time::Duration;

fn node(number: u64) -> Inode {
    let path = openat(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
    Inode::new(Ino(number), Kind::File, None, path, ROOT)
}

#[test]
fn whoever_waits_for_a_crowd_is_told_half_of_those_that_are_idle() {
    let inodes = Inodes::default();
    for number in 1..=10 {
        inodes.look_up(node(number));
    }
    let busy = inodes.get(Ino(2)).unwrap();
    let _opening = busy.file_slot();
    scope(|scope| {
        let waiting = scope.spawn(|| inodes.wait_for_crowd(10, 3));
        sleep(Duration::from_millis(20));
        assert!(!waiting.is_finished());
        inodes.look_up(node(11));
        let idle = waiting.join().unwrap().unwrap();
        // All but the root and the one that is being opened.
        assert_eq!(idle.len(), 9_usize.div_ceil(2));
        assert!(!idle.contains(&ROOT) && !idle.contains(&Ino(2)), "{idle:?}");
    });
}

#[test]
fn whoever_waits_for_a_crowd_is_told_of_the_end() {
    let inodes = Inodes::default();
    inodes.look_up(node(1));
    scope(|scope| {
        let waiting = scope.spawn(|| inodes.wait_for_crowd(10, 3));
        sleep(Duration::from_millis(20));
        inodes.clear();
        assert_eq!(waiting.join().unwrap(), None);
    });
    assert_eq!(inodes.wait_for_crowd(10, 3), None);
}
