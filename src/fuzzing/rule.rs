//! Rules as people type and paste them.

use super::input::Input;
use crate::access::Rule;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Runs the target. Behind a zero byte stand words that a process may have been started with.
pub fn run(bytes: &[u8]) {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let mut input = Input::new(bytes);
    let text = String::from_utf8_lossy(input.slice(end)).into_owned();
    let arguments = input.rest();
    match text.parse::<Rule>() {
        Ok(rule) => {
            printed_again(&rule);
            matched(&rule, arguments);
        }
        Err(error) => {
            assert!(error.column >= 1 && error.column <= text.chars().count() + 1, "{error:?}");
            assert!(!error.to_string().is_empty());
            let drawn = error.render(&text);
            assert!(!drawn.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}

fn printed_again(rule: &Rule) {
    let printed = rule.to_string();
    assert!(!printed.chars().any(char::is_control), "{printed:?}");
    let again = printed.parse::<Rule>().unwrap_or_else(|error| panic!("{printed:?}: {error}"));
    assert_eq!(&again, rule, "{printed:?}");
    assert_eq!(again.to_string(), printed);
}

/// Judges by it; only that it ends, and soon, can be told here.
fn matched(rule: &Rule, arguments: &[u8]) {
    let words: Vec<_> = arguments.split(|&byte| byte == 0).skip(1).map(OsStr::from_bytes).collect();
    for word in &words {
        let _ = rule.covers(&rule.category, Path::new(word));
    }
    if let Some(pattern) = &rule.parameters.arguments {
        let _ = pattern.matches(&words);
    }
}
