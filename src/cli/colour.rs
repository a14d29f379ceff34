//! Whether to use colour, and the two that are used.

use std::io::IsTerminal;

/// How text is set off on one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// With escape sequences.
    On,
    /// Plain.
    Off,
}

impl Colour {
    /// On for a terminal that has colours, unless `NO_COLOR` is set and not empty (no-color.org).
    pub fn of(stream: &impl IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if stream.is_terminal() && !refused && !dumb { Self::On } else { Self::Off }
    }

    /// For what went wrong.
    pub fn red(self, text: &str) -> String {
        self.wrapped("\x1b[1;31m", text)
    }

    /// For what to do next.
    pub fn bold(self, text: &str) -> String {
        self.wrapped("\x1b[1m", text)
    }

    fn wrapped(self, begin: &str, text: &str) -> String {
        match self {
            Self::On => format!("{begin}{text}\x1b[0m"),
            Self::Off => text.to_owned(),
        }
    }
}
