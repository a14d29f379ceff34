//! `ezncrypt-access-control list`: the rules.

use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::progress::Screen;
use crate::cli::{output, table};
use crate::service::protocol::{Answer, Failure, Request};

/// Lists the rules as a table, with warnings beside it, or as JSON.
pub fn run(instance: &Instance, json: bool) -> Result<(), Failure> {
    let Answer::Rules(rows) = instance.call(Request::Rules)? else {
        return Err(unexpected_answer());
    };
    if json {
        return output::json(&rows);
    }
    output::text(&table::rules(&rows))?;
    let mut screen = Screen::stderr();
    for row in &rows {
        for warning in &row.warnings {
            screen.say(&format!("warning: rule {}: {warning}", row.number));
        }
    }
    Ok(())
}
