//! `ezncrypt-access-control list`: the rules.

use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::{output, table};
use crate::service::protocol::{Answer, Failure, Request};

/// Lists the rules as a table or as JSON.
pub fn run(instance: &Instance, json: bool) -> Result<(), Failure> {
    let Answer::Rules(rows) = instance.call(Request::Rules)? else {
        return Err(unexpected_answer());
    };
    if json { output::json(&rows) } else { output::text(&table::rules(&rows)) }
}
