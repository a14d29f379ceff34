//! PEM (RFC 7468), with the headers of RFC 1421 that encrypted PKCS#1 files have.

use super::{Error, MAX_FILE, Result};
use crate::crypto::SecretBytes;
use base64ct::{Base64, Encoding};

/// How the body is encrypted, by its `DEK-Info` header.
pub(super) struct Encryption {
    pub cipher: String,
    pub iv: Vec<u8>,
}

/// The first PEM block of a file.
pub(super) struct Pem {
    /// What stands after `BEGIN`.
    pub label: String,
    pub encryption: Option<Encryption>,
    /// The bytes, decoded.
    pub body: SecretBytes,
}

impl Pem {
    pub fn read(file: &[u8]) -> Result<Self> {
        if file.len() > MAX_FILE {
            return Err(Error::NotAKey);
        }
        let text = std::str::from_utf8(file).map_err(|_| Error::NotAKey)?;
        let mut lines = text.lines().map(str::trim_end);
        let label = lines.by_ref().find_map(begin).ok_or(Error::NotAKey)?;
        let mut encoded = SecretBytes::new(Vec::with_capacity(file.len()));
        let mut encryption = None;
        let end = format!("-----END {label}-----");
        loop {
            match lines.next() {
                None => return Err(Error::Malformed("whole")),
                Some(line) if line == end => break,
                Some(line) => match line.split_once(':') {
                    Some((name, value)) => {
                        encryption = header(name, value.trim())?.or(encryption);
                    }
                    None => encoded.expose_mut().extend_from_slice(line.as_bytes()),
                },
            }
        }
        let mut body = SecretBytes::new(vec![0; encoded.expose().len()]);
        let decoded = Base64::decode(encoded.expose(), body.expose_mut());
        let length = decoded.map_err(|_| Error::Malformed("base64"))?.len();
        body.expose_mut().truncate(length);
        Ok(Self { label: label.into(), encryption, body })
    }
}

fn begin(line: &str) -> Option<&str> {
    line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")
}

fn header(name: &str, value: &str) -> Result<Option<Encryption>> {
    if name != "DEK-Info" {
        return Ok(None);
    }
    let malformed = Error::Malformed("a DEK-Info header");
    let (cipher, iv) = value.split_once(',').ok_or(malformed.clone())?;
    let iv = unhex(iv).ok_or(malformed)?;
    Ok(Some(Encryption { cipher: cipher.into(), iv }))
}

/// Bytes from hex, which stands in the clear in the file.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0 && digits.len() <= 64)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
