//! For the fuzzers: which files can be opened often.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::openssh;
use super::pem::Pem;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Decode;
use pkcs8::pkcs5::pbes2::Kdf;

/// Whether deriving the key from the password is a matter of milliseconds, or is refused.
pub fn is_cheap(file: &[u8]) -> bool {
    let Ok(file) = Pem::read(file) else { return true };
    match file.label.as_str() {
        "ENCRYPTED PRIVATE KEY" => {
            let Ok(info) = EncryptedPrivateKeyInfoRef::from_der(file.body.expose()) else {
                return true;
            };
            info.encryption_algorithm.pbes2().is_none_or(|parameters| match &parameters.kdf {
                Kdf::Pbkdf2(kdf) => kdf.iteration_count <= 4096,
                Kdf::Scrypt(kdf) => {
                    let (n, r, p) = (kdf.cost_parameter, kdf.block_size, kdf.parallelization);
                    n <= 64 && r <= 8 && p <= 2
                }
                _ => true,
            })
        }
        "OPENSSH PRIVATE KEY" => openssh::rounds(&file).is_none_or(|rounds| rounds <= 2),
        _ => true,
    }
}
