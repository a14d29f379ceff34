//! A client of key servers that speak KMIP 1.x or 2.x (OASIS, Key Management Interoperability Protocol),
//! over TLS with a certificate on both sides. It knows one operation: getting a symmetric key or a
//! secret by its identifier.
//!
//! All of an attempt, looking the host's name up included, ends by one deadline, however slowly the
//! server trickles. What it answers is bounded in length and depth.

mod connection;
mod lookup;
mod message;
mod tls;
mod ttlv;

use super::config::Kmip;
use super::file;
use crate::crypto::SecretBytes;
use connection::Connection;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Versions that are tried, in this order, while a server says that it does not know one.
const VERSIONS: [Version; 5] =
    [Version(1, 4), Version(2, 1), Version(2, 0), Version(1, 2), Version(1, 0)];

/// Major and minor version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub i32, pub i32);

/// Why a key server gave no key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate or key file cannot be read.
    #[error(transparent)]
    File(#[from] file::Error),
    /// A certificate or key file does not hold what it should.
    #[error("{path} does not hold {what} in PEM", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Certificate and key cannot be used.
    #[error("the client's certificate and key for {server} cannot be used: {source}")]
    Client {
        /// The server.
        server: String,
        /// Why not.
        source: rustls::Error,
    },
    /// `server` or `server_name` is no name.
    #[error("{0:?} is no host name or address")]
    Name(String),
    /// The host's name is not known.
    #[error("the host name of the key server {0} cannot be looked up")]
    Lookup(String),
    /// Nobody listens there.
    #[error("the key server {server} cannot be reached: {source}")]
    Unreachable {
        /// The server.
        server: String,
        /// The kernel's reason.
        source: io::Error,
    },
    /// It did not answer in time.
    #[error("the key server {0} did not answer in time")]
    TimedOut(String),
    /// It went away in the middle.
    #[error("the key server {server} broke the connection off: {source}")]
    Broken {
        /// The server.
        server: String,
        /// The kernel's reason.
        source: io::Error,
    },
    /// One side does not accept the other: expired, foreign, another name, or no TLS at all.
    #[error("no secure connection to the key server {server}: {source}")]
    Tls {
        /// The server.
        server: String,
        /// Why not.
        source: rustls::Error,
    },
    /// It answered something else than KMIP.
    #[error("the key server {0} gave an answer that is not understood")]
    Garbage(String),
    /// It knows none of the protocol's versions that are known here.
    #[error("the key server {0} speaks no version of KMIP that is known here")]
    Versions(String),
    /// It refuses.
    #[error("the key server {server} refuses key {object}: {reason}")]
    Refused {
        /// The server.
        server: String,
        /// The key's identifier.
        object: String,
        /// What it says, without control characters.
        reason: String,
    },
    /// What it has under the identifier is no key in the clear.
    #[error(
        "key {object} of the key server {server} is neither a symmetric key nor a secret in raw form"
    )]
    WrongObject {
        /// The server.
        server: String,
        /// The key's identifier.
        object: String,
    },
}

impl Error {
    /// Whether another attempt may succeed: nobody answered, as yet.
    pub fn may_pass(&self) -> bool {
        use Error as E;
        matches!(self, E::Lookup(_) | E::Unreachable { .. } | E::TimedOut(_) | E::Broken { .. })
    }
}

/// Gets the key that the configuration names.
///
/// # Errors
/// Why there is none; no part of a key is in them.
pub fn get(config: &Kmip, limit: Duration) -> Result<SecretBytes, Error> {
    let deadline = Instant::now() + limit;
    let client = tls::Client::new(config)?;
    for version in VERSIONS {
        let mut connection = Connection::open(config, &client, deadline)?;
        let answer = connection.ask(message::get(version, &config.object).expose())?;
        match message::key(answer.expose()) {
            Ok(key) => return Ok(key),
            Err(message::Refusal::Version) => {}
            Err(refusal) => return Err(refused(config, refusal)),
        }
    }
    Err(Error::Versions(config.server.clone()))
}

fn refused(config: &Kmip, refusal: message::Refusal) -> Error {
    let (server, object) = (config.server.clone(), config.object.clone());
    match refusal {
        message::Refusal::Garbage => Error::Garbage(server),
        message::Refusal::Version => Error::Versions(server),
        message::Refusal::WrongObject => Error::WrongObject { server, object },
        message::Refusal::Reason(reason) => Error::Refused { server, object, reason },
    }
}
