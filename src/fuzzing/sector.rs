//! Sectors: one that there is, changed, moved or of another file; one with any header; any bytes.

use super::input::{Input, patched};
use crate::crypto::Key;
use crate::crypto::sector::{SectorCipher, Suite};
use crate::format::geometry::SectorIndex;
use crate::format::sector::{Binding, PAYLOAD_LEN, SECTOR_LEN, SectorHeader, is_zero, open, seal};
use std::sync::OnceLock;

const FILE_ID: [u8; 16] = [0x1d; 16];

/// Runs the target.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() {
        b'r' => any_bytes(input.rest()),
        b'h' => any_header(input),
        number => changed(number, input),
    }
}

fn any_bytes(bytes: &[u8]) {
    let mut sector = [0; SECTOR_LEN];
    let length = bytes.len().min(SECTOR_LEN);
    sector[..length].copy_from_slice(&bytes[..length]);
    assert_eq!(is_zero(&sector), sector == [0; SECTOR_LEN]);
    for suite in [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305] {
        let place = Place { suite, file_id: FILE_ID, index: SectorIndex(0) };
        assert!(opened(place, &sector).is_none(), "a sector that nobody sealed authenticates");
    }
}

/// What says nonsense about itself is refused, though it is authentic.
fn any_header(mut input: Input<'_>) {
    let suite = suite(input.byte());
    let header = SectorHeader { length: input.word(), last: input.byte() & 1 != 0 };
    let place = Place { suite, file_id: FILE_ID, index: SectorIndex(u64::from(input.word())) };
    let mut payload = [0; PAYLOAD_LEN];
    let rest = input.rest();
    let length = rest.len().min(PAYLOAD_LEN);
    payload[..length].copy_from_slice(&rest[..length]);
    let sector = sealed(place, header, &payload);
    let full = usize::from(header.length) == PAYLOAD_LEN;
    let allowed = (1..=PAYLOAD_LEN).contains(&usize::from(header.length)) && (full || header.last);
    assert!(opened(place, &sector) == allowed.then_some((header, payload.to_vec())));
}

/// It opens where it was sealed and as it was, or not at all.
fn changed(number: u8, mut input: Input<'_>) {
    let Known { place, header, payload, sector } = &known()[usize::from(number) % known().len()];
    let what = input.byte();
    let mut claimed = *place;
    claimed.index.0 = claimed.index.0.wrapping_add(u64::from(what >> 2));
    if what & 1 != 0 {
        claimed.file_id[15] ^= 1;
    }
    if what & 2 != 0 {
        claimed.suite = suite(claimed.suite as u8);
    }
    let found: [u8; SECTOR_LEN] = patched(sector, input.rest()).try_into().unwrap();
    let untouched = found == *sector && what == 0;
    assert!(opened(claimed, &found) == untouched.then(|| (*header, payload.clone())));
}

#[derive(Clone, Copy)]
struct Place {
    suite: Suite,
    file_id: [u8; 16],
    index: SectorIndex,
}

struct Known {
    place: Place,
    header: SectorHeader,
    payload: Vec<u8>,
    sector: [u8; SECTOR_LEN],
}

fn known() -> &'static Vec<Known> {
    static KNOWN: OnceLock<Vec<Known>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let one = |number: u8| {
            let length = [1, 1000, 4047, 4048][usize::from(number >> 1)];
            let header = SectorHeader { length, last: length < 4048 };
            let index = SectorIndex(u64::from(number) << 33);
            let place = Place { suite: suite(number), file_id: FILE_ID, index };
            let mut payload = [0; PAYLOAD_LEN];
            payload[..usize::from(length)].fill(number + 1);
            let sector = sealed(place, header, &payload);
            Known { place, header, payload: payload.to_vec(), sector }
        };
        (0..8).map(one).collect()
    })
}

fn suite(number: u8) -> Suite {
    if number & 1 == 0 { Suite::Xaes256Gcm } else { Suite::XChaCha20Poly1305 }
}

fn cipher(suite: Suite) -> &'static SectorCipher {
    static CIPHERS: OnceLock<[SectorCipher; 2]> = OnceLock::new();
    let ciphers = CIPHERS.get_or_init(|| {
        let key = Key::random().unwrap();
        [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305].map(|suite| SectorCipher::new(suite, &key))
    });
    &ciphers[usize::from(suite as u16 - 1)]
}

fn sealed(place: Place, header: SectorHeader, payload: &[u8; PAYLOAD_LEN]) -> [u8; SECTOR_LEN] {
    let cipher = cipher(place.suite);
    let mut sector = [0; SECTOR_LEN];
    let binding = Binding { file_id: place.file_id, suite: place.suite };
    let sealer = cipher.sealer().unwrap();
    seal(&binding, cipher, &sealer, place.index, header, payload, &mut sector).unwrap();
    sector
}

fn opened(place: Place, sector: &[u8; SECTOR_LEN]) -> Option<(SectorHeader, Vec<u8>)> {
    let binding = Binding { file_id: place.file_id, suite: place.suite };
    let mut payload = [0; PAYLOAD_LEN];
    let mut opener = cipher(place.suite).opener();
    let header = open(&binding, &mut opener, place.index, sector, &mut payload).ok()?;
    Some((header, payload.to_vec()))
}
