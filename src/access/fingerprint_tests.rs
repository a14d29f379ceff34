use super::*;
use crate::sys::lease::mapping::{Mapped, new_file, new_file_in};
use std::cell::{Cell, RefCell};
use std::io::Write;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const PATH: &str = "/program";

fn settled(size: u64) -> Identity {
    Identity { dev: 1, ino: 2, size, mtime_ns: 3, ctime_ns: 4 }
}

/// The two bytes `ab`, with something happening before they are read.
struct Reading<F: FnMut()>(F, u8, bool);

fn reading<F: FnMut()>(before: F) -> Reading<F> {
    Reading(before, 0, true)
}

impl<F: FnMut()> Source for Reading<F> {
    fn is_unwritten(&self) -> bool {
        self.2
    }
}

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
        let open = || reading(|| reads.set(reads.get() + 1));
        hashes.measure(Path::new(PATH), || Ok(*state.borrow()), open).unwrap()
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
    let open = || reading(|| state.borrow_mut().ctime_ns += 1);
    let refused = hashes.measure(Path::new(PATH), || Ok(*state.borrow()), open);
    assert!(matches!(refused, Err(Error::ChangedWhileHashed { .. })));
    assert_eq!(hashes.known(&settled(2)), None);
    let another_size = hashes.measure(Path::new(PATH), || Ok(settled(3)), || reading(|| {}));
    assert!(matches!(another_size, Err(Error::ChangedWhileHashed { .. })));
}

#[test]
fn a_file_really_written_to_while_it_is_hashed_is_refused() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"ab").unwrap();
    let writer = RefCell::new(file.try_clone().unwrap());
    let stat = || Ok(FileStat::at_hand(&file, Path::new(""))?.into());
    let open = || reading(|| writer.borrow_mut().write_all(b"c").unwrap());
    let refused = Hashes::new().measure(Path::new(PATH), stat, open);
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

#[test]
fn what_somebody_could_write_while_it_was_hashed_is_not_remembered() {
    let hashes = Hashes::new();
    for unwritten in [false, true] {
        let open = || Reading(|| {}, 0, unwritten);
        hashes.measure(Path::new(PATH), || Ok(settled(2)), open).unwrap();
        assert_eq!(hashes.known(&settled(2)).is_some(), unwritten);
    }
}

/// Hashes a file as it is now.
fn now(hashes: &Hashes, path: &Path) -> (Identity, Fingerprint) {
    hashes.of_file(path, &File::open(path).unwrap()).unwrap()
}

fn remembers(hashes: &Hashes, path: &Path) -> bool {
    hashes.known(&now(hashes, path).0).is_some()
}

fn let_it_settle() {
    sleep(Duration::from_millis(2100));
}

#[test]
fn a_file_that_nobody_writes_is_remembered() {
    let (hashes, file) = (Hashes::new(), new_file(b"genuine"));
    let_it_settle();
    assert!(remembers(&hashes, file.path()));
}

/// The page is dirty already: the kernel is not told of the second store.
#[test]
fn a_store_through_a_mapping_that_changes_no_time_is_seen() {
    let (hashes, file) = (Hashes::new(), new_file(b"genuine"));
    let mapped = Mapped::new(file.path());
    // The kernel may write the page back at any time, and would notice the next store.
    let unnoticed = (0..10).any(|_| {
        mapped.store(b'g');
        let_it_settle();
        let (before, genuine) = now(&hashes, file.path());
        mapped.store(b'G');
        let (after, patched) = now(&hashes, file.path());
        assert_ne!(genuine, patched);
        before == after
    });
    drop(mapped);
    assert!(unnoticed, "a blind test");
    assert_eq!(now(&hashes, file.path()).1, Fingerprint::of(&b"Genuine"[..]).unwrap());
}

/// Of a page that was read before nobody is told there, also when nobody had the file open for
/// writing while it was hashed.
#[test]
fn a_store_that_changes_no_time_in_a_file_of_a_tmpfs_is_seen() {
    let (hashes, file) = (Hashes::new(), new_file_in(Path::new("/dev/shm"), b"genuine"));
    let_it_settle();
    let (before, genuine) = now(&hashes, file.path());
    let mapped = Mapped::new(file.path());
    assert_eq!(mapped.load(), b'g');
    mapped.store(b'G');
    drop(mapped);
    let (after, patched) = now(&hashes, file.path());
    assert_eq!(before, after, "a time has changed: a blind test");
    assert_ne!(genuine, patched);
}

#[test]
fn a_first_store_after_a_file_was_remembered_is_seen() {
    let (hashes, file) = (Hashes::new(), new_file(b"genuine"));
    let_it_settle();
    assert!(remembers(&hashes, file.path()));
    let mapped = Mapped::new(file.path());
    assert_eq!(mapped.load(), b'g');
    mapped.store(b'G');
    let patched = Fingerprint::of(&b"Genuine"[..]).unwrap();
    assert_eq!(now(&hashes, file.path()).1, patched);
    drop(mapped);
    assert_eq!(now(&hashes, file.path()).1, patched);
}

/// A file that takes long to hash: whoever opens it for writing meanwhile neither ends this process
/// (`SIGIO`) nor waits until it is read to the end.
#[test]
fn a_writer_that_comes_while_a_file_is_hashed_does_no_harm_and_does_not_wait_for_the_end() {
    let (hashes, file) = (Hashes::new(), new_file(b"x"));
    let long = 1 << 30;
    File::options().write(true).open(file.path()).unwrap().set_len(long).unwrap();
    let_it_settle();
    let path = file.path();
    std::thread::scope(|scope| {
        let hashed = scope.spawn(|| now(&hashes, path));
        sleep(Duration::from_millis(100));
        let begin = Instant::now();
        let opened = Command::new("sh").args(["-c", ": >> \"$0\""]).arg(path).status().unwrap();
        assert!(opened.success());
        assert!(!hashed.is_finished(), "it was hashed before: a blind test");
        assert!(begin.elapsed() < Duration::from_secs(20));
        let (identity, fingerprint) = hashed.join().unwrap();
        assert_eq!(fingerprint.size, long);
        assert_eq!(hashes.known(&identity), None);
    });
}
