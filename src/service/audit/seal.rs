//! Seals: lines that only somebody with the keystore's key can write. A seal stands for itself and, by the
//! chain, for every line before it.
//!
//! When the keystore's master key is changed, the key is another one. The earlier ones still check what they
//! sealed, and nothing that follows a seal of a newer one.

use super::line::{self, Envelope, Fields, Head};
use crate::crypto::{Key, mac};

/// The event of a seal.
pub const EVENT: &str = "seal";

const DOMAIN: &[u8] = b"ezncrypt v1 audit seal\0";

/// Makes and checks the seals of one instance.
pub struct Sealer {
    key: Key,
    /// Those before it, the oldest first.
    former: Vec<Key>,
    keystore_id: [u8; 16],
}

impl Sealer {
    /// With the key that the keystore of this id gives.
    pub fn new(key: Key, keystore_id: [u8; 16]) -> Self {
        Self { key, former: Vec::new(), keystore_id }
    }

    /// With the keys that sealed before, the oldest first.
    #[must_use]
    pub fn with_former(mut self, former: Vec<Key>) -> Self {
        self.former = former;
        self
    }

    /// A second one, whose key wipes itself as the first's does.
    pub fn duplicate(&self) -> Self {
        let former = self.former.iter().map(Key::duplicate).collect();
        Self { key: self.key.duplicate(), former, keystore_id: self.keystore_id }
    }

    /// The fields of the seal that follows `before`.
    pub fn fields(&self, before: &Head, time: &str) -> Option<Fields> {
        let message = self.message(before.sequence.checked_add(1)?, &before.hash, time);
        let tag = mac::tag(&self.key, &message).ok()?;
        Some(Fields::from_iter([("mac".into(), super::super::hex(&tag).into())]))
    }

    /// Whether the line is a seal, in each of its bytes, of one of the keys from number `from` on (from 0,
    /// the oldest); says of which.
    pub fn holds(&self, bytes: &[u8], envelope: &Envelope<'_>, from: usize) -> Option<usize> {
        let keys = self.former.iter().chain([&self.key]).enumerate().skip(from);
        let mut held = keys.filter(|(_, key)| self.holds_by(key, bytes, envelope));
        held.next().map(|(number, _)| number)
    }

    fn holds_by(&self, key: &Key, bytes: &[u8], envelope: &Envelope<'_>) -> bool {
        let Some(fields) = line::fields(bytes) else { return false };
        let tag = fields.get("mac").and_then(|tag| tag.as_str()).and_then(line::digest);
        let (Some(tag), Some(number)) = (tag, envelope.sequence.checked_sub(1)) else {
            return false;
        };
        let message = self.message(envelope.sequence, &envelope.prev, envelope.time);
        let before = Head { sequence: number, hash: envelope.prev };
        let only = Fields::from_iter([("mac".into(), super::super::hex(&tag).into())]);
        mac::check(key, &message, &tag).is_ok()
            && line::encode(&before, envelope.time, EVENT, &only).as_bytes() == bytes
    }

    /// What is authenticated. All parts but the last have fixed lengths.
    fn message(&self, sequence: u64, prev: &[u8; 32], time: &str) -> Vec<u8> {
        let number = sequence.to_le_bytes();
        [DOMAIN, &self.keystore_id, &number, prev, time.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_of_one_key_one_keystore_and_one_place_in_the_chain() {
        let sealer = |key, id| Sealer::new(Key::take(&mut [key; 32]), [id; 16]);
        let before = Head { sequence: 4, hash: [9; 32] };
        let mine = sealer(1, 1);
        let fields = mine.fields(&before, "t").unwrap();
        let holds = |sealer: &Sealer, text: &str| {
            line::parse(text.as_bytes())
                .is_some_and(|e| sealer.holds(text.as_bytes(), &e, 0).is_some())
        };
        let text = line::encode(&before, "t", EVENT, &fields);
        assert!(holds(&mine, &text) && holds(&mine.duplicate(), &text));
        assert!(!holds(&sealer(2, 1), &text) && !holds(&sealer(1, 2), &text));
        for other in [Head { sequence: 5, ..before }, Head { hash: [8; 32], ..before }] {
            assert!(!holds(&mine, &line::encode(&other, "t", EVENT, &fields)));
        }
        assert!(!holds(&mine, &line::encode(&before, "u", EVENT, &fields)));
        assert!(!holds(&mine, &text.replace("\"mac\"", "\"more\":1,\"mac\"")));
        assert!(!holds(&mine, &line::encode(&before, "t", EVENT, &Fields::new())));
    }

    #[test]
    fn the_message_is_as_documented() {
        let sealer = Sealer::new(Key::take(&mut [1; 32]), [2; 16]);
        let mut expected = b"ezncrypt v1 audit seal\0".to_vec();
        expected.extend([2; 16]);
        expected.extend([5, 1, 0, 0, 0, 0, 0, 0]);
        expected.extend([3; 32]);
        expected.extend(b"2026-01-02T03:04:05Z");
        assert_eq!(sealer.message(0x105, &[3; 32], "2026-01-02T03:04:05Z"), expected);
    }
}
