//! `ezncrypt key list`: what opens the keystore, and the keys in it.

use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::{output, table};
use crate::service::protocol::{Answer, Failure, Request};
use serde_json::json;

/// Lists keyslots and categories; shows no key.
pub fn run(instance: &Instance, json: bool) -> Result<(), Failure> {
    let Answer::Keys { slots, categories } = instance.call(Request::Keys)? else {
        return Err(unexpected_answer());
    };
    if json {
        return output::json(&json!({ "keyslots": slots, "categories": categories }));
    }
    let mut text = table::slots(&slots);
    if !categories.is_empty() {
        text += &format!("\n{}", table::categories(&categories));
    }
    output::text(&text)
}
