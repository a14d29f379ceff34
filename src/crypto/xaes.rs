//! XAES-256-GCM (c2sp.org/XAES-256-GCM): the subkey derivation.
//!
//! A 192-bit nonce is split: its first 12 bytes choose a subkey, its last 12 are the AES-256-GCM
//! nonce under that subkey. Whoever keeps the first half fixed derives once and reuses the subkey.

use super::Key;
use super::secret::burning;
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroize;

/// Derives subkeys from one input key; holds its key schedule and the CMAC subkey K1.
pub struct Deriver {
    cipher: Aes256,
    k1: [u8; 16],
}

impl Deriver {
    /// Prepares the derivation for `key` (steps 1 and 2 of the specification).
    pub fn new(key: &Key) -> Self {
        let cipher = Aes256::new(key.expose().into());
        let mut block = Array::from([0u8; 16]);
        // Some processors' code spreads the round keys, the first of which are the key, over the stack.
        burning(|| cipher.encrypt_block(&mut block));
        let l = u128::from_be_bytes(block.into());
        let k1 = (l << 1) ^ ((l >> 127) * 0b1000_0111);
        block.zeroize();
        Self { cipher, k1: k1.to_be_bytes() }
    }

    /// The subkey for a nonce that begins with `prefix` (steps 3 to 5).
    pub fn subkey(&self, prefix: &[u8; 12]) -> Key {
        let mut key = Key::zero();
        for (counter, half) in (1u8..).zip(key.expose_mut().chunks_exact_mut(16)) {
            let mut block = [0u8; 16];
            block[..4].copy_from_slice(&[0, counter, b'X', 0]);
            block[4..].copy_from_slice(prefix);
            for (byte, mask) in block.iter_mut().zip(self.k1) {
                *byte ^= mask;
            }
            let mut block = Array::from(block);
            burning(|| self.cipher.encrypt_block(&mut block));
            half.copy_from_slice(&block);
            block.zeroize();
        }
        key
    }
}

impl Drop for Deriver {
    fn drop(&mut self) {
        self.k1.zeroize();
    }
}
