//! What has been done since the mount.

use super::wire::abi::opcode;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Totals since the mount, for `status`.
pub struct Counters {
    /// Requests by what they asked for, as the kernel numbers it.
    kinds: [AtomicU64; opcode::COUNT],
    /// Bytes of plaintext given out.
    pub bytes_read: AtomicU64,
    /// Bytes of plaintext taken in.
    pub bytes_written: AtomicU64,
    /// Syncs that were asked for (`fsync`, and each write of an `O_SYNC` handle).
    pub syncs: AtomicU64,
    /// Requests that met damaged bytes.
    pub integrity_errors: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            kinds: [const { AtomicU64::new(0) }; opcode::COUNT],
            bytes_read: AtomicU64::default(),
            bytes_written: AtomicU64::default(),
            syncs: AtomicU64::default(),
            integrity_errors: AtomicU64::default(),
        }
    }
}

impl Counters {
    pub(super) fn count(&self, opcode: u32) {
        if let Some(kind) = self.kinds.get(opcode as usize) {
            kind.fetch_add(1, Relaxed);
        }
    }

    /// Requests that the kernel sent, those included that it waits for no answer to.
    pub fn requests(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.load(Relaxed)).sum()
    }

    /// The same by the kernel's names of what they asked for; those that there were.
    pub fn by_kind(&self) -> BTreeMap<String, u64> {
        let counts = self.kinds.iter().zip(0_u32..).map(|(kind, number)| {
            let name = opcode::name(number).map_or_else(|| number.to_string(), str::to_owned);
            (name, kind.load(Relaxed))
        });
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_kind() {
        let counters = Counters::default();
        for opcode in [opcode::READ, opcode::READ, opcode::LOOKUP, 63, 64, u32::MAX] {
            counters.count(opcode);
        }
        let expected = [("63", 1), ("LOOKUP", 1), ("READ", 2)].map(|(name, n)| (name.into(), n));
        assert_eq!((counters.requests(), counters.by_kind()), (4, expected.into()));
    }
}
