//! One event as a line that people read.

use crate::cli::escape;
use serde_json::{Map, Value};

/// Events that mean that somebody was refused, or would have been.
const DENIALS: [&str; 4] = ["denied", "would_deny", "guard_refused", "secret_refused"];

/// What is not shown: the chain is for `--verify`.
const HIDDEN: [&str; 9] =
    ["seq", "time", "event", "prev", "mac", "starts", "torn_sha256", "known_hash", "shortened"];

/// What is shown first, in this order.
const FIRST: [&str; 7] = ["access", "category", "path", "who", "program", "rule", "reason"];

/// Whether the line tells of a denial, or of denials that were left out.
pub fn is_denial(fields: &Map<String, Value>) -> bool {
    let names = |field: &str| {
        fields.get(field).and_then(Value::as_str).is_some_and(|name| DENIALS.contains(&name))
    };
    names("event") || names("of")
}

/// `2026-01-31 15:04:05  denied  read @mysql /var/lib/mysql/t.ibd: ...`, without its newline.
pub fn line(fields: &Map<String, Value>) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or("?");
    let time: String = text("time").chars().take(19).collect();
    let first = FIRST.iter().filter_map(|name| fields.get_key_value(*name));
    let others = fields
        .iter()
        .filter(|(name, _)| !FIRST.contains(&name.as_str()) && !HIDDEN.contains(&name.as_str()));
    let told = first.chain(others).filter_map(|(name, value)| told(name, value));
    let told: Vec<String> = told.collect();
    let event = text("event");
    let line = format!("{}  {event:<14} {}", time.replace('T', " "), told.join(" "));
    escape::text(line.trim_end())
}

fn told(name: &str, value: &Value) -> Option<String> {
    match (name, value) {
        (_, Value::Null) => None,
        ("access" | "category" | "path", Value::String(text)) => Some(text.clone()),
        ("who", Value::Object(who)) => Some(whom(who)),
        (_, Value::String(text)) if text.contains([' ', '"']) => Some(format!("{name}={value}")),
        (_, Value::String(text)) => Some(format!("{name}={text}")),
        _ => Some(format!("{name}={value}")),
    }
}

/// `by /usr/bin/cat (pid 7, user 1000): cat file`.
fn whom(who: &Map<String, Value>) -> String {
    let text = |name: &str| who.get(name).and_then(Value::as_str);
    let mut about: Vec<String> = Vec::new();
    for (name, called) in
        [("pid", "pid"), ("user", "user"), ("login_user", "logged in as"), ("unit", "unit")]
    {
        match who.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => about.push(format!("{called} {text}")),
            Some(other) => about.push(format!("{called} {other}")),
        }
    }
    let args = who.get("args").and_then(Value::as_array);
    let args: Option<Vec<_>> =
        args.map(|args| args.iter().filter_map(Value::as_str).map(quoted).collect());
    let args = args.unwrap_or_default().join(" ");
    let run = if args.is_empty() { String::new() } else { format!(": {args}") };
    format!("by {} ({}){run}", text("exe").unwrap_or("?"), about.join(", "))
}

/// An argument that can be told from the next one.
fn quoted(arg: &str) -> String {
    if arg.is_empty() || arg.contains([' ', '\'', '"', '\t', '\n']) {
        format!("'{}'", arg.replace('\'', "'\\''"))
    } else {
        arg.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn shown(fields: Value) -> String {
        line(fields.as_object().unwrap())
    }

    #[test]
    fn a_denial_says_what_who_and_why() {
        let fields = json!({
            "seq": 7, "time": "2026-01-31T15:04:05.123456Z", "event": "denied", "prev": "00",
            "who": {
                "pid": 12, "tid": 12, "exe": "/usr/bin/cat", "user": 33, "group": 33,
                "login_user": null, "args": ["cat", "a b", "it's"], "unit": "cron.service",
            },
            "access": "read", "category": "@mysql", "path": "/var/lib/mysql/t.ibd",
            "reason": "no rule allows it",
        });
        let expected = "2026-01-31 15:04:05  denied         read @mysql /var/lib/mysql/t.ibd \
            by /usr/bin/cat (pid 12, user 33, unit cron.service): cat 'a b' 'it'\\''s' \
            reason=\"no rule allows it\"";
        assert_eq!(shown(fields), expected);
    }

    #[test]
    fn other_events_tell_their_fields_and_nothing_harmful() {
        let fields = json!({
            "seq": 1, "time": "2026-01-31T15:04:05Z", "event": "rule_added",
            "rule": "ALLOW @c * /x", "path": "/a\n\u{1b}[2J\u{9b}",
        });
        let expected = "2026-01-31 15:04:05  rule_added     /a\\n\\u{1b}[2J\\u{9b} \
            rule=\"ALLOW @c * /x\"";
        assert_eq!(shown(fields), expected);
        assert_eq!(shown(json!({})), "?  ?");
    }

    #[test]
    fn what_was_left_out_of_denials_is_one_too() {
        let is = |fields: Value| is_denial(fields.as_object().unwrap());
        assert!(is(json!({ "event": "lines_left_out", "of": "denied" })));
        assert!(is(json!({ "event": "would_deny" })) && is(json!({ "event": "guard_refused" })));
        assert!(!is(json!({ "event": "start" })) && !is(json!({})));
    }

    proptest! {
        #[test]
        fn a_line_is_one_line_whatever_its_fields_hold(event: String, name: String, text: String) {
            let who = json!({ "exe": text, "args": [text], "user": text });
            let line = shown(json!({ "event": event, "who": who, name: text, "time": text }));
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
