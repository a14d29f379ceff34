use super::*;
use std::cell::{Cell, RefCell};
use std::io::Write;

const PATH: &str = "/program";

fn settled(size: u64) -> Identity {
    Identity { dev: 1, ino: 2, size, mtime_ns: 3, ctime_ns: 4 }
}

/// The two bytes `ab`, with something happening before they are read.
struct Reading<F: FnMut()>(F, u8);

impl<F: FnMut()> Read for Reading<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.0)();
        let bytes: &[u8] = if self.1 == 0 { b"ab" } else { b"" };
        self.1 += 1;
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

#[test]
fn the_hash_is_sha256_of_all_bytes() {
    let fingerprint = Fingerprint::of(&b"abc"[..]).unwrap();
    assert_eq!(fingerprint.size, 3);
    assert_eq!(fingerprint.sha256[..4], [0xba, 0x78, 0x16, 0xbf]);
    let long = vec![7; 300_000];
    let by_one_call: [u8; 32] = Sha256::digest(&long).into();
    assert_eq!(Fingerprint::of(&long[..]).unwrap().sha256, by_one_call);
}

#[test]
fn a_file_is_read_once_while_its_identity_stays_and_again_when_any_part_differs() {
    let hashes = Hashes::new();
    let state = RefCell::new(settled(2));
    let reads = Cell::new(0);
    let look = || {
        let reader = Reading(|| reads.set(reads.get() + 1), 0);
        hashes.measure(Path::new(PATH), || Ok(*state.borrow()), reader).unwrap()
    };
    look();
    let once = reads.get();
    assert!(once > 0);
    look();
    assert_eq!(reads.get(), once);
    let changes: [fn(&mut Identity); 4] = [
        |identity| identity.dev += 1,
        |identity| identity.ino += 1,
        |identity| identity.mtime_ns += 1,
        |identity| identity.ctime_ns += 1,
    ];
    for (count, change) in (2..).zip(changes) {
        change(&mut state.borrow_mut());
        look();
        assert_eq!(reads.get(), once * count);
    }
}

#[test]
fn a_file_that_changes_while_it_is_hashed_is_refused_and_not_remembered() {
    let hashes = Hashes::new();
    let state = RefCell::new(settled(2));
    let reader = Reading(|| state.borrow_mut().ctime_ns += 1, 0);
    let refused = hashes.measure(Path::new(PATH), || Ok(*state.borrow()), reader);
    assert!(matches!(refused, Err(Error::ChangedWhileHashed { .. })));
    assert_eq!(hashes.known(&settled(2)), None);
    let another_size = hashes.measure(Path::new(PATH), || Ok(settled(3)), &b"ab"[..]);
    assert!(matches!(another_size, Err(Error::ChangedWhileHashed { .. })));
}

#[test]
fn a_file_really_written_to_while_it_is_hashed_is_refused() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"ab").unwrap();
    let writer = RefCell::new(file.try_clone().unwrap());
    let stat = || Ok(FileStat::at_hand(&file, Path::new(""))?.into());
    let reader = Reading(|| writer.borrow_mut().write_all(b"c").unwrap(), 0);
    let refused = Hashes::new().measure(Path::new(PATH), stat, reader);
    assert!(matches!(refused, Err(Error::ChangedWhileHashed { .. })));
}

#[test]
fn a_file_changed_just_now_is_not_remembered() {
    let state = settled(2);
    assert!(!state.is_settled(state.ctime_ns));
    assert!(!state.is_settled(state.ctime_ns + 2_000_000_000));
    assert!(state.is_settled(state.ctime_ns + 2_000_000_001));
    let in_the_future = Identity { ctime_ns: i128::MAX / 2, ..state };
    let hashes = Hashes::new();
    hashes.learn(in_the_future, [1; 32]);
    assert_eq!(hashes.known(&in_the_future), None);
    hashes.learn(state, [1; 32]);
    assert_eq!(hashes.known(&state), Some([1; 32]));
}
