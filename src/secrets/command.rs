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

/// How many lines of what a program wrote to standard error are told.
const LINES: usize = 3;

/// How much of each, in characters.
const LINE_LEN: usize = 200;

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

/// The last lines that a program wrote, for an error: the very last often names only the step that failed,
/// and the one before it why.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.rev().take(LINES).map(plain).collect();
    let lines: Vec<String> = lines.into_iter().rev().collect();
    if lines.is_empty() { String::new() } else { format!(": {}", lines.join("; ")) }
}

/// The beginning of a line, without what would move a terminal's cursor.
fn plain(line: &str) -> String {
    line.chars().take(LINE_LEN).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_three_lines_in_order_and_without_what_moves_a_cursor() {
        assert_eq!(last_words(b""), "");
        assert_eq!(last_words(b" \n\n"), "");
        assert_eq!(last_words(b"one"), ": one");
        let four = b"never told\n  why \x1b[2J\n\nhow\r\nwhere\n\n";
        assert_eq!(last_words(four), ": why [2J; how; where");
        let long = last_words("\u{e4}".repeat(1000).as_bytes());
        assert_eq!(long.chars().count(), ": ".len() + LINE_LEN);
    }
}
