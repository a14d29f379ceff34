//! Nothing that is done to a sealed log goes untold, and no bytes make verifying panic.

use super::super::tests::{Place, sealer};
use super::*;
use crate::crypto::Key;
use proptest::prelude::*;
use std::fs;
use std::io::{Seek, Write};

fn part(bytes: &[u8]) -> Part {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    Part { name: "log".into(), file: Some(file), length: bytes.len() as u64 }
}

fn verified(files: &[&[u8]], known: Option<Head>) -> Report {
    let expected = Expected { sealer: Some(sealer()), known, exactly: known.is_some() };
    verify(files.iter().map(|bytes| part(bytes)).collect(), &expected)
}

/// A sealed log: its bytes and its head.
fn sound() -> (Vec<u8>, Head) {
    let place = Place::new();
    let head = place.with(&["start", "denied", "rule_added", "denied", "stop"]);
    (fs::read(place.path()).unwrap(), head)
}

/// The log of somebody who knows everything but the key, and numbers and chains the lines anew.
fn rechained(lines: &[String]) -> Vec<u8> {
    let (mut text, mut head) = (String::new(), Head::default());
    for old in lines {
        let fields = line::fields(old.as_bytes()).unwrap();
        let name = |name: &str| fields[name].as_str().unwrap().to_owned();
        let new = line::encode(&head, &name("time"), &name("event"), &fields);
        head = Head { sequence: head.sequence + 1, hash: line::hash(new.as_bytes()) };
        text += &(new + "\n");
    }
    text.into_bytes()
}

fn lines_of(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

fn joined(lines: &[String]) -> Vec<u8> {
    lines.iter().map(|line| line.clone() + "\n").collect::<String>().into_bytes()
}

#[test]
fn a_sound_log_has_no_findings() {
    let (bytes, head) = sound();
    for known in [None, Some(head)] {
        let report = verified(&[&bytes], known);
        assert_eq!((report.findings, report.alarm), (vec![], false));
        assert_eq!((report.lines, report.seals, report.unsealed), (6, 1, 0));
    }
    let none = verified(&[], None);
    assert_eq!((none.findings, none.lines), (vec![], 0));
}

#[test]
fn a_chain_made_anew_without_the_key_breaks_at_the_seal() {
    let (bytes, _) = sound();
    let mut lines = lines_of(&bytes);
    assert_eq!(verified(&[&rechained(&lines)], None).findings, []);
    lines.remove(1);
    let report = verified(&[&rechained(&lines)], None);
    let found: Vec<_> = report.findings.iter().map(|finding| &finding.what).collect();
    assert_eq!(found, [&What::SealBroken]);
    let other = Expected { sealer: None, known: None, exactly: false };
    assert!(!verify(vec![part(&rechained(&lines))], &other).alarm, "seals are only counted");
}

#[test]
fn where_a_line_was_changed_is_told() {
    let (bytes, head) = sound();
    let changed = String::from_utf8(bytes).unwrap().replacen("rule_added", "rule_addee", 1);
    let report = verified(&[changed.as_bytes()], Some(head));
    assert_eq!(report.findings.len(), 1);
    let found = &report.findings[0];
    assert_eq!((found.line, found.sequence, &found.what), (4, Some(4), &What::Changed));
}

#[test]
fn a_file_that_cannot_be_read_is_an_alarm() {
    let missing = Part { name: "log".into(), file: None, length: 0 };
    let report = verify(vec![missing], &Expected { sealer: None, known: None, exactly: false });
    assert!(report.alarm && report.findings[0].what == What::Unreadable);
}

proptest! {
    #[test]
    fn any_bytes_are_verified_without_a_panic(files: Vec<Vec<u8>>, sequence: u64, known: bool) {
        let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        verified(&files, known.then_some(Head { sequence, hash: [1; 32] }));
    }

    #[test]
    fn lines_of_any_numbers_are_verified_without_a_panic(
        numbers in proptest::collection::vec(prop_oneof![Just(0), Just(1), Just(u64::MAX), any::<u64>()], 0..6),
        event in prop_oneof![Just("seal"), Just("rotated"), Just("log_cut"), Just("x")],
        field: u64,
    ) {
        let mut text = String::new();
        for number in numbers {
            let fields = serde_json::json!({
                "dropped_through": field, "lines_lost_before": field, "known_through": field,
            });
            let before = Head { sequence: number.saturating_sub(1), hash: [0; 32] };
            let line = line::encode(&before, "t", event, fields.as_object().unwrap());
            text += &line.replacen(&(number.saturating_sub(1).saturating_add(1)).to_string(), &number.to_string(), 1);
            text.push('\n');
        }
        verified(&[text.as_bytes()], Some(Head { sequence: field, hash: [1; 32] }));
    }

    #[test]
    fn any_byte_that_is_changed_is_told(at: prop::sample::Index, by in 1u8..) {
        let (mut bytes, head) = sound();
        let at = at.index(bytes.len());
        bytes[at] = bytes[at].wrapping_add(by);
        prop_assert!(!verified(&[&bytes], Some(head)).findings.is_empty());
        // Where the last line is not known, its event may be changed: then it is no seal any more.
        let report = verified(&[&bytes], None);
        prop_assert!(!report.findings.is_empty() || report.unsealed > 0);
    }

    #[test]
    fn any_lines_that_are_removed_are_told(keep: [bool; 6]) {
        let (bytes, head) = sound();
        let mut keep = keep.into_iter();
        let mut lines = lines_of(&bytes);
        lines.retain(|_| keep.next().unwrap_or(true));
        let told = verified(&[&joined(&lines)], Some(head)).alarm;
        prop_assert_eq!(told, lines.len() < 6);
    }

    #[test]
    fn lines_that_are_swapped_are_told(one in 0usize..6, other in 0usize..6) {
        let (bytes, head) = sound();
        let mut lines = lines_of(&bytes);
        lines.swap(one, other);
        prop_assert_eq!(verified(&[&joined(&lines)], Some(head)).alarm, one != other);
        prop_assert_eq!(verified(&[&joined(&lines)], None).alarm, one != other);
    }

    #[test]
    fn whatever_is_put_in_is_told(at: prop::sample::Index, put in proptest::collection::vec(any::<u8>(), 1..40)) {
        let (mut bytes, head) = sound();
        let at = at.index(bytes.len() + 1);
        bytes.splice(at..at, put);
        prop_assert!(!verified(&[&bytes], Some(head)).findings.is_empty());
        let report = verified(&[&bytes], None);
        prop_assert!(!report.findings.is_empty() || report.unsealed > 0);
    }

    #[test]
    fn a_line_that_is_repeated_is_told(which in 0usize..6, at in 0usize..7) {
        let (bytes, head) = sound();
        let mut lines = lines_of(&bytes);
        lines.insert(at, lines[which].clone());
        prop_assert!(verified(&[&joined(&lines)], Some(head)).alarm);
    }

    #[test]
    fn wherever_it_is_cut_is_told(at: prop::sample::Index) {
        let (bytes, head) = sound();
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert!(!verified(&[cut], Some(head)).findings.is_empty());
    }
}

/// A sealer whose newest key is number `newest`; those before it are known too.
fn sealer_of(newest: u8) -> Sealer {
    let key = |number: u8| Key::take(&mut [number; 32]);
    Sealer::new(key(newest), [8; 16]).with_former((7..newest).map(key).collect())
}

/// Seals `text` at its end by `sealer`, as if it had gone on there.
fn sealed_by(text: &str, sealer: &Sealer) -> String {
    let last = text.lines().last().unwrap();
    let sequence = line::parse(last.as_bytes()).unwrap().sequence;
    let head = Head { sequence, hash: line::hash(last.as_bytes()) };
    let fields = sealer.fields(&head, "t").unwrap();
    format!("{text}{}\n", line::encode(&head, "t", seal::EVENT, &fields))
}

fn verified_by(text: &str, sealer: Sealer) -> Report {
    let expected = Expected { sealer: Some(sealer), known: None, exactly: false };
    verify(vec![part(text.as_bytes())], &expected)
}

#[test]
fn a_log_goes_on_under_a_new_key_and_verifies_across_the_change() {
    let place = Place::new();
    let log = place.open(None);
    log.write("start", serde_json::json!({}));
    log.rekey(sealer_of(8), "master_rotated", serde_json::json!({}));
    log.write("denied", serde_json::json!({}));
    assert_eq!(place.events(), ["start", "seal", "master_rotated", "seal", "denied"]);
    assert_eq!(log.verify().findings, []);
    log.rekey(sealer_of(9), "master_rotated", serde_json::json!({}));
    log.finish();
    let report = verified_by(&place.text(), sealer_of(9));
    assert_eq!((report.findings, report.seals, report.unsealed), (vec![], 4, 0));
    // Without the later key its seals do not hold.
    assert!(verified_by(&place.text(), sealer_of(8)).alarm);
    assert!(verified_by(&place.text(), Sealer::new(Key::take(&mut [9; 32]), [8; 16])).alarm);
}

#[test]
fn an_earlier_key_seals_nothing_after_a_later_one() {
    let (bytes, _) = sound();
    let before = String::from_utf8(bytes).unwrap();
    let (old, new) = (sealer_of(7), sealer_of(8));
    let forward = sealed_by(&sealed_by(&before, &old), &new);
    assert!(!verified_by(&forward, sealer_of(8)).alarm);
    let back = sealed_by(&forward, &old);
    let report = verified_by(&back, sealer_of(8));
    let found: Vec<_> = report.findings.iter().map(|finding| &finding.what).collect();
    assert_eq!(found, [&What::SealBroken]);
}
