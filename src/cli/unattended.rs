//! The service's own secret, as commands get it: from where the configuration file says.

use super::escape;
use super::progress::Screen;
use super::secret::{file_failure, keep_private};
use crate::secrets::config::{self, Configuration, Source, Unattended};
use crate::secrets::unattended::{self, Error};
use crate::secrets::{command, file, kmip};
use crate::service::Paths;
use crate::service::protocol::{Failure, FailureKind, Secret};
use std::time::Duration;

/// What the configuration says about unattended starts, if anything.
///
/// # Errors
/// As [`configuration`].
pub fn configured(paths: &Paths) -> Result<Option<Unattended>, Failure> {
    Ok(configuration(paths)?.unattended)
}

/// What the configuration says.
///
/// # Errors
/// Usage for a configuration that cannot be meant, denied for one that others may write.
pub fn configuration(paths: &Paths) -> Result<Configuration, Failure> {
    config::read(&paths.configuration()).map_err(|error| {
        let kind = match &error {
            config::Error::File(error) => return file_failure(error),
            config::Error::Untrusted { .. } => FailureKind::Denied,
            _ => FailureKind::Usage,
        };
        let failure = Failure::new(kind, error.to_string());
        match error {
            config::Error::Untrusted { path, .. } => {
                let path = escape::path(&path);
                failure.hint(format!("look at it first; then: chown root {path}; chmod 644 {path}"))
            }
            _ => failure.hint("docs/unattended.md shows each source"),
        }
    })
}

/// The secret that the configuration names.
///
/// # Errors
/// Usage where it names none; else as [`fetch`].
pub fn fetch_configured(paths: &Paths) -> Result<Secret, Failure> {
    fetch(&require(paths)?, &mut |_| {})
}

/// Makes the file with a new secret that the configuration names. One that is there stays as it is.
///
/// # Errors
/// Usage where the source is no file; failed when it exists or cannot be made.
pub fn generate(paths: &Paths) -> Result<(), Failure> {
    let Source::File(path) = require(paths)?.source else {
        let message = "--generate makes a file, and the configuration names another source";
        return Err(Failure::new(FailureKind::Usage, message));
    };
    file::generate(&path).map_err(|error| {
        let exists = matches!(error, file::Error::Exists(_));
        let failure = file_failure(&error);
        if exists { failure.hint("leave out --generate to use the secret in it") } else { failure }
    })
}

/// The secret from a source. What it waits for is shown; `waiting` is told, before each attempt, how long it
/// may be until the next time it is told.
///
/// # Errors
/// Unavailable when a program or key server gives none, denied when others can read a file.
pub fn fetch(source: &Unattended, waiting: &mut dyn FnMut(Duration)) -> Result<Secret, Failure> {
    keep_private();
    let mut screen = Screen::stderr();
    waiting(source.timeout);
    let tell = &mut |error: &Error, pause: Duration| {
        screen.say(&format!("{error}; trying again in {} s", pause.as_secs()));
        waiting(pause + source.timeout);
    };
    unattended::fetch(source, tell).map(Secret::Unattended).map_err(|error| failure(source, &error))
}

fn require(paths: &Paths) -> Result<Unattended, Failure> {
    configured(paths)?.ok_or_else(|| {
        let path = escape::path(&paths.configuration());
        let message = format!("no source of an unattended secret is configured in {path}");
        Failure::new(FailureKind::Usage, message).hint("docs/unattended.md shows each source")
    })
}

fn failure(source: &Unattended, error: &Error) -> Failure {
    match error {
        Error::File(error) => file_failure(error),
        Error::Kmip { source: why, .. } if !why.may_pass() => key_server_failure(error, why),
        Error::Command(command::Error::NotAbsolute) => {
            Failure::new(FailureKind::Usage, error.to_string())
        }
        Error::Short { .. } | Error::Long(_) => Failure::new(FailureKind::Usage, error.to_string())
            .hint("head -c 32 /dev/urandom | base64 -w0 makes a good one"),
        _ => Failure::new(FailureKind::Unavailable, error.to_string()).hint(format!(
            "make {} work, or show an administrator's secret: ezncrypt start --ask",
            source.source
        )),
    }
}

/// What will not pass by itself: somebody must look at a certificate, an object or a right.
fn key_server_failure(error: &Error, why: &kmip::Error) -> Failure {
    use kmip::Error as E;
    let (kind, hint) = match why {
        E::File(file) => return file_failure(file),
        E::ServerExpired
        | E::ServerForeign
        | E::ServerOtherName(_)
        | E::ServerCertificate(_)
        | E::Tls(_) => (FailureKind::Denied, "nothing was asked of it; check ca and server_name"),
        E::WeRefused(_) | E::Own(_) => {
            (FailureKind::Denied, "this machine needs a certificate that the key server accepts")
        }
        E::Refused { .. } => {
            (FailureKind::Denied, "check object, and what this machine may get there")
        }
        E::Malformed(_) => {
            (FailureKind::Failed, "check server: is it a KMIP server, at its TTLV port?")
        }
        _ => (FailureKind::Usage, "docs/unattended.md shows what the configuration names"),
    };
    Failure::new(kind, error.to_string()).hint(hint)
}
