//! Headers of files: two copies, each of a header that there is, or a change of one.

use super::input::{Input, patched};
use crate::crypto::sector::Suite;
use crate::crypto::{CategoryId, CategoryKeys, Key};
use crate::format::header::{FileHeader, HEADER_LEN};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const COPY_LEN: usize = HEADER_LEN / 2;
/// Before a whole page; anything else is the number of a header.
const PAGE: u8 = 0xff;

/// Runs the target.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() {
        PAGE => page(input.rest()),
        number => copies(number, input),
    }
}

/// Any page: what it authenticates as was made here, or stands in the specification.
fn page(bytes: &[u8]) {
    let mut page = [0; HEADER_LEN];
    let length = bytes.len().min(HEADER_LEN);
    page[..length].copy_from_slice(&bytes[..length]);
    let mut named = FileHeader::named(&page);
    let Ok(decoded) = FileHeader::decode(&page, keys()) else { return };
    assert!(named.next().is_some(), "a sound header names its keys");
    assert!(
        made()
            .iter()
            .map(|made| &made.0)
            .chain(&specified())
            .any(|made| same(made, &decoded.header)),
        "a header that nobody made authenticates"
    );
}

/// Each copy is of one header that was made, changed or not: the changed ones are told from the others.
fn copies(number: u8, mut input: Input<'_>) {
    let (first, second) = (known(number), known(input.byte()));
    let changes = usize::from(input.byte());
    let (of_first, of_second) = (input.slice(changes * 3), input.rest());
    let copy = &first.1[..COPY_LEN];
    let other = &second.1[COPY_LEN..];
    let (changed_copy, changed_other) = (patched(copy, of_first), patched(other, of_second));
    let page: [u8; HEADER_LEN] = [&changed_copy[..], &changed_other].concat().try_into().unwrap();
    let decoded = FileHeader::decode(&page, keys());
    let newer = if second.0.generation > first.0.generation { &second.0 } else { &first.0 };
    let (expected, both_sound) = match (changed_copy == copy, changed_other == other) {
        (true, true) => (newer, first.0.generation == second.0.generation),
        (true, false) => (&first.0, false),
        (false, true) => (&second.0, false),
        (false, false) => {
            assert!(decoded.is_err(), "a changed header authenticates");
            return;
        }
    };
    let decoded = decoded.expect("a sound copy is enough");
    assert!(same(&decoded.header, expected));
    assert_eq!(decoded.both_sound, both_sound);
    printed_again(&decoded.header);
}

fn printed_again(header: &FileHeader) {
    let page = header.encode(keys()).unwrap();
    let again = FileHeader::decode(&page, keys()).ok().unwrap();
    assert!(again.both_sound && same(&again.header, header));
    assert!(FileHeader::named(&page).eq([(keys().id, header.epoch); 2]));
}

type Made = (FileHeader, [u8; HEADER_LEN]);

fn known(number: u8) -> &'static Made {
    &made()[usize::from(number) % made().len()]
}

/// Every suite with every flag, under two epochs, each of a generation of its own but the last two.
fn made() -> &'static Vec<Made> {
    static MADE: OnceLock<Vec<Made>> = OnceLock::new();
    MADE.get_or_init(|| {
        let header = |number: u8| {
            let header = FileHeader {
                suite: if number & 1 == 0 { Suite::Xaes256Gcm } else { Suite::XChaCha20Poly1305 },
                may_have_holes: number & 2 != 0,
                epoch: 1 + u32::from(number & 1),
                generation: u32::from(number.min(6)),
                file_id: [0x30 + number; 16],
                key: Key::take(&mut [0x40 + number; 32]),
                next: (number & 4 != 0).then(|| Key::take(&mut [0x80 + number; 32])),
            };
            let page = header.encode(keys()).unwrap();
            (header, page)
        };
        (0..8).map(header).collect()
    })
}

/// The two of the specification's example.
fn specified() -> [FileHeader; 2] {
    [None, Some(Key::take(&mut [0x6e; 32]))].map(|next| FileHeader {
        suite: Suite::Xaes256Gcm,
        may_have_holes: true,
        epoch: 1,
        generation: 3,
        file_id: [0x1d; 16],
        key: Key::take(&mut [0x5e; 32]),
        next,
    })
}

fn keys() -> &'static CategoryKeys {
    static KEYS: OnceLock<CategoryKeys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let keys = [(1, 0x07), (2, 0x08)].map(|(epoch, byte)| (epoch, Key::take(&mut [byte; 32])));
        let id = CategoryId([0x07; 16]);
        CategoryKeys::from_parts(id, Suite::Xaes256Gcm, 2, BTreeMap::from(keys)).unwrap()
    })
}

fn same(one: &FileHeader, other: &FileHeader) -> bool {
    let next = match (&one.next, &other.next) {
        (None, None) => true,
        (Some(one), Some(other)) => one.same_as(other),
        _ => false,
    };
    let fields = |header: &FileHeader| {
        let FileHeader { suite, may_have_holes, epoch, generation, file_id, .. } = header;
        (*suite as u16, *may_have_holes, *epoch, *generation, *file_id)
    };
    next && fields(one) == fields(other) && one.key.same_as(&other.key)
}
