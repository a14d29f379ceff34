//! Long work told step by step on standard error, with a bar and the time left on a terminal.
//!
//! A standard error that cannot be written never stops the work.

use super::escape;
use crate::service::protocol::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Stderr, Write};

/// The bar of one step, under the text of the steps.
const BAR: &str = "         |    [{bar:28}] {bytes} of {total_bytes}, {eta} left";

/// Where progress is shown.
pub struct Screen<W: Write> {
    out: W,
    bars: bool,
    bar: Option<ProgressBar>,
}

impl Screen<Stderr> {
    /// Standard error, with bars when it is a terminal.
    pub fn stderr() -> Self {
        let out = std::io::stderr();
        let bars = out.is_terminal();
        Self { out, bars, bar: None }
    }
}

impl<W: Write> Screen<W> {
    /// Shows one sign of progress.
    pub fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Part { who, what } => self.line(&who, &what),
            Progress::Step(step) => self.line("", &format!(" > {step}")),
            Progress::Bytes { done, total } => self.bytes(done, total),
            Progress::PartDone => self.line("", "done!"),
        }
    }

    /// Says something to the person in the same form: `ezncrypt | …`.
    pub fn say(&mut self, what: &str) {
        self.line("ezncrypt", what);
    }

    fn line(&mut self, who: &str, what: &str) {
        self.clear();
        let _ = writeln!(self.out, "{:<8} | {}", escape::text(who), escape::text(what));
    }

    fn bytes(&mut self, done: u64, total: u64) {
        if !self.bars {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            // A template that does not parse leaves the standard bar.
            bar.set_style(
                ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        bar.set_length(total);
        bar.set_position(done);
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_a_terminal_progress_is_plain_lines_without_bars() {
        let mut shown = Vec::new();
        let mut screen = Screen { out: &mut shown, bars: false, bar: None };
        let part = |who: &str, what: &str| Progress::Part { who: who.into(), what: what.into() };
        screen.show(part("keymgr", "Retrieving key from the keystore"));
        screen.show(part("ezncrypt", "encrypting files"));
        screen.show(Progress::Step("checking disk space".into()));
        screen.show(Progress::Bytes { done: 1, total: 2 });
        screen.show(Progress::Step("encrypting /a\nb".into()));
        screen.show(Progress::PartDone);
        screen.say("congratulations. you have encrypted your files!");
        drop(screen);
        let expected = "\
keymgr   | Retrieving key from the keystore
ezncrypt | encrypting files
         |  > checking disk space
         |  > encrypting /a\\nb
         | done!
ezncrypt | congratulations. you have encrypted your files!
";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }

    #[test]
    fn the_template_of_the_bar_parses() {
        assert!(ProgressStyle::with_template(BAR).is_ok());
    }
}
