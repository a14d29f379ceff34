//! Who we are, and whom we believe: certificates and a private key in PEM files.

use super::Error;
use crate::crypto::{SecretBytes, burn_stack};
use crate::secrets::config::Kmip;
use crate::secrets::file;
use base64ct::{Base64, Encoding};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// Longest file that is read, in bytes.
const LONGEST: usize = 256 << 10;

/// What TLS needs to know of us.
///
/// # Errors
/// When a file cannot be read, holds something else, or lets others read the private key.
pub fn load(server: &Kmip) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&server.ca)? {
        roots.add(certificate).map_err(|_| not_pem(&server.ca, "certificate"))?;
    }
    let chain = certificates(&server.certificate)?;
    let certified = CertifiedKey::new(chain, private_key(&server.key)?);
    match certified.keys_match() {
        // Of some kinds of keys the public half cannot be told.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(error) => return Err(Error::Own(error)),
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(Error::Own)?.with_root_certificates(roots);
    let mut config = config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    // Each connection is the only one.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The private key, read through memory that is wiped: what TLS makes of it, the C library wipes.
fn private_key(path: &Path) -> Result<Arc<dyn SigningKey>, Error> {
    let file = file::content(path, LONGEST)?;
    let (label, der) = unarmoured(file.expose()).ok_or_else(|| not_pem(path, "private key"))?;
    let der = der.expose();
    let key = match label {
        "PRIVATE KEY" => PrivateKeyDer::Pkcs8(der.into()),
        "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(der.into()),
        _ => PrivateKeyDer::Sec1(der.into()),
    };
    let key = aws_lc_rs::sign::any_supported_type(&key).map_err(Error::Own);
    burn_stack();
    key
}

/// The first private key in a file in PEM: what stands after `BEGIN`, and its bytes. `pki_types` reads such
/// files too, and leaves its copies in memory.
fn unarmoured(file: &[u8]) -> Option<(&str, SecretBytes)> {
    let labels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
    let mut lines = std::str::from_utf8(file).ok()?.lines().map(str::trim);
    let begin = |line: &str| {
        let label = line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
        labels.into_iter().find(|known| *known == label)
    };
    let label = lines.by_ref().find_map(begin)?;
    let mut encoded = SecretBytes::new(Vec::with_capacity(file.len()));
    loop {
        match lines.next()? {
            line if line.starts_with("-----END ") => break,
            line => encoded.expose_mut().extend_from_slice(line.as_bytes()),
        }
    }
    let mut der = SecretBytes::new(vec![0; encoded.expose().len()]);
    let length = Base64::decode(encoded.expose(), der.expose_mut()).ok()?.len();
    der.expose_mut().truncate(length);
    Some((label, der))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = file::public(path, LONGEST)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(not_pem(path, "certificate")),
    }
}

fn not_pem(path: &Path, what: &'static str) -> Error {
    Error::Pem { path: path.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_private_key_of_a_file_is_read_whatever_stands_before_it() {
        let file = "text\n-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n\
                    -----BEGIN EC PRIVATE KEY-----\r\nAQID\r\nBA==\r\n-----END EC PRIVATE KEY-----\n";
        let (label, der) = unarmoured(file.as_bytes()).unwrap();
        assert_eq!((label, der.expose()), ("EC PRIVATE KEY", &[1, 2, 3, 4][..]));
        for wrong in [
            "",
            "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\nAQID\n",
            "-----BEGIN PRIVATE KEY-----\nno base64\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(unarmoured(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
