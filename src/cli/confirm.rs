//! Asks whether to go on, on the terminal.

use std::io::{self, BufRead, IsTerminal, Write};

/// Whether the person at the terminal says yes; none when there is nobody to ask.
pub fn ask(question: &str) -> Option<bool> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return None;
    }
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).ok()?;
    Some(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim(), "y" | "Y" | "yes" | "Yes" | "YES")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        assert!(["y\n", "yes\n", " Y "].iter().all(|answer| is_yes(answer)));
        assert!(!["", "\n", "n\n", "yesterday\n", "ja\n"].iter().any(|answer| is_yes(answer)));
    }
}
