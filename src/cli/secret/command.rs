//! A program that prints the secret: the passphrase on the first line, the salt on the second.

use crate::cli::shell_words;
use crate::crypto::SecretBytes;
use crate::secrets::command;
use crate::service::protocol::{Failure, FailureKind, Secret};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

/// How long the program may take: it may ask somebody.
const LIMIT: Duration = Duration::from_secs(120);

pub(super) fn read(line: &OsStr) -> Result<Secret, Failure> {
    let words = shell_words::split(line.as_bytes()).map_err(|error| {
        Failure::new(FailureKind::Usage, format!("--credential-command: {error}"))
    })?;
    let argv: Vec<OsString> = words.into_iter().map(OsString::from_vec).collect();
    let printed = command::output(&argv, None, LIMIT).map_err(|error| {
        let kind = match error {
            command::Error::NotAbsolute => FailureKind::Usage,
            _ => FailureKind::Unavailable,
        };
        Failure::new(kind, format!("--credential-command: {error}"))
    })?;
    let mut lines = printed.expose().splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().filter(|line| !line.is_empty()).map(<[u8]>::to_vec);
    match (line().map(SecretBytes::new), line().map(SecretBytes::new)) {
        (Some(passphrase), Some(salt)) => Ok(Secret::Passphrase { passphrase, salt }),
        _ => {
            let message = "--credential-command: the program did not print two lines";
            Err(Failure::new(FailureKind::Failed, message)
                .hint("it prints the passphrase on the first line and the salt on the second"))
        }
    }
}
