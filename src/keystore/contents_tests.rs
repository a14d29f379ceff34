use super::super::{GuardError, Kind, Name, PinnedFile, PluginRecord, RuleBindings, State};
use super::*;
use proptest::prelude::*;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const HEX16: &str = "00112233445566778899aabbccddeeff";
const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

fn with_everything() -> Contents {
    let mut contents = Contents::default();
    for name in ["mysql", "backup"] {
        let keys = CategoryKeys::generate(Suite::XChaCha20Poly1305).unwrap();
        contents.categories.insert(name.into(), Arc::new(keys));
    }
    contents.rules.push(RuleRecord {
        text: "ALLOW @mysql \"*\" /usr/sbin/mysqld\n".into(),
        process: "/usr/sbin/mysqld".into(),
        encrypted: true,
        sha256: [0xab; 32],
        size: u64::MAX,
        guard: true,
        package: Some("mariadb-server 1:10.11".into()),
        bindings: RuleBindings {
            users: vec![0, u32::MAX],
            groups: vec![7],
            script: Some(pinned("/usr/local/bin/ü")),
            libraries: vec![pinned("/lib/a.so"), pinned("/lib/b.so")],
        },
    });
    for (path, state) in
        [("/a", State::Encrypting), ("/b", State::Encrypted), ("/ü \"x\"", State::Decrypting)]
    {
        let location = Location::new("mysql", Path::new(path), Kind::File).unwrap();
        contents.locations.push(Location { state, confirmed: path == "/b", ..location });
    }
    contents.guards.push(guard("/usr/sbin/mysqld"));
    let (target, data, rate) = (1, true, u64::MAX);
    let record = RotationRecord { target, data, rate, started: 7, distrusted: true };
    contents.rotations.insert("mysql".into(), record);
    contents.audit = Some(AuditHead { sequence: u64::MAX, hash: [0xef; 32] });
    contents.audit_keys.push(Arc::new(Key::take(&mut [9; 32])));
    contents
}

fn pinned(path: &str) -> PinnedFile {
    PinnedFile { path: path.into(), sha256: [0xcd; 32], size: 5 }
}

fn guard(path: &str) -> GuardRecord {
    GuardRecord {
        path: path.into(),
        names: vec![Name("mysqld".into()), Name(OsStr::from_bytes(b"caf\xe9").into())],
        server: "/a".into(),
        was_at: Some(Name(path.into())),
        category: "mysql".into(),
        settings: vec!["allow init_file".into()],
        reload_privileges: true,
        plugins: vec![PluginRecord { name: "a b.so".into(), sha256: [7; 32] }],
        facts: "mariadb 10.11\n".into(),
        diverted: true,
        added_rules: vec!["ALLOW @x * /y".into()],
        moved_rules: vec![],
    }
}

fn body(categories: &str, locations: &str) -> String {
    format!(r#"{{"categories":[{categories}],"rules":[],"locations":[{locations}]}}"#)
}

fn category(name: &str, id: &str, suite: u32, epoch: u32, keys: &str) -> String {
    format!(r#"{{"name":"{name}","id":"{id}","suite":{suite},"epoch":{epoch},"keys":[{keys}]}}"#)
}

fn epoch(number: u32) -> String {
    format!(r#"{{"epoch":{number},"key":"{KEY}"}}"#)
}

fn good_category() -> String {
    category("mysql", HEX16, 1, 1, &epoch(1))
}

fn location(id: &str, category: &str, path: &str) -> String {
    format!(
        r#"{{"id":"{id}","category":"{category}","path":"{path}","kind":"file","state":"encrypted"}}"#
    )
}

fn refusal(text: &str) -> Option<Error> {
    Contents::decode(text.as_bytes()).err()
}

#[test]
fn contents_come_back() {
    let contents = with_everything();
    let bytes = contents.encode().unwrap();
    let again = Contents::decode(bytes.expose()).unwrap();
    assert_eq!(again.rules, contents.rules);
    assert_eq!(again.locations, contents.locations);
    assert_eq!(again.guards, contents.guards);
    assert_eq!(again.audit, contents.audit);
    for (name, keys) in &contents.categories {
        let found = &again.categories[name];
        assert_eq!((found.id, found.suite), (keys.id, keys.suite));
        assert!(found.key(1).unwrap().same_as(keys.key(1).unwrap()));
    }
    assert_eq!(again.encode().unwrap().expose(), bytes.expose());
}

#[test]
fn the_buffer_is_made_at_its_final_size_so_that_no_copy_stays_behind() {
    let mut bytes = with_everything().encode().unwrap();
    assert_eq!(bytes.expose_mut().capacity(), bytes.expose().len());
}

#[test]
fn what_cannot_be_kept_is_named() {
    let twice = [good_category(), category("other", HEX16, 1, 1, &epoch(1))].join(",");
    let same_name = [good_category(), good_category()].join(",");
    let same_epoch = [epoch(1), epoch(1)].join(",");
    let keys = |source| Error::CategoryKeys { category: "mysql".into(), source };
    let cases = [
        (body(&twice, ""), Error::CategoryRepeated("other".into())),
        (body(&same_name, ""), Error::CategoryRepeated("mysql".into())),
        (
            body(&category("mysql", HEX16, 1, 1, &same_epoch), ""),
            Error::CategoryRepeated("mysql".into()),
        ),
        (
            body(&category("mysql", HEX16, 9, 1, &epoch(1)), ""),
            keys(crypto::Error::UnknownSuite(9)),
        ),
        (
            body(&category("mysql", HEX16, 1, 2, &epoch(1)), ""),
            keys(crypto::Error::UnknownEpoch(2)),
        ),
        (
            body(&category("..", HEX16, 1, 1, &epoch(1)), ""),
            Error::CategoryName(category::Error::Character('.')),
        ),
        (
            body(&category("@mysql", HEX16, 1, 1, &epoch(1)), ""),
            Error::CategoryName(category::Error::Character('@')),
        ),
        (
            body(&good_category(), &location(HEX16, "gone", "/a")),
            Error::LocationCategory { path: "/a".into(), category: "gone".into() },
        ),
        (
            body(
                &good_category(),
                &[location(HEX16, "mysql", "/a"), location(HEX16, "mysql", "/b")].join(","),
            ),
            Error::LocationRepeated("/b".into()),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(&text), Some(expected));
    }
    assert_eq!(refusal(&body(&good_category(), &location(HEX16, "mysql", "/a"))), None);
}

#[test]
fn one_path_has_one_location() {
    let mut contents = with_everything();
    contents.locations.push(Location::new("backup", Path::new("/a"), Kind::Directory).unwrap());
    assert_eq!(contents.check(), Err(Error::LocationRepeated("/a".into())));
}

#[test]
fn paths_that_are_not_absolute_and_plain_are_refused() {
    for path in ["", "a", "./a", "/a/../b", "/a/.", "/a//b", "/a/", "//a"] {
        let text = body(&good_category(), &location(HEX16, "mysql", path));
        assert_eq!(refusal(&text), Some(Error::LocationPath(path.into())));
    }
}

#[test]
fn members_that_this_release_does_not_know_are_refused() {
    let known = body(&good_category(), "");
    let unknown = known.replacen('{', r#"{"ghosts":[],"#, 1);
    assert_eq!(refusal(&known), None);
    assert!(matches!(refusal(&unknown), Some(Error::Syntax { line: 1, .. })));
    let renamed = known.replace("epoch", "epok");
    assert!(matches!(refusal(&renamed), Some(Error::Syntax { .. })));
    assert!(matches!(refusal(&format!("{known} x")), Some(Error::Syntax { .. })));
}

#[test]
fn contents_without_guards_are_written_as_before_there_were_any() {
    let mut contents = with_everything();
    contents.guards.clear();
    contents.rules[0].guard = false;
    let text = contents.encode().unwrap();
    assert!(!String::from_utf8_lossy(text.expose()).contains("guard"));
    let again = Contents::decode(text.expose()).unwrap();
    assert!(again.guards.is_empty() && !again.rules[0].guard);
}

#[test]
fn a_guard_that_is_not_one_is_named() {
    let path = || PathBuf::from("/usr/sbin/mysqld");
    let refused = |change: fn(&mut Contents)| {
        let mut contents = with_everything();
        change(&mut contents);
        match contents.check() {
            Err(Error::Guard(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let twice = refused(|contents| contents.guards.push(contents.guards[0].clone()));
    assert_eq!(twice, GuardError::Repeated(path()));
    let changes: [fn(&mut GuardRecord, PathBuf); 3] = [
        |guard, path| guard.path = path,
        |guard, path| guard.server = path,
        |guard, path| guard.was_at = Some(Name(path)),
    ];
    for change in changes {
        for bad in ["", "a", "/a/../b", "/a/", "//a"] {
            let mut contents = with_everything();
            change(&mut contents.guards[0], bad.into());
            let Err(Error::Guard(GuardError::Path { path, .. })) = contents.check() else {
                panic!("{bad:?} was kept");
            };
            assert_eq!(path, Path::new(bad));
        }
    }
    let directory = refused(|contents| contents.locations[0].kind = Kind::Directory);
    assert_eq!(directory, GuardError::Directory { guard: path(), server: "/a".into() });
    for (name, source) in [
        ("", category::Error::Empty),
        ("@mysql", category::Error::Character('@')),
        ("a/b", category::Error::Character('/')),
    ] {
        let mut contents = with_everything();
        contents.guards[0].category = name.into();
        let expected = GuardError::Category { guard: path(), source };
        assert_eq!(contents.check(), Err(Error::Guard(expected)));
    }
    let mut decrypted = with_everything();
    decrypted.locations.clear();
    assert_eq!(decrypted.check(), Ok(()), "the server of a guard may be decrypted for a while");
}

#[test]
fn no_error_repeats_a_key() {
    let sound = body(&good_category(), "");
    for broken in [
        sound.replace(r#""suite":1"#, &format!(r#""suite":"{KEY}""#)),
        sound.replace(KEY, &KEY[1..]),
        sound.replace(KEY, &KEY.replace("c0ff", "C0FF")),
        sound.replace("key\"", &format!("{KEY}\"")),
    ] {
        let error = refusal(&broken).unwrap();
        assert!(!format!("{error} {error:?}").to_lowercase().contains("c0ffee"), "{error:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(
        at in 0usize..300,
        insert in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut text = body(&good_category(), &location(HEX16, "mysql", "/a")).into_bytes();
        let at = at.min(text.len());
        text.splice(at..(at + insert.len()).min(text.len()), insert.iter().copied());
        let _ = Contents::decode(&text);
        let _ = Contents::decode(&insert);
    }
}
