//! Getting the service's own secret, from wherever the configuration says, within bounded time.

use super::config::{Source, Unattended};
use super::{MAX_LEN, command, file, kmip, without_newline};
use crate::crypto::SecretBytes;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Shortest secret accepted, in bytes: less can be guessed.
pub const MIN_LEN: usize = 16;

/// How long to wait before the second attempt; before each further one twice as long, at most
/// [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read, or not trusted.
    #[error(transparent)]
    File(#[from] file::Error),
    /// A program gave nothing.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// A key server gave nothing.
    #[error("key server {server}: {source}")]
    Kmip {
        /// Its address.
        server: String,
        /// Why it gave nothing.
        source: Box<kmip::Error>,
    },
    /// systemd handed no credentials over.
    #[error("there is no credential {0}: CREDENTIALS_DIRECTORY is not set")]
    NoCredentials(String),
    /// It is too short to be a secret.
    #[error("the secret from {source} has {length} bytes, less than {MIN_LEN}", source = .from)]
    Short {
        /// Where it came from.
        from: String,
        /// Its length.
        length: usize,
    },
    /// It is longer than a secret can be.
    #[error("the secret from {0} has more than {MAX_LEN} bytes")]
    Long(String),
}

impl Error {
    /// Whether another attempt may succeed: somebody does not answer yet.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Command(command::Error::TimedOut { .. } | command::Error::Failed { .. }) => true,
            Self::Kmip { source, .. } => source.may_pass(),
            _ => false,
        }
    }
}

/// The secret. An attempt that fails for a reason that may pass is repeated for as long as the
/// configuration says; `tell` hears of each and for how long it is waited.
///
/// # Errors
/// The last attempt's.
pub fn fetch(
    config: &Unattended,
    tell: &mut dyn FnMut(&Error, Duration),
) -> Result<SecretBytes, Error> {
    let until = Instant::now() + config.retry_for;
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match attempt(config) {
            Err(error) if error.may_pass() && Instant::now() + pause <= until => error,
            done => return done,
        };
        tell(&error, pause);
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn attempt(config: &Unattended) -> Result<SecretBytes, Error> {
    let secret = match &config.source {
        Source::File(path) => file::secret(path)?,
        Source::Command { argv, stdin } => {
            without_newline(command::output(argv, stdin.as_deref(), config.timeout)?)
        }
        Source::Credential(name) => file::secret(&credential(name)?)?,
        Source::Kmip(server) => kmip::get(server, config.timeout).map_err(|source| {
            Error::Kmip { server: server.server.clone(), source: Box::new(source) }
        })?,
    };
    let from = || config.source.to_string();
    match secret.expose().len() {
        length if length < MIN_LEN => Err(Error::Short { from: from(), length }),
        length if length > MAX_LEN => Err(Error::Long(from())),
        _ => Ok(secret),
    }
}

/// Where systemd puts a credential (systemd.exec(5), CREDENTIALS).
fn credential(name: &str) -> Result<PathBuf, Error> {
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY");
    let directory = directory.ok_or_else(|| Error::NoCredentials(name.into()))?;
    Ok(Path::new(&directory).join(name))
}
