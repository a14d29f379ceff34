//! Asks for a secret on the terminal.
//!
//! The echo is off before the question is shown, so nothing typed ahead of it is seen; and the
//! terminal is as it was afterwards, also when the answer was Ctrl-C.

use crate::crypto::SecretBytes;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios};
use nix::sys::termios::{tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, ErrorKind};

/// Shows `question` and reads one line that is not shown.
///
/// # Errors
/// When there is no terminal, the person ended the input, or typed what is no UTF-8.
pub fn ask(question: &str) -> io::Result<SecretBytes> {
    let quiet = Quiet::begin()?;
    let typed = rpassword::prompt_password(question);
    drop(quiet);
    let typed = SecretBytes::new(typed?.into_bytes());
    // That is what rpassword puts for bytes that are no UTF-8: another secret than was typed.
    let replacement = "\u{fffd}".as_bytes();
    if typed.expose().windows(replacement.len()).any(|bytes| bytes == replacement) {
        return Err(ErrorKind::InvalidData.into());
    }
    Ok(typed)
}

/// While it lives, the terminal shows nothing that is typed.
struct Quiet {
    terminal: File,
    before: Termios,
    interrupts: SigSet,
}

impl Quiet {
    fn begin() -> io::Result<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        // rpassword answers Ctrl-C with the signal before it has put the terminal right.
        let interrupts = SigSet::from(Signal::SIGINT);
        interrupts.thread_block()?;
        let quiet = Self { terminal, before, interrupts };
        let mut silent = quiet.before.clone();
        let shown = LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG;
        silent.local_flags.remove(shown);
        silent.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        silent.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        tcsetattr(&quiet.terminal, SetArg::TCSANOW, &silent)?;
        Ok(quiet)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing better is left to do when the terminal is gone.
        let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, &self.before);
        let _ = self.interrupts.thread_unblock();
    }
}
