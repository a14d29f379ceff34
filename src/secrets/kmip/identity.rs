//! Who we are, and whom we believe: certificates and a private key in PEM files.

use super::Error;
use crate::secrets::config::Kmip;
use crate::secrets::file;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
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
    let pem = file::content(&server.key, LONGEST)?;
    let key = PrivateKeyDer::from_pem_slice(pem.expose());
    let key = key.map_err(|_| not_pem(&server.key, "private key"))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(Error::Own)?.with_root_certificates(roots);
    let mut config = config.with_client_auth_cert(chain, key).map_err(Error::Own)?;
    // Each connection is the only one.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
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
