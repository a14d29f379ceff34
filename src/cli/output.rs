//! Standard output: results, each written in one piece. A reader who went away is no failure.

use crate::service::protocol::{Failure, FailureKind};
use serde::Serialize;
use std::io::{self, ErrorKind, Write};
use zeroize::Zeroizing;

/// Writes `text` as it is.
///
/// # Errors
/// [`FailureKind::NoSpace`] or [`FailureKind::Failed`] when it cannot be written.
pub fn text(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

/// Writes bytes as they are.
///
/// # Errors
/// As [`text`].
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    finished(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// Writes a line that is secret and shown once, through no buffer that keeps it.
///
/// # Errors
/// As [`text`]; and [`FailureKind::Failed`] when the reader went away: nobody has seen it then.
pub fn secret(line: &str) -> Result<(), Failure> {
    let mut whole = Zeroizing::new(String::with_capacity(line.len() + 1));
    whole.push_str(line);
    whole.push('\n');
    // Whole lines go past an empty buffer of standard output.
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(whole.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| unwritten(&error))
}

/// Writes `value` as JSON for people and programs: indented, one newline at the end.
///
/// # Errors
/// As [`text`].
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|error| {
        Failure::new(FailureKind::Failed, format!("cannot write the result as JSON: {error}"))
    })?;
    text(&(json + "\n"))
}

/// The outcome of writing to standard output: a closed pipe ends the command quietly.
///
/// # Errors
/// As [`text`].
pub fn finished(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(unwritten(&error)),
        _ => Ok(()),
    }
}

fn unwritten(error: &io::Error) -> Failure {
    let kind = match error.kind() {
        ErrorKind::StorageFull => FailureKind::NoSpace,
        _ => FailureKind::Failed,
    };
    Failure::new(kind, format!("cannot write to standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_who_went_away_is_no_failure_and_a_full_disk_is() {
        assert_eq!(finished(Err(ErrorKind::BrokenPipe.into())), Ok(()));
        let full = finished(Err(ErrorKind::StorageFull.into())).unwrap_err();
        assert_eq!(full.kind, FailureKind::NoSpace);
    }
}
