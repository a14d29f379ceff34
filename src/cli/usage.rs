//! What clap has to say: help and version as results, usage errors as failures of kind usage.

use super::output;
use crate::service::protocol::{Failure, FailureKind};
use clap::error::ErrorKind;
use std::io::Write;
use std::process::ExitCode;

/// The table of exit codes, as `--help` shows it.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  the command line or a rule does not parse
  3  wrong secret: it does not open the keystore
  4  denied: not root, or no rule allows it
  5  busy: a process has it open, a command is at work, the mount point is taken
  6  no service runs, or there is no keystore yet
  7  damaged: bytes at rest do not verify
  8  no space left
  9  a key server, or another program that is asked for a secret, gives none";

/// Prints help, version or the usage error, and returns the exit code.
///
/// # Errors
/// [`FailureKind::Failed`] when standard output cannot be written.
pub fn end(error: &clap::Error) -> Result<ExitCode, Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // clap knows whether standard output takes colour.
            output::finished(error.print())?;
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            let text = shown(&error.to_string());
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
            Ok(ExitCode::from(FailureKind::Usage.exit_code()))
        }
    }
}

/// clap's text in our form, without the control characters an argument may have brought along.
fn shown(text: &str) -> String {
    let text = match text.strip_prefix("error: ") {
        Some(rest) => format!("ezncrypt: {rest}"),
        None => text.to_owned(),
    };
    text.split('\n').map(super::escape::text).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_error_has_our_prefix_and_no_control_characters() {
        assert_eq!(
            shown("error: bad '\x1b[2J'\n\nUsage: x\n"),
            "ezncrypt: bad '\\u{1b}[2J'\n\nUsage: x\n"
        );
    }
}
