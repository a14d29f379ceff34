//! Numbers that look random, the same after the same seed.

/// xorshift64; the seed must not be 0.
pub struct Random(pub u64);

impl Random {
    /// The next number, less than `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
