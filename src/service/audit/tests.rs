//! The log as it is written: what is on the disk after which mishap.

use super::*;
use crate::crypto::Key;
use crate::storage::durable::tests::TinyDisk;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// A place for a log, whose seals are of one key.
pub(super) struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("log")
    }

    pub fn settings(&self, kept: Option<Head>) -> Settings {
        Settings {
            path: self.path(),
            syslog: "/nowhere/syslog".into(),
            sealer: sealer(),
            kept,
            rotate_at: ROTATE_AT,
            seal_after: SEAL_AFTER,
        }
    }

    pub fn open(&self, kept: Option<Head>) -> Log {
        Log::open(self.settings(kept))
    }

    /// A log with these events, sealed at its end; returns its head.
    pub fn with(&self, events: &[&str]) -> Head {
        let log = self.open(None);
        events.iter().for_each(|event| log.write(event, json!({ "path": "/a/b" })));
        log.finish();
        log.durable_head().unwrap()
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn events(&self) -> Vec<String> {
        self.lines().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
    }

    /// What whoever opens the log with this kept head finds.
    pub fn found(&self, kept: Option<Head>) -> Vec<What> {
        let report = self.open(kept).verify();
        assert_eq!(report.alarm, report.findings.iter().any(|finding| finding.what.is_alarm()));
        report.findings.into_iter().map(|finding| finding.what).collect()
    }
}

pub(super) fn sealer() -> Sealer {
    Sealer::new(Key::take(&mut [7; 32]), [8; 16])
}

#[test]
fn lines_are_numbered_and_chained_from_the_first_one_over_a_restart() {
    let place = Place::new();
    let head = place.with(&["start", "stop"]);
    assert_eq!(head.sequence, 3);
    let log = place.open(Some(head));
    log.write("start", json!({}));
    log.finish();
    assert_eq!(place.events(), ["start", "stop", "seal", "start", "seal"]);
    let (text, mut prev) = (place.text(), [0; 32]);
    for (index, text) in text.lines().enumerate() {
        let line = line::parse(text.as_bytes()).unwrap();
        assert_eq!((line.sequence, line.prev), (index as u64 + 1, prev));
        prev = line::hash(text.as_bytes());
    }
    assert_eq!(log.verify().findings, []);
    let mode = fs::metadata(place.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn nothing_is_written_before_the_first_line() {
    let place = Place::new();
    let log = place.open(None);
    log.tick();
    log.finish();
    assert!(!place.path().exists());
    assert_eq!(log.durable_head(), None);
}

#[test]
fn a_seal_follows_after_256_lines_or_after_a_while() {
    let place = Place::new();
    let log = place.open(None);
    let start = Instant::now();
    (0..300).for_each(|_| log.write("allowed", json!({})));
    assert_eq!(place.events().iter().position(|event| event == "seal"), Some(256));
    log.tick_at(start + SEAL_AFTER / 2);
    assert_eq!(place.events().len(), 301, "not yet");
    let later = Instant::now() + SEAL_AFTER;
    log.tick_at(later);
    log.tick_at(later);
    assert_eq!(place.events().len(), 302);
    assert_eq!(place.events().last().unwrap(), "seal");
    assert_eq!(log.verify().unsealed, 0);
}

#[test]
fn a_flood_is_counted_and_told_by_the_next_line_or_when_it_has_ended() {
    let place = Place::new();
    let log = place.open(None);
    let start = Instant::now();
    let flood = |at| (0..500).for_each(|_| log.write_limited_at(at, "denied", json!({})));
    flood(start);
    log.write_limited_at(start, "guard_refused", json!({}));
    let written = || place.events().iter().filter(|event| *event == "denied").count();
    assert_eq!(written(), 50);
    assert!(place.events().contains(&"guard_refused".into()), "one event crowded out another");
    let next = start + Duration::from_secs(1);
    flood(next);
    assert_eq!((written(), &place.lines()[51]["left_out_before"]), (100, &450.into()));
    log.tick_at(next + Duration::from_secs(1));
    assert_eq!(place.lines().len(), 101, "the flood may go on");
    log.tick_at(next + Duration::from_secs(2));
    let told = place.lines().pop().unwrap();
    assert_eq!((&told["event"], &told["of"]), (&"lines_left_out".into(), &"denied".into()));
    assert_eq!(told["left_out"], 450);
}

#[test]
fn a_torn_line_is_kept_ended_and_told_by_the_next_one() {
    for torn in ["{\"seq\":4,\"ti", "no line at all\nand more\n"] {
        let place = Place::new();
        let head = place.with(&["start", "stop"]);
        fs::write(place.path(), place.text() + torn).unwrap();
        let log = place.open(Some(head));
        log.write("start", json!({}));
        log.finish();
        let text = place.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[3], torn.lines().next().unwrap());
        assert!(lines[3 + torn.lines().count()].contains("\"torn_before\":true"), "{text}");
        let count = torn.lines().count() as u64;
        assert_eq!(place.found(log.durable_head()), [What::Torn { lines: count }]);
        // What is torn is covered as well.
        fs::write(place.path(), text.replacen("\"ti", "\"to", 1).replacen("no line", "a line", 1))
            .unwrap();
        let found = place.found(log.durable_head());
        assert!(found.contains(&What::Foreign), "{found:?}");
    }
}

#[test]
fn a_line_that_lacks_only_its_newline_is_whole() {
    let place = Place::new();
    let head = place.with(&["start", "stop"]);
    fs::write(place.path(), place.text().trim_end()).unwrap();
    assert_eq!(place.found(Some(head)), [What::TornEnd]);
    place.open(Some(head)).write("start", json!({}));
    assert_eq!(place.events(), ["start", "stop", "seal", "start"]);
    assert_eq!(place.found(Some(head)), []);
}

#[test]
fn lines_that_a_crash_left_unsealed_are_told_of() {
    let place = Place::new();
    place.open(None).write("start", json!({}));
    place.open(None).write("start", json!({}));
    assert_eq!(place.lines()[1]["unsealed_before"], 1);
    assert_eq!(place.found(None), [What::FoundUnsealed { lines: 1 }]);
}

#[test]
fn a_log_that_ends_before_what_the_keystore_knows_says_so_and_leaves_the_gap() {
    let place = Place::new();
    let head = place.with(&["start", "denied", "stop"]);
    let whole = place.text();
    let first = whole.lines().next().unwrap().to_owned() + "\n";
    fs::write(place.path(), &first).unwrap();
    assert_eq!(place.found(Some(head)), [What::CutAtEnd { from: 2, to: 4 }]);
    assert_eq!(place.open(Some(head)).durable_head(), None, "not known before it is told");
    let log = place.open(Some(head));
    log.write("start", json!({}));
    log.finish();
    assert_eq!(place.events(), ["start", "log_cut", "start", "seal"]);
    let cut = &place.lines()[1];
    assert_eq!(
        (&cut["seq"], &cut["known_through"], &cut["found_through"]),
        (&5.into(), &4.into(), &1.into())
    );
    let found = place.found(log.durable_head());
    assert!(found.contains(&What::Missing { from: 2, to: 4 }), "{found:?}");
    assert!(found.contains(&What::ToldCut { known: 4, found: 1 }), "{found:?}");
}

#[test]
fn a_log_that_is_gone_is_told_of_by_the_keystore() {
    let place = Place::new();
    let head = place.with(&["start", "stop"]);
    fs::remove_file(place.path()).unwrap();
    let found = place.found(Some(head));
    assert_eq!(found, [What::CutAtEnd { from: 1, to: 3 }]);
    let log = place.open(Some(head));
    log.write("start", json!({}));
    assert_eq!(place.events(), ["log_cut", "start"]);
    let found = place.found(log.durable_head());
    assert!(found.contains(&What::CutAtFront { from: 1, to: 3 }), "{found:?}");
}

#[test]
fn a_last_line_that_was_changed_is_told_of_by_the_keystore() {
    let place = Place::new();
    let log = place.open(None);
    log.write("denied", json!({ "path": "/secret" }));
    let head = log.durable_head();
    drop(log);
    fs::write(place.path(), place.text().replace("secret", "public")).unwrap();
    assert_eq!(place.found(head), [What::NotAsKnown]);
    place.open(head).write("start", json!({}));
    assert_eq!(place.events(), ["denied", "log_cut", "start"]);
    assert!(place.found(None).contains(&What::Changed));
}

#[test]
fn a_file_that_is_taken_away_or_replaced_is_noticed_before_the_next_line() {
    let place = Place::new();
    let log = place.open(None);
    log.write("start", json!({}));
    fs::rename(place.path(), place.0.path().join("moved")).unwrap();
    log.write("one", json!({}));
    assert_eq!(place.events(), ["log_replaced", "one"]);
    fs::remove_file(place.path()).unwrap();
    fs::write(place.path(), "something else\n").unwrap();
    log.write("two", json!({}));
    assert_eq!(place.events(), ["log_replaced", "two"]);
    assert_eq!(fs::read_to_string(rotate::aside(&place.path())).unwrap(), "something else\n");
    fs::remove_file(place.path()).unwrap();
    symlink("/dev/full", place.path()).unwrap();
    log.write("three", json!({}));
    assert_eq!(place.events(), ["log_replaced", "three"]);
    assert_eq!(place.lines()[1]["seq"], 7);
    let findings = log.verify().findings;
    assert!(findings.iter().any(|finding| finding.what == What::ToldReplaced));
    let front = What::CutAtFront { from: 1, to: 5 };
    assert!(findings.iter().any(|finding| finding.what == front), "{findings:?}");
}

#[test]
fn a_symlink_in_the_place_of_the_log_is_not_followed_at_the_start_either() {
    let place = Place::new();
    let target = place.0.path().join("target");
    fs::write(&target, "").unwrap();
    symlink(&target, place.path()).unwrap();
    place.open(None).write("start", json!({}));
    assert_eq!(fs::read_to_string(&target).unwrap(), "");
    assert_eq!(place.events(), ["log_replaced", "start"]);
}

#[test]
fn what_somebody_writes_or_cuts_under_a_running_service_is_told() {
    let place = Place::new();
    let log = place.open(None);
    (0..3).for_each(|_| log.write("denied", json!({})));
    let whole = place.text();
    for changed in [
        whole.lines().take(2).map(|line| line.to_owned() + "\n").collect::<String>(),
        whole.clone() + "foreign\n",
        whole[..whole.len() - 30].to_owned(),
        String::new(),
    ] {
        fs::write(place.path(), &changed).unwrap();
        assert!(log.verify().alarm, "{changed}");
        log.write("denied", json!({}));
        assert!(place.text().contains("\"event\":\"log_cut\""), "{}", place.text());
        assert!(log.verify().alarm, "{changed}");
    }
    // A line that fits: not gone on with.
    let place = Place::new();
    let log = place.open(None);
    log.write("start", json!({}));
    let head = log.durable_head().unwrap();
    let forged = line::encode(&head, "t", "forged", &Fields::new()) + "\n";
    fs::write(place.path(), place.text() + &forged).unwrap();
    assert!(log.verify().findings.iter().any(|f| f.what == What::Beyond { last: 1 }));
    log.write("stop", json!({}));
    assert_eq!(place.lines().last().unwrap()["seq"], 3);
    assert!(log.verify().alarm);
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing_and_the_loss_is_told() {
    let place = Place::new();
    let directory = place.0.path().join("gone");
    let log = Log::open(Settings { path: directory.join("log"), ..place.settings(None) });
    log.write("start", json!({}));
    log.write("start", json!({}));
    assert_eq!(log.state().writer.lost(), 2);
    fs::create_dir(&directory).unwrap();
    log.write("denied", json!({}));
    let text = fs::read_to_string(directory.join("log")).unwrap();
    assert!(text.contains("\"lines_lost_before\":2"), "{text}");
    let what = What::Lost { lines: 2 };
    assert!(log.verify().findings.iter().any(|finding| finding.what == what));
}

#[test]
fn a_full_disk_leaves_no_part_of_a_line_and_the_loss_is_told() {
    let place = Place::new();
    let _mounted = TinyDisk::mount(place.0.path());
    let log = place.open(None);
    log.write("start", json!({}));
    let filler = place.0.path().join("filler");
    let _ = fs::write(&filler, vec![1; 1 << 20]);
    let text = "x".repeat(1500);
    (0..200).for_each(|_| log.write("denied", json!({ "path": text })));
    let full = place.text();
    assert!(full.ends_with("\"}\n"), "a part of a line stayed");
    assert!(log.state().writer.lost() > 100);
    fs::remove_file(&filler).unwrap();
    log.write("denied", json!({}));
    log.finish();
    let report = log.verify();
    assert!(!report.alarm, "{report:?}");
    assert!(matches!(report.findings.as_slice(), [one] if matches!(one.what, What::Lost { .. })));
}

/// Writes until the log has been rotated so often.
fn rotated(log: &Log, path: &Path, times: usize) {
    let start = |path: &Path| {
        fs::read_to_string(path).unwrap_or_default().lines().next().map(str::to_owned)
    };
    for _ in 0..times {
        let before = start(path);
        while start(path) == before {
            log.write("denied", json!({ "path": "/some/path" }));
        }
    }
}

#[test]
fn a_log_that_is_rotated_goes_on_in_a_new_file_and_says_what_is_gone() {
    let place = Place::new();
    let settings = || Settings { rotate_at: 2000, ..place.settings(None) };
    let log = Log::open(settings());
    log.write("start", json!({}));
    rotated(&log, &place.path(), 3);
    let first = &place.lines()[0];
    assert_eq!((&first["event"], &first["dropped_through"]), (&"rotated".into(), &0.into()));
    let report = log.verify();
    assert_eq!((report.findings.len(), report.files, report.first), (0, 4, 1));
    // The same over a restart.
    log.finish();
    let log = Log::open(Settings { kept: log.durable_head(), ..settings() });
    rotated(&log, &place.path(), 9);
    let report = log.verify();
    assert_eq!((report.findings.as_slice(), report.files), (&[][..], 10));
    assert_eq!(place.lines()[0]["dropped_through"], report.first - 1);
    assert_eq!(report.dropped_through, report.first - 1);
    // A cut at the front is none of rotation's, also after further ones.
    fs::remove_file(rotate::former(&place.path(), 9)).unwrap();
    let cut = |report: &Report| {
        report.findings.iter().any(|finding| matches!(finding.what, What::CutAtFront { .. }))
    };
    assert!(cut(&log.verify()));
    let former = |number| rotate::former(&place.path(), number);
    (5..9).for_each(|number| fs::remove_file(former(number)).unwrap());
    rotated(&log, &place.path(), 2);
    assert!(cut(&log.verify()));
    fs::remove_file(former(3)).unwrap();
    let missing = |report: Report| {
        report.findings.iter().any(|finding| matches!(finding.what, What::Missing { .. }))
    };
    assert!(missing(log.verify()));
}

#[test]
fn a_machine_that_stops_between_two_files_loses_nothing() {
    for empty in [false, true] {
        let place = Place::new();
        let head = place.with(&["start", "stop"]);
        rotate::shift(&place.path()).unwrap();
        if empty {
            fs::write(place.path(), "").unwrap();
        }
        let log = place.open(Some(head));
        log.write("start", json!({}));
        log.finish();
        assert_eq!(place.events(), ["rotated", "start", "seal"]);
        assert_eq!(log.verify().findings, []);
    }
}

#[test]
fn a_rotation_that_is_hindered_is_tried_again_and_nothing_is_lost() {
    let place = Place::new();
    let log = Log::open(Settings { rotate_at: 500, ..place.settings(None) });
    log.write("start", json!({}));
    // A directory cannot be replaced by a file.
    fs::create_dir_all(rotate::former(&place.path(), 1).join("x")).unwrap();
    (2..=9).for_each(|n| fs::create_dir_all(rotate::former(&place.path(), n).join("x")).unwrap());
    (0..20).for_each(|_| log.write("denied", json!({})));
    let written = place.events().iter().filter(|event| *event == "denied").count();
    assert_eq!(written, 20);
}

#[test]
fn a_panic_is_told_with_what_is_read_only_since() {
    let place = Place::new();
    let log = place.open(None);
    let file =
        crate::volume::Place { category: "db".into(), path: "/a/b".into(), many_names: false };
    log.request_panicked(Some(&file), "out of order");
    log.request_panicked(None, "out of order");
    log.file_event(&file, Event::SyncFailed);
    log.finish();
    let told = place.lines();
    let field = |line: usize, name: &str| told[line][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(place.events()[..3], ["request_panicked", "request_panicked", "sync_failed"]);
    assert_eq!((field(0, "path"), field(0, "read_only")), ("/a/b".into(), "this".into()));
    assert_eq!((field(1, "path"), field(1, "read_only")), (String::new(), "everything".into()));
    assert_eq!((field(0, "message"), field(2, "path")), ("out of order".into(), "/a/b".into()));
}

/// The keystore is to know no line that the kernel may have dropped.
#[test]
fn after_a_sync_that_failed_no_line_counts_as_durable_any_more() {
    let place = Place::new();
    let log = place.open(None);
    log.write("one", json!({}));
    let head = log.durable_head();
    assert!(head.is_some());
    let cannot_be_synced = fs::File::open("/dev/null").unwrap();
    assert!(!log.sync(&[Arc::new(cannot_be_synced)]));
    log.write("two", json!({}));
    assert_eq!(log.durable_head(), None);
    drop(log);
    assert_eq!(place.found(head), []);
}
