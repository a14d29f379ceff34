//! `ezncrypt audit`: shows the log, and says whether it is what was written.

mod show;
mod since;
mod verify;

use crate::cli::instance::Instance;
use crate::cli::{escape, output};
use crate::service::audit::read::{Read, Reader};
use crate::service::protocol::{Failure, FailureKind};
use std::collections::VecDeque;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

/// How often a log that is followed is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// Lines shown before those that come, when no time is given.
const BEFORE: usize = 10;

/// What to show of the log.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Shows the last lines, and goes on with those that come, until interrupted
    #[arg(long)]
    follow: bool,

    /// Shows denials only
    #[arg(long)]
    denied: bool,

    /// Shows what happened since TIME: 10m, 2h, 3d ago, or 2026-01-31, '2026-01-31 15:00' (UTC), or
    /// RFC 3339
    #[arg(long, value_name = "TIME", value_parser = since::parse)]
    since: Option<jiff::Timestamp>,

    /// Shows the lines as they are in the log; with --verify, tells the result as JSON
    #[arg(long)]
    json: bool,

    /// Tells whether lines were changed, removed, put in or cut off
    #[arg(long, conflicts_with_all = ["follow", "denied", "since"])]
    verify: bool,
}

/// Shows or verifies; the exit code of a log that does not verify is that of damage.
pub fn run(instance: &Instance, options: &Options) -> Result<ExitCode, Failure> {
    if options.verify {
        return verify::run(instance, options.json);
    }
    let path = instance.paths.audit_log();
    let cannot = |error: io::Error| {
        let message = format!("cannot read the log {}: {error}", escape::path(&path));
        Failure::new(FailureKind::Failed, message)
    };
    let mut reader = Reader::open(&path).map_err(cannot)?;
    let few = options.follow && options.since.is_none();
    let mut last = VecDeque::new();
    while let Some(read) = reader.next(!options.follow).map_err(cannot)? {
        let Some(line) = shown(&read, options) else { continue };
        if few {
            last.push_back(line);
            last.drain(..last.len().saturating_sub(BEFORE));
        } else {
            output::text(&line)?;
        }
    }
    last.iter().try_for_each(|line| output::text(line))?;
    if !options.follow {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        match reader.next(false).map_err(cannot)? {
            Some(read) => shown(&read, options).map_or(Ok(()), |line| output::text(&line))?,
            None => std::thread::sleep(PAUSE),
        }
    }
}

/// The line as it is printed; none when it is not asked for.
fn shown(read: &Read, options: &Options) -> Option<String> {
    let (fields, text) = match read {
        Read::Line(fields, text) => (fields, text),
        // Whoever asks for JSON gets nothing else, and whoever asks for some lines gets those.
        Read::Foreign(_) if options.json || options.denied || options.since.is_some() => {
            return None;
        }
        Read::Foreign(text) => {
            return Some(format!("(not a line of the log) {}\n", escape::text(text)));
        }
    };
    let wanted = (!options.denied || show::is_denial(fields))
        && options.since.is_none_or(|since| since::is_since(fields, since));
    let line = || if options.json { text.clone() } else { show::line(fields) };
    wanted.then(|| line() + "\n")
}
