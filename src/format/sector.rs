//! One sector: 4048 bytes of plaintext, sealed, in 4096 aligned bytes.
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 24 | nonce |
//! | 24 | 2 | length: plaintext bytes that belong to the file, 1 to 4048 |
//! | 26 | 1 | flags: bit 0, this is the file's last sector |
//! | 27 | 5 | zero |
//! | 32 | 4048 | ciphertext of the payload, zero beyond `length` |
//! | 4080 | 16 | tag |

use super::geometry::SectorIndex;
use super::{Error, Result, VERSION};
use crate::crypto::sector::{NONCE_LEN, Opener, Sealer, SectorCipher, Suite, TAG_LEN};
use crate::crypto::wipe;
use std::ops::{Deref, DerefMut};

/// Bytes of a sector.
pub const SECTOR_LEN: usize = super::geometry::SECTOR as usize;
/// Bytes of a payload.
pub const PAYLOAD_LEN: usize = super::geometry::PAYLOAD as usize;
/// Where the ciphertext of the payload begins in the sector.
const PAYLOAD_AT: usize = 32;

const TAG_AT: usize = PAYLOAD_AT + PAYLOAD_LEN;
const FLAG_LAST: u8 = 1;
const AAD_LEN: usize = 36;

/// The plaintext of a sector, wiped when dropped.
///
/// Neither `Debug` nor `Clone`.
pub struct Payload([u8; PAYLOAD_LEN]);

impl Payload {
    /// A payload of zeros.
    pub const fn zero() -> Self {
        Self([0; PAYLOAD_LEN])
    }
}

impl Deref for Payload {
    type Target = [u8; PAYLOAD_LEN];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Payload {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// What a sector says about itself, authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectorHeader {
    /// Plaintext bytes that belong to the file; a sector that is not the last has 4048.
    pub length: u16,
    /// The file ends with this sector.
    pub last: bool,
}

impl SectorHeader {
    /// Of a sector that is not the last.
    pub const INNER: Self = Self { length: PAYLOAD_LEN as u16, last: false };

    fn encode(self) -> [u8; 8] {
        let [low, high] = self.length.to_le_bytes();
        [low, high, if self.last { FLAG_LAST } else { 0 }, 0, 0, 0, 0, 0]
    }

    fn decode(bytes: [u8; 8]) -> Result<Self> {
        let length = u16::from_le_bytes([bytes[0], bytes[1]]);
        let last = bytes[2] == FLAG_LAST;
        let header = Self { length, last };
        let full = usize::from(length) == PAYLOAD_LEN;
        let sound = (1..=PAYLOAD_LEN).contains(&length.into()) && (full || last);
        if sound && header.encode() == bytes { Ok(header) } else { Err(Error::SectorHeader) }
    }
}

/// The file that a sector belongs to: what binds it to its place.
#[derive(Clone, Copy)]
pub struct Binding {
    /// The file's random id.
    pub file_id: [u8; 16],
    /// The file's cipher.
    pub suite: Suite,
}

impl Binding {
    /// `AAD = LE16(version) || LE16(suite) || file id || LE64(index) || sector header`
    fn aad(&self, index: SectorIndex, header: [u8; 8]) -> [u8; AAD_LEN] {
        let mut aad = [0; AAD_LEN];
        aad[..2].copy_from_slice(&VERSION.to_le_bytes());
        aad[2..4].copy_from_slice(&(self.suite as u16).to_le_bytes());
        aad[4..20].copy_from_slice(&self.file_id);
        aad[20..28].copy_from_slice(&index.0.to_le_bytes());
        aad[28..].copy_from_slice(&header);
        aad
    }
}

/// Seals `payload`, which is zero beyond `header.length`, as the sector.
///
/// # Errors
/// [`Error::Crypto`] if the cipher refuses; never for this length.
pub fn seal(
    binding: &Binding,
    cipher: &SectorCipher,
    sealer: &Sealer,
    index: SectorIndex,
    header: SectorHeader,
    payload: &[u8; PAYLOAD_LEN],
    sector: &mut [u8; SECTOR_LEN],
) -> Result<()> {
    let encoded = header.encode();
    let sealed = &mut sector[PAYLOAD_AT..TAG_AT];
    let (nonce, tag) = sealer.seal(cipher, &binding.aad(index, encoded), payload, sealed)?;
    sector[..NONCE_LEN].copy_from_slice(&nonce);
    sector[NONCE_LEN..PAYLOAD_AT].copy_from_slice(&encoded);
    sector[TAG_AT..].copy_from_slice(&tag);
    Ok(())
}

/// Opens a sector into `payload`. On error `payload` holds nothing useful.
///
/// # Errors
/// [`Error::Crypto`] when it was changed, moved or is foreign; [`Error::SectorHeader`] when what it
/// says about itself is not what this version writes.
pub fn open(
    binding: &Binding,
    opener: &mut Opener<'_>,
    index: SectorIndex,
    sector: &[u8; SECTOR_LEN],
    payload: &mut [u8; PAYLOAD_LEN],
) -> Result<SectorHeader> {
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&sector[..NONCE_LEN]);
    let mut encoded = [0; 8];
    encoded.copy_from_slice(&sector[NONCE_LEN..PAYLOAD_AT]);
    let mut tag = [0; TAG_LEN];
    tag.copy_from_slice(&sector[TAG_AT..]);
    let sealed = &sector[PAYLOAD_AT..TAG_AT];
    opener.open(&nonce, &binding.aad(index, encoded), sealed, &tag, payload)?;
    SectorHeader::decode(encoded)
}

/// Whether all bytes are zero: a hole, where the file's header allows holes.
pub fn is_zero(sector: &[u8; SECTOR_LEN]) -> bool {
    // A nonce of zeros is never drawn, so nearly every sector is told by its first bytes.
    sector[..NONCE_LEN].iter().all(|byte| *byte == 0) && sector.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Key;

    fn sealed(index: u64) -> (Binding, SectorCipher, [u8; SECTOR_LEN]) {
        let cipher = SectorCipher::new(Suite::Xaes256Gcm, &Key::take(&mut [9; 32]));
        let binding = Binding { file_id: [5; 16], suite: Suite::Xaes256Gcm };
        let (mut payload, mut sector) = ([0; PAYLOAD_LEN], [0; SECTOR_LEN]);
        payload[..3].copy_from_slice(b"abc");
        let header = SectorHeader { length: 3, last: true };
        let sealer = cipher.sealer().unwrap();
        let index = SectorIndex(index);
        seal(&binding, &cipher, &sealer, index, header, &payload, &mut sector).unwrap();
        (binding, cipher, sector)
    }

    #[test]
    fn a_sealed_sector_opens_at_its_own_place_only() {
        let (binding, cipher, sector) = sealed(7);
        let mut payload = [1; PAYLOAD_LEN];
        let mut opener = cipher.opener();
        let header = open(&binding, &mut opener, SectorIndex(7), &sector, &mut payload).unwrap();
        assert_eq!(header, SectorHeader { length: 3, last: true });
        assert_eq!(&payload[..4], b"abc\0");
        assert!(open(&binding, &mut opener, SectorIndex(8), &sector, &mut payload).is_err());
        let foreign = Binding { file_id: [6; 16], ..binding };
        assert!(open(&foreign, &mut opener, SectorIndex(7), &sector, &mut payload).is_err());
        let other_suite = Binding { suite: Suite::XChaCha20Poly1305, ..binding };
        assert!(open(&other_suite, &mut opener, SectorIndex(7), &sector, &mut payload).is_err());
    }

    #[test]
    fn any_flipped_bit_of_a_sector_is_refused() {
        let (binding, cipher, mut sector) = sealed(0);
        let mut payload = [0; PAYLOAD_LEN];
        let mut opener = cipher.opener();
        for bit in 0..SECTOR_LEN * 8 {
            sector[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&binding, &mut opener, SectorIndex(0), &sector, &mut payload).is_err());
            sector[bit / 8] ^= 1 << (bit % 8);
        }
        open(&binding, &mut opener, SectorIndex(0), &sector, &mut payload).unwrap();
    }

    #[test]
    fn malformed_sector_headers_are_refused() {
        for bytes in [
            [0, 0, 1, 0, 0, 0, 0, 0],
            [1, 0, 0, 0, 0, 0, 0, 0],
            [1, 0, 2, 0, 0, 0, 0, 0],
            [1, 0, 1, 0, 0, 0, 0, 1],
            [0xd1, 0x0f, 1, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(SectorHeader::decode(bytes), Err(Error::SectorHeader));
        }
    }
}
