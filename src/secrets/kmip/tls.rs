//! The secure connection: who the server must be, and who the client is.

use super::Error;
use crate::secrets::config::Kmip;
use crate::secrets::file;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// Longest certificate or key file accepted, in bytes.
const MAX_FILE: usize = 256 << 10;

/// A client that can prove who it is to one server.
pub(super) struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Client {
    /// Reads certificates and key.
    pub fn new(config: &Kmip) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates(&config.ca)?);
        if added == 0 {
            return Err(Error::Pem { path: config.ca.clone(), what: "a certificate" });
        }
        let chain = certificates(&config.certificate)?;
        let key = file::content(&config.key, MAX_FILE)?;
        let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| Error::Pem {
            path: config.key.clone(),
            what: "a private key without a password",
        })?;
        let unusable = |source| Error::Client { server: config.server.clone(), source };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(unusable)?;
        let name = config.server_name.as_deref().unwrap_or(host_and_port(&config.server).0);
        let name = ServerName::try_from(name.to_owned()).map_err(|_| Error::Name(name.into()))?;
        Ok(Self { config: Arc::new(tls), name })
    }

    /// A session to begin.
    pub fn session(&self) -> Result<ClientConnection, rustls::Error> {
        ClientConnection::new(self.config.clone(), self.name.clone())
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let content = file::public(path, MAX_FILE)?;
    let wrong = || Error::Pem { path: path.into(), what: "a certificate" };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content.expose()).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(wrong)
}

/// Host and port of `host:port`, `[v6]:port` or a host alone.
pub(super) fn host_and_port(server: &str) -> (&str, u16) {
    let split = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => Some((host, rest.strip_prefix(':').unwrap_or(rest))),
        // More than one colon is an IPv6 address without a port.
        None => server.split_once(':').filter(|(_, port)| !port.contains(':')),
    };
    match split {
        Some((host, port)) => (host, port.parse().unwrap_or(PORT)),
        None => (server, PORT),
    }
}

/// KMIP's own port.
const PORT: u16 = 5696;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_told_apart() {
        assert_eq!(host_and_port("k.example:15"), ("k.example", 15));
        assert_eq!(host_and_port("k.example"), ("k.example", 5696));
        assert_eq!(host_and_port("[::1]:16"), ("::1", 16));
        assert_eq!(host_and_port("[::1]"), ("::1", 5696));
        assert_eq!(host_and_port("fe80::1"), ("fe80::1", 5696));
    }
}
