//! Programs that print a secret: what key management, Vault, TPM and clevis tools plug into. No shell, a
//! clean environment, a time limit.

use super::MAX_LEN;
use crate::crypto::SecretBytes;
use crate::sys::tool::{self, Question};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// Why a program gave no secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing to run, or no absolute path.
    #[error("a command begins with the absolute path of a program")]
    NotAbsolute,
    /// What it is to read cannot be opened.
    #[error("cannot read {path}: {source}", path = path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// It could not be started.
    #[error("cannot run {program}: {source}", program = program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// It did not end in time, and was killed.
    #[error("{program} did not end within {seconds} s", program = program.display())]
    TimedOut {
        /// The program.
        program: PathBuf,
        /// The limit.
        seconds: u64,
    },
    /// It said that it failed.
    #[error("{program} failed ({status}){said}", program = program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: String,
        /// The end of what it wrote to standard error, after a colon.
        said: String,
    },
    /// It printed more than a secret can be.
    #[error("{program} printed more than {MAX_LEN} bytes", program = .0.display())]
    TooLong(PathBuf),
}

/// What a program prints on standard output, as it is.
///
/// # Errors
/// Why there is nothing; what it printed on standard output is in no error.
pub fn output(
    argv: &[OsString],
    input: Option<&Path>,
    limit: Duration,
) -> Result<SecretBytes, Error> {
    let (program, arguments) = argv.split_first().ok_or(Error::NotAbsolute)?;
    let program = Path::new(program);
    if !program.is_absolute() {
        return Err(Error::NotAbsolute);
    }
    let input = match input {
        None => Stdio::null(),
        Some(path) => {
            regular(path).map_err(|source| Error::Input { path: path.into(), source })?.into()
        }
    };
    let question = Question { program, arguments, input, limit, longest: MAX_LEN as u64 + 2 };
    let told = tool::answer(question).map_err(|source| match source.kind() {
        ErrorKind::TimedOut => {
            Error::TimedOut { program: program.into(), seconds: limit.as_secs() }
        }
        _ => Error::Start { program: program.into(), source },
    })?;
    let printed = SecretBytes::new(told.stdout);
    if !told.status.success() {
        let (program, status) = (program.into(), told.status.to_string());
        return Err(Error::Failed { program, status, said: last_words(&told.stderr) });
    }
    if printed.expose().len() > MAX_LEN + 1 {
        return Err(Error::TooLong(program.into()));
    }
    Ok(printed)
}

/// Opens what a program is to read. A FIFO would keep us, and then the program, waiting for a writer.
fn regular(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let is_regular = file.metadata()?.is_file();
    if is_regular { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

/// The last line that a program wrote, for an error.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line: String = line.trim().chars().take(200).filter(|c| !c.is_control()).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}
