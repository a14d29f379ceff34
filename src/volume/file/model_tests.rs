//! Random operation lists on a file against a plain `Vec<u8>`.

use super::*;
use crate::crypto::CategoryKeys;
use crate::crypto::sector::Suite;
use crate::format::geometry::{PAYLOAD, ciphertext_size};
use proptest::prelude::*;
use std::fs::File;
use std::os::fd::OwnedFd;

pub(super) fn keys(suite: Suite) -> Arc<CategoryKeys> {
    Arc::new(CategoryKeys::generate(suite).unwrap())
}

pub(super) fn open(file: &File, keys: &Arc<CategoryKeys>) -> Result<CipherFile> {
    let descriptor: OwnedFd = file.try_clone().unwrap().into();
    CipherFile::open(DiskFile::new(descriptor), keys.clone())
}

#[derive(Debug, Clone)]
pub(super) enum Operation {
    Write(u64, Vec<u8>),
    SetSize(u64),
    Punch(u64, u64),
    ZeroRange(u64, u64, bool),
    Reserve(u64, u64, bool),
    Read(u64, usize),
    Reopen,
    /// The category gets a new key, unless the file still needs an older one.
    NewEpoch,
    Rewrap,
    /// One step of re-encrypting, of so many sectors.
    Rekey(u64),
}

/// Offsets and lengths at and around the places where something changes: sectors, batches, the
/// largest gap that is stored.
fn position() -> impl Strategy<Value = u64> {
    let boundary = prop_oneof![
        6 => (0..6u64).prop_map(|n| n * PAYLOAD),
        2 => (0..4u64).prop_map(|n| n * 4096),
        1 => (255..258u64).prop_map(|n| n * PAYLOAD),
        1 => (300..302u64).prop_map(|n| n * PAYLOAD),
    ];
    prop_oneof![
        4 => (boundary, -2..3i64).prop_map(|(at, by)| at.saturating_add_signed(by)),
        1 => 0..30_000u64,
    ]
}

fn length() -> impl Strategy<Value = u64> {
    prop_oneof![5 => 1..9000u64, 3 => position().prop_map(|n| n.max(1)), 1 => Just(300 * PAYLOAD)]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (position(), length(), any::<u8>()).prop_map(|(at, length, seed)| {
            let byte = |i: u64| (i as u8).wrapping_mul(31).wrapping_add(seed) | 1;
            Operation::Write(at, (0..length).map(byte).collect())
        }),
        3 => position().prop_map(Operation::SetSize),
        2 => (position(), length()).prop_map(|(at, length)| Operation::Punch(at, length)),
        1 => (position(), length(), any::<bool>())
            .prop_map(|(at, length, keep)| Operation::ZeroRange(at, length, keep)),
        2 => (position(), length(), any::<bool>())
            .prop_map(|(at, length, keep)| Operation::Reserve(at, length, keep)),
        3 => (position(), length()).prop_map(|(at, length)| Operation::Read(at, length as usize)),
        2 => Just(Operation::Reopen),
        1 => Just(Operation::NewEpoch),
        1 => Just(Operation::Rewrap),
        5 => prop_oneof![3 => 1..4u64, 1 => Just(BATCH)].prop_map(Operation::Rekey),
    ]
}

fn grow(model: &mut Vec<u8>, end: u64) {
    if model.len() < end as usize {
        model.resize(end as usize, 0);
    }
}

fn zero(model: &mut [u8], offset: u64, length: u64) {
    let end = model.len().min((offset + length) as usize);
    if let Some(range) = model.get_mut(offset as usize..end) {
        range.fill(0);
    }
}

pub(super) fn apply(file: &CipherFile, model: &mut Vec<u8>, operation: &Operation) -> Result<()> {
    match operation {
        Operation::Write(at, data) => {
            file.write_at(*at, data)?;
            grow(model, at + data.len() as u64);
            model[*at as usize..*at as usize + data.len()].copy_from_slice(data);
        }
        Operation::SetSize(size) => {
            file.set_size(*size)?;
            model.resize(*size as usize, 0);
        }
        Operation::Punch(at, length) => {
            file.punch(*at, *length)?;
            zero(model, *at, *length);
        }
        Operation::ZeroRange(at, length, keep) => {
            file.zero_range(*at, *length, *keep)?;
            zero(model, *at, *length);
            if !keep {
                grow(model, at + length);
            }
        }
        Operation::Reserve(at, length, keep) => {
            file.reserve(*at, *length, *keep)?;
            if !keep {
                grow(model, at + length);
            }
        }
        Operation::Read(at, length) => {
            let mut out = vec![0xee; *length];
            let count = file.read_at(*at, &mut out)?;
            let start = model.len().min(*at as usize);
            let end = model.len().min(*at as usize + *length);
            assert!(out[..count] == model[start..end], "read {length} at {at}");
        }
        _ => {}
    }
    Ok(())
}

/// A file whose keys change, and how far that is.
struct Rotating {
    file: CipherFile,
    keys: Arc<CategoryKeys>,
    rekey: Option<Rekey>,
}

impl Rotating {
    fn apply(&mut self, disk: &File, operation: &Operation) {
        match operation {
            Operation::Reopen => {
                self.rekey = None;
                self.file = open(disk, &self.keys).unwrap();
            }
            Operation::NewEpoch if self.keys.epochs().count() == 1 => {
                self.take(self.keys.with_new_epoch().unwrap());
            }
            Operation::Rewrap => {
                self.file.rewrap(false).unwrap();
            }
            Operation::Rekey(sectors) => self.step(*sectors),
            _ => {}
        }
    }

    fn take(&mut self, keys: CategoryKeys) {
        self.keys = Arc::new(keys);
        self.file.keys.replace(self.keys.clone());
    }

    fn step(&mut self, sectors: u64) {
        let Some(mut rekey) = self.rekey.take() else {
            self.rekey = self.file.begin_rekey(false).unwrap();
            if self.rekey.is_none() {
                // It is current: the old key is not needed any more.
                self.take(self.keys.without_epochs_before(u32::MAX));
            }
            return;
        };
        rekey.set_batch(sectors);
        if self.file.rekey_batch(&mut rekey).unwrap().is_some() {
            self.rekey = Some(rekey);
        } else {
            self.file.finish_rekey(&rekey).unwrap();
        }
    }
}

/// Data and holes, as seen by seeking, cover the file, and what lies in holes is zero.
fn check_holes(file: &CipherFile, model: &[u8]) {
    let (mut at, size) = (0, model.len() as u64);
    while at < size {
        let data = file.seek_data(at).unwrap().unwrap_or(size);
        assert!(data >= at && model[at as usize..data as usize].iter().all(|byte| *byte == 0));
        let hole = if data < size { file.seek_hole(data).unwrap().unwrap() } else { size };
        assert!(hole > data || data == size, "no progress at {data}");
        at = hole;
    }
    assert_eq!(file.seek_data(size).unwrap(), None);
}

fn run(suite: Suite, operations: &[Operation]) {
    let keys = keys(suite);
    let disk = tempfile::tempfile().unwrap();
    let mut rotating = Rotating { file: open(&disk, &keys).unwrap(), keys, rekey: None };
    let mut model = Vec::new();
    for operation in operations {
        rotating.apply(&disk, operation);
        let file = &rotating.file;
        apply(file, &mut model, operation).unwrap();
        assert_eq!(file.size(), model.len() as u64, "after {operation:?}");
        let physical = disk.metadata().unwrap().len();
        assert_eq!(physical, ciphertext_size(file.size()), "after {operation:?}");
    }
    let Rotating { file, keys, .. } = rotating;
    let reopened = open(&disk, &keys).unwrap();
    for file in [&file, &reopened] {
        apply(file, &mut model.clone(), &Operation::Read(0, model.len() + 1)).unwrap();
        check_holes(file, &model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn a_file_behaves_as_a_vector_of_bytes(
        operations in proptest::collection::vec(operation(), 1..30),
        chacha: bool,
    ) {
        let suite = if chacha { Suite::XChaCha20Poly1305 } else { Suite::Xaes256Gcm };
        run(suite, &operations);
    }
}

#[test]
fn a_sparse_file_of_ten_gigabytes_takes_little_space() {
    use std::os::unix::fs::MetadataExt;
    let keys = keys(Suite::Xaes256Gcm);
    let disk = tempfile::tempfile().unwrap();
    let file = open(&disk, &keys).unwrap();
    file.set_size(10 << 30).unwrap();
    file.write_at(5 << 30, b"middle").unwrap();
    let file = open(&disk, &keys).unwrap();
    assert_eq!(file.size(), 10 << 30);
    let mut out = [1; 10];
    file.read_at((5 << 30) - 2, &mut out).unwrap();
    assert_eq!(&out, b"\0\0middle\0\0");
    assert!(disk.metadata().unwrap().blocks() * 512 < 1 << 20);
}

#[test]
fn sizes_beyond_the_format_are_refused() {
    let file = open(&tempfile::tempfile().unwrap(), &keys(Suite::Xaes256Gcm)).unwrap();
    assert!(matches!(file.set_size(u64::MAX), Err(Error::TooLarge)));
    assert!(matches!(file.write_at(u64::MAX - 1, b"xyz"), Err(Error::TooLarge)));
    assert!(matches!(file.reserve(u64::MAX, 5, false), Err(Error::TooLarge)));
    assert_eq!(file.size(), 0);
}
