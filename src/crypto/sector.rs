//! Sealing and opening sectors: one AEAD under a file's key, 192-bit nonces, detached tags.
//!
//! AES-256-GCM comes from aws-lc-rs, which is the fast one; the tests check it against RustCrypto's.

use super::secret::burning;
use super::xaes::Deriver;
use super::{Error, Key, Result, random};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Bytes of a nonce.
pub const NONCE_LEN: usize = 24;
/// Bytes of a tag.
pub const TAG_LEN: usize = 16;

/// The cipher of a category's files, by its number in the file header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Suite {
    /// XAES-256-GCM (C2SP): the default where the CPU has AES instructions.
    Xaes256Gcm = 1,
    /// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): for CPUs without them.
    XChaCha20Poly1305 = 2,
}

impl Suite {
    /// The suite that is fast on this CPU.
    pub fn for_this_cpu() -> Self {
        #[cfg(target_arch = "x86_64")]
        let has_aes = std::arch::is_x86_feature_detected!("aes")
            && std::arch::is_x86_feature_detected!("pclmulqdq");
        #[cfg(target_arch = "aarch64")]
        let has_aes = std::arch::is_aarch64_feature_detected!("aes");
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let has_aes = false;
        if has_aes { Self::Xaes256Gcm } else { Self::XChaCha20Poly1305 }
    }
}

impl TryFrom<u16> for Suite {
    type Error = Error;

    fn try_from(number: u16) -> Result<Self> {
        match number {
            1 => Ok(Self::Xaes256Gcm),
            2 => Ok(Self::XChaCha20Poly1305),
            other => Err(Error::UnknownSuite(other)),
        }
    }
}

/// A file's key, ready to seal and open its sectors. Shared by all handles of the file.
pub struct SectorCipher {
    kind: Kind,
    /// The subkey of the first sealer, which most of what it opens was sealed by.
    own: OnceLock<Arc<Subkey>>,
    /// The last other subkey that an opener met.
    met: Mutex<Option<Arc<Subkey>>>,
}

/// An AES-256-GCM key, and the nonce prefix that it belongs to. Deriving it takes longer than opening a sector.
struct Subkey {
    prefix: [u8; 12],
    key: LessSafeKey,
}

enum Kind {
    Xaes(Box<Deriver>),
    XChaCha(Box<XChaCha20Poly1305>),
}

impl SectorCipher {
    /// Prepares `key` for `suite`.
    pub fn new(suite: Suite, key: &Key) -> Self {
        let kind = burning(|| match suite {
            Suite::Xaes256Gcm => Kind::Xaes(Box::new(Deriver::new(key))),
            Suite::XChaCha20Poly1305 => {
                Kind::XChaCha(Box::new(XChaCha20Poly1305::new(key.expose().into())))
            }
        });
        Self { kind, own: OnceLock::new(), met: Mutex::new(None) }
    }

    /// A source of nonces for sealing. Each is drawn anew from the kernel, so any number of them, in
    /// any number of processes over any number of reboots, may seal under the same key.
    ///
    /// # Errors
    /// [`Error::Random`] when the kernel gives no random bytes.
    pub fn sealer(&self) -> Result<Sealer> {
        let seed = random::<NONCE_LEN>()?;
        let mut prefix = [0; 16];
        prefix.copy_from_slice(&seed[..16]);
        let mut start = [0; 8];
        start.copy_from_slice(&seed[16..]);
        let subkey = self.subkey(&first_half(&seed))?.map(Arc::new);
        if let Some(subkey) = &subkey {
            self.own.get_or_init(|| subkey.clone());
        }
        Ok(Sealer { prefix, next: AtomicU64::new(u64::from_le_bytes(start)), subkey })
    }

    /// A reader of any number of sectors.
    pub fn opener(&self) -> Opener<'_> {
        Opener { cipher: self, last: None }
    }

    /// The AES-256-GCM subkey for a nonce prefix; none for XChaCha20-Poly1305.
    fn subkey(&self, prefix: &[u8; 12]) -> Result<Option<Subkey>> {
        match &self.kind {
            Kind::Xaes(deriver) => {
                let subkey = deriver.subkey(prefix);
                let key =
                    UnboundKey::new(&AES_256_GCM, subkey.expose()).map_err(|_| Error::Seal)?;
                Ok(Some(Subkey { prefix: *prefix, key: LessSafeKey::new(key) }))
            }
            Kind::XChaCha(_) => Ok(None),
        }
    }

    /// As [`SectorCipher::subkey`], without deriving the one that was asked for last.
    fn met(&self, prefix: &[u8; 12]) -> Result<Option<Arc<Subkey>>> {
        let last = || self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(subkey) = last().as_ref().filter(|subkey| subkey.prefix == *prefix) {
            return Ok(Some(subkey.clone()));
        }
        let subkey = self.subkey(prefix)?.map(Arc::new);
        last().clone_from(&subkey);
        Ok(subkey)
    }
}

/// Hands out nonces that never repeat: 16 random bytes, then a counter from a random start.
pub struct Sealer {
    prefix: [u8; 16],
    next: AtomicU64,
    subkey: Option<Arc<Subkey>>,
}

impl Sealer {
    /// Seals `text` into `sealed`, which has the same length, under a nonce never used before and returns nonce
    /// and tag.
    ///
    /// # Errors
    /// [`Error::Seal`] if the cipher refuses, or the lengths differ; never for a sector's length.
    pub fn seal(
        &self,
        cipher: &SectorCipher,
        aad: &[u8],
        text: &[u8],
        sealed: &mut [u8],
    ) -> Result<([u8; NONCE_LEN], [u8; TAG_LEN])> {
        let mut nonce = [0; NONCE_LEN];
        nonce[..16].copy_from_slice(&self.prefix);
        nonce[16..].copy_from_slice(&self.next.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        let mut tag = [0; TAG_LEN];
        match (&cipher.kind, &self.subkey) {
            (Kind::Xaes(_), Some(subkey)) => {
                let (nonce, aad) = (gcm_nonce(&nonce), Aad::from(aad));
                subkey
                    .key
                    .seal_out_of_place_scatter(nonce, aad, text, sealed, &[], &mut tag)
                    .map_err(|_| Error::Seal)?;
            }
            (Kind::XChaCha(xchacha), _) => {
                let both = InOutBuf::new(text, sealed).map_err(|_| Error::Seal)?;
                let made = xchacha
                    .encrypt_inout_detached(&XNonce::from(nonce), aad, both)
                    .map_err(|_| Error::Seal)?;
                tag.copy_from_slice(&made);
            }
            (Kind::Xaes(_), None) => return Err(Error::Seal),
        }
        Ok((nonce, tag))
    }
}

#[cfg(test)]
impl Sealer {
    /// The next nonce is once more the last one: what must never be.
    pub fn rewind(&self) {
        self.next.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens sectors one after another; neighbours usually share a nonce prefix and so a subkey.
pub struct Opener<'a> {
    cipher: &'a SectorCipher,
    last: Option<Arc<Subkey>>,
}

impl Opener<'_> {
    /// Opens `sealed` into `text`, which has the same length. On error `text` holds nothing useful.
    ///
    /// # Errors
    /// [`Error::Authentication`] when key, nonce, `aad`, bytes or tag differ from what was sealed.
    pub fn open(
        &mut self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        tag: &[u8; TAG_LEN],
        text: &mut [u8],
    ) -> Result<()> {
        match &self.cipher.kind {
            Kind::Xaes(_) => self
                .subkey_for(&first_half(nonce))?
                .open_separate_gather(gcm_nonce(nonce), Aad::from(aad), sealed, tag, text)
                .map_err(|_| Error::Authentication),
            Kind::XChaCha(xchacha) => {
                let both = InOutBuf::new(sealed, text).map_err(|_| Error::Authentication)?;
                xchacha
                    .decrypt_inout_detached(&XNonce::from(*nonce), aad, both, &Tag::from(*tag))
                    .map_err(|_| Error::Authentication)
            }
        }
    }

    fn subkey_for(&mut self, prefix: &[u8; 12]) -> Result<&LessSafeKey> {
        let own = self.cipher.own.get();
        if let Some(own) = own.filter(|own| own.prefix == *prefix) {
            return Ok(&own.key);
        }
        if self.last.as_ref().is_none_or(|last| last.prefix != *prefix) {
            self.last = self.cipher.met(prefix)?;
        }
        self.last.as_ref().map(|last| &last.key).ok_or(Error::Authentication)
    }
}

fn first_half(nonce: &[u8; NONCE_LEN]) -> [u8; 12] {
    let mut half = [0; 12];
    half.copy_from_slice(&nonce[..12]);
    half
}

fn gcm_nonce(nonce: &[u8; NONCE_LEN]) -> Nonce {
    let mut half = [0; 12];
    half.copy_from_slice(&nonce[12..]);
    Nonce::assume_unique_for_key(half)
}

#[cfg(test)]
#[path = "sector_tests.rs"]
mod tests;
