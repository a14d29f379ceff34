//! How a failure is shown: `ezncrypt: message`, then `hint: …`; its kind is the exit code.

use super::colour::Colour;
use super::escape;
use crate::service::protocol::Failure;
use std::io::{self, Write};
use std::process::ExitCode;

/// Prints `failure` on standard error and returns its exit code.
pub fn report(failure: &Failure) -> ExitCode {
    let stderr = io::stderr();
    let text = lines(failure, Colour::of(&stderr));
    // Nobody is left to be told when standard error is closed.
    let _ = stderr.lock().write_all(text.as_bytes());
    ExitCode::from(failure.kind.exit_code())
}

fn lines(failure: &Failure, colour: Colour) -> String {
    let mut text = format!("{} {}\n", colour.red("ezncrypt:"), escape::text(&failure.message));
    if let Some(hint) = &failure.hint {
        text += &format!("{} {}\n", colour.bold("hint:"), escape::text(hint));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::protocol::FailureKind;

    #[test]
    fn message_and_hint_are_a_line_each_whatever_they_hold() {
        let failure = Failure::new(FailureKind::Busy, "cannot open a\nb\x1b").hint("ls");
        assert_eq!(lines(&failure, Colour::Off), "ezncrypt: cannot open a\\nb\\u{1b}\nhint: ls\n");
        let plain = Failure::new(FailureKind::Busy, "no");
        assert_eq!(lines(&plain, Colour::On), "\x1b[1;31mezncrypt:\x1b[0m no\n");
    }
}
