//! The guard: what it tells on standard error, and its exit code.

use super::{escape, failure};
use crate::guard::run::{self, Ended, Notice};
use crate::service::protocol::{Failure, FailureKind};
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};

/// Becomes the server that this program guards; returns only when it did not.
///
/// # Errors
/// As [`run::run`].
pub fn run(args: Vec<OsString>) -> Result<ExitCode, Failure> {
    match run::run(args, &mut tell)? {
        Ended::Told(status) => Ok(code_of(status)),
        Ended::Refused(reasons) => {
            for reason in &reasons {
                failure::report(reason);
            }
            Ok(ExitCode::from(FailureKind::Denied.exit_code()))
        }
    }
}

fn tell(notice: Notice) {
    let line = match notice {
        Notice::Removed(word) => {
            format!(
                "ezncrypt: removed {}: authentication stays on\n",
                escape::path(Path::new(&word))
            )
        }
        Notice::Permit(settings) => {
            format!("ezncrypt: this run uses the permit: {}\n", escape::text(&settings))
        }
        Notice::Warning(warning) => format!("ezncrypt: warning: {}\n", escape::text(&warning)),
        Notice::Server(said) => String::from_utf8_lossy(&said).into_owned(),
    };
    // Nobody is left to be told when standard error is closed.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// The server's own exit code; a signal's as a shell tells it.
fn code_of(status: ExitStatus) -> ExitCode {
    let by_signal = || status.signal().map_or(1, |signal| 128 + signal);
    ExitCode::from(u8::try_from(status.code().unwrap_or_else(by_signal)).unwrap_or(1))
}
