//! One line: its form, its hash, and reading it back.
//!
//! A line is written in one way only, so what does not have exactly that form was not written by us.
//! Reading takes any bytes and never fails otherwise than by saying so.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The fields of a line.
pub type Fields = Map<String, Value>;

/// What every line has; no event may use these names for fields of its own.
const RESERVED: [&str; 4] = ["seq", "time", "event", "prev"];

/// Lines that would be longer, in bytes, are shortened: whoever is denied chooses arguments and paths,
/// and must not push the rest of the log out by a few lines.
pub const MAX_LEN: usize = 8 << 10;
/// In a shortened line: the longest text, the longest one in a list, and the longest list.
const SHORT_TEXT: usize = 512;
const SHORT_IN_LIST: usize = 64;
const SHORT_LIST: usize = 16;

/// A place in the chain: the number of a line and its hash. Before the first line both are zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// The line's number, from 1.
    pub sequence: u64,
    /// SHA-256 of its bytes, without the newline.
    pub hash: [u8; 32],
}

/// What every line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The line's number.
    pub sequence: u64,
    /// When it was written, RFC 3339 in UTC.
    pub time: &'a str,
    /// What happened.
    pub event: &'a str,
    /// Hash of the line before.
    pub prev: [u8; 32],
}

/// The SHA-256 of a line.
pub fn hash(line: &[u8]) -> [u8; 32] {
    Sha256::digest(line).into()
}

/// The line after `before`, without its newline.
pub fn encode(before: &Head, time: &str, event: &str, fields: &Fields) -> String {
    let whole = written(before, time, event, fields);
    if whole.len() <= MAX_LEN {
        return whole;
    }
    let mut short: Fields =
        fields.iter().map(|(name, value)| (name.clone(), shortened(value, SHORT_TEXT))).collect();
    short.insert("shortened".into(), true.into());
    written(before, time, event, &short)
}

fn written(before: &Head, time: &str, event: &str, fields: &Fields) -> String {
    let mut line = format!("{{\"seq\":{}", before.sequence.saturating_add(1));
    let mut add = |name: &str, value: &Value| {
        line += &format!(",{}:{value}", Value::from(name));
    };
    add("time", &time.into());
    add("event", &event.into());
    let own = fields.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str()));
    own.for_each(|(name, value)| add(name, value));
    add("prev", &super::super::hex(&before.hash).into());
    line.push('}');
    line
}

fn shortened(value: &Value, text: usize) -> Value {
    match value {
        Value::String(long) if long.chars().count() > text => {
            (long.chars().take(text).collect::<String>() + "…").into()
        }
        Value::Array(list) => {
            list.iter().take(SHORT_LIST).map(|one| shortened(one, SHORT_IN_LIST)).collect()
        }
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), shortened(value, text))).collect()
        }
        other => other.clone(),
    }
}

/// What every line has, if these bytes have the form of a line.
pub fn parse(line: &[u8]) -> Option<Envelope<'_>> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("{\"seq\":")?;
    let (sequence, rest) = rest.split_once(",\"time\":")?;
    let canonical = |number: &u64| number.to_string() == sequence;
    let sequence = sequence.parse().ok().filter(canonical)?;
    let (time, rest) = plain(rest)?;
    let (event, rest) = plain(rest.strip_prefix(",\"event\":")?)?;
    let rest = rest.strip_suffix("\"}")?;
    let at = rest.len().checked_sub(64).filter(|at| rest.is_char_boundary(*at))?;
    let (before, prev) = rest.split_at(at);
    let ends = before.ends_with(",\"prev\":\"");
    ends.then_some(Envelope { sequence, time, event, prev: digest(prev)? })
}

/// A quoted text without escapes at the beginning, and what follows it.
fn plain(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.strip_prefix('"')?.split_once('"')?;
    let harmless = |c: char| !c.is_control() && c != '\\';
    inside.chars().all(harmless).then_some((inside, rest))
}

/// The fields of a line, those that every line has among them.
pub fn fields(line: &[u8]) -> Option<Fields> {
    match serde_json::from_slice(line) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

/// 32 bytes from lower-case hex.
pub fn digest(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Fields {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_line_begins_with_number_time_and_event_and_ends_with_the_hash_before() {
        let before = Head { sequence: 6, hash: [0xab; 32] };
        let fields = object(json!({ "path": "/a\n\"b", "event": "forged" }));
        let line = encode(&before, "2026-01-02T03:04:05Z", "denied", &fields);
        let prev = "ab".repeat(32);
        let time = "2026-01-02T03:04:05Z";
        let expected = format!(
            r#"{{"seq":7,"time":"{time}","event":"denied","path":"/a\n\"b","prev":"{prev}"}}"#
        );
        assert_eq!(line, expected);
        let envelope = Envelope { sequence: 7, time, event: "denied", prev: before.hash };
        assert_eq!(parse(line.as_bytes()), Some(envelope));
    }

    #[test]
    fn a_line_that_would_be_too_long_is_shortened_and_says_so() {
        let long = "ü".repeat(9_000);
        let args = vec![long.clone(); 2000];
        let fields = object(json!({ "who": { "args": args }, "path": long, "pid": 7 }));
        let line = encode(&Head::default(), "t", "denied", &fields);
        assert!(line.len() <= MAX_LEN, "{}", line.len());
        let read = super::fields(line.as_bytes()).unwrap();
        assert_eq!((&read["shortened"], &read["pid"]), (&true.into(), &7.into()));
        assert!(read["path"].as_str().unwrap().ends_with("ü…"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = (parse(&bytes), fields(&bytes));
        }

        #[test]
        fn what_was_written_is_read(text: String, name: String, sequence in 0..u64::MAX, hash: [u8; 32]) {
            let fields = object(json!({ name: text }));
            let line = encode(&Head { sequence, hash }, "t", "e", &fields);
            let read = parse(line.as_bytes()).unwrap();
            prop_assert_eq!((read.sequence, read.prev), (sequence + 1, hash));
            prop_assert!(!line.contains('\n') && super::fields(line.as_bytes()).is_some());
        }
    }
}
