use super::*;
use crate::crypto::CategoryKeys;
use crate::format::keystore::{KeystoreFile, Prefix, Slot, SlotId};
use crate::keystore::RuleBindings;
use crate::storage::durable::{self, tests::TinyDisk};

#[test]
fn a_change_is_on_disk_and_in_memory_and_raises_the_sequence() {
    let place = Place::new();
    let mut keystore = place.create();
    let id = add_location(&mut keystore, "/var/lib/mysql").unwrap();
    add_location(&mut keystore, "/var/lib/more").unwrap();
    assert_eq!((keystore.sequence(), place.names()), (3, 2));
    let again = place.unlock().unwrap();
    assert_eq!(again.sequence(), 3);
    assert_eq!(again.locations(), keystore.locations());
    assert_eq!(again.location_at(Path::new("/var/lib/mysql")).unwrap().id, id);
    assert_eq!(again.location_containing(Path::new("/var/lib/mysql/t")).unwrap().id, id);
    let (kept, loaded) = (keystore.category("mysql").unwrap(), again.category("mysql").unwrap());
    assert!(kept.key(1).unwrap().same_as(loaded.key(1).unwrap()));
}

#[test]
fn a_category_is_made_once_under_a_proper_name() {
    let place = Place::new();
    let mut keystore = place.create();
    let keys = keystore.update(|draft| draft.add_category("@ndbdata")).unwrap();
    assert_eq!(keystore.category("ndbdata").unwrap().id, keys.id);
    let twice = keystore.update(|draft| draft.add_category("ndbdata"));
    assert!(matches!(twice, Err(Error::CategoryExists(name)) if name == "ndbdata"));
    let misnamed = keystore.update(|draft| draft.add_category("a/b"));
    assert!(matches!(misnamed, Err(Error::CategoryName(category::Error::Character('/')))));
    assert_eq!(keystore.sequence(), 2);
}

/// Runs `change`, which must fail, and asserts that memory and disk are as before.
fn fails_without_trace(
    place: &Place,
    keystore: &mut Keystore,
    change: impl FnOnce(&mut Draft) -> Result<()>,
) -> Error {
    let (bytes, names) = (place.read(), place.names());
    let (sequence, locations) = (keystore.sequence(), keystore.locations().to_vec());
    let error = keystore.update(change).unwrap_err();
    assert_eq!((place.read(), place.names()), (bytes, names));
    assert_eq!((keystore.sequence(), keystore.locations()), (sequence, &locations[..]));
    assert!(keystore.category("new").is_none());
    error
}

#[test]
fn a_change_that_fails_or_cannot_be_kept_leaves_no_trace() {
    let place = Place::new();
    let mut keystore = place.create();
    add_location(&mut keystore, "/a").unwrap();
    let own = fails_without_trace(&place, &mut keystore, |draft| {
        draft.add_category("new")?;
        draft.locations.clear();
        Err(Error::WrongSecret)
    });
    assert!(matches!(own, Error::WrongSecret));
    let repeated = fails_without_trace(&place, &mut keystore, |draft| {
        draft.add_category("new")?;
        draft.locations.push(draft.locations[0].clone());
        Ok(())
    });
    assert!(matches!(repeated, Error::Draft(contents::Error::LocationRepeated(_))));
    add_location(&mut keystore, "/b").unwrap();
    assert_eq!(place.unlock().unwrap().locations().len(), 2);
}

#[test]
fn a_change_may_fail_with_an_error_of_its_caller() {
    #[derive(Debug)]
    struct NoSuchRule;
    impl From<Error> for NoSuchRule {
        fn from(_: Error) -> Self {
            Self
        }
    }
    let mut keystore = Place::new().create();
    let refused: std::result::Result<(), NoSuchRule> = keystore.try_update(|_| Err(NoSuchRule));
    assert!(refused.is_err());
    assert_eq!(keystore.sequence(), 1);
}

#[test]
fn a_save_on_a_full_disk_leaves_no_trace_and_the_next_one_succeeds() {
    let place = Place::new();
    let _mounted = TinyDisk::mount(place.directory.path());
    let mut keystore = place.create();
    add_location(&mut keystore, "/a").unwrap();
    let error = fails_without_trace(&place, &mut keystore, |draft| {
        draft.add_category("new")?;
        draft.rules.push(rule(&"x".repeat(100_000)));
        Ok(())
    });
    assert!(matches!(error, Error::Save(cause) if cause.is_no_space()));
    add_location(&mut keystore, "/b").unwrap();
    assert_eq!(place.unlock().unwrap().sequence(), 3);
}

#[test]
fn a_save_into_a_directory_that_is_gone_leaves_memory_as_it_was() {
    let place = Place::new();
    let mut keystore = place.create();
    std::fs::remove_dir_all(place.directory.path()).unwrap();
    assert!(matches!(add_location(&mut keystore, "/a"), Err(Error::Save(_))));
    assert_eq!((keystore.sequence(), keystore.locations().len()), (1, 0));
}

#[test]
fn a_keystore_removed_under_a_running_one_is_made_again_by_the_next_change() {
    let place = Place::new();
    let mut keystore = place.create();
    std::fs::remove_file(&place.path).unwrap();
    add_location(&mut keystore, "/a").unwrap();
    assert_eq!(place.unlock().unwrap().locations().len(), 1);
}

#[test]
fn what_somebody_else_saved_meanwhile_is_not_overwritten() {
    let place = Place::new();
    let mut first = place.create();
    let mut second = place.unlock().unwrap();
    add_location(&mut first, "/a").unwrap();
    let before = place.read();
    assert!(matches!(add_location(&mut second, "/b"), Err(Error::ChangedOnDisk(_))));
    assert_eq!(place.read(), before);
}

#[test]
fn an_old_keystore_put_back_shows_its_lower_sequence() {
    let place = Place::new();
    let mut keystore = place.create();
    let old = place.read();
    add_location(&mut keystore, "/a").unwrap();
    place.write_alone(&old);
    assert_eq!(place.load().unwrap().sequence(), 1);
    assert!(place.unlock().unwrap().sequence() < keystore.sequence());
    assert!(matches!(add_location(&mut keystore, "/b"), Err(Error::ChangedOnDisk(_))));
}

#[test]
fn slots_of_later_releases_survive_a_change() {
    let place = Place::new();
    let keystore = place.create();
    let mut slots = place.load().unwrap().slots().to_vec();
    slots.insert(0, Slot::Unknown { kind: 9, id: SlotId([9; 16]), payload: vec![1, 2, 3] });
    let (master, body) =
        (keystore.master().duplicate(), contents::Contents::default().encode().unwrap());
    let prefix = Prefix { id: keystore.id(), sequence: 5, slots };
    let file = KeystoreFile::seal(prefix, &master, [3; 24], body).unwrap();
    place.write_alone(file.bytes());
    add_location(&mut place.unlock().unwrap(), "/a").unwrap();
    let sealed = place.load().unwrap();
    assert_eq!(sealed.slots(), file.prefix().slots);
    assert_eq!(sealed.sequence(), 6);
}

#[test]
fn the_last_sequence_number_is_an_error_and_not_a_wrap() {
    let place = Place::new();
    let keystore = place.create();
    let (master, body) =
        (keystore.master().duplicate(), contents::Contents::default().encode().unwrap());
    let slots = place.load().unwrap().slots().to_vec();
    let prefix = Prefix { id: keystore.id(), sequence: u64::MAX, slots };
    let file = KeystoreFile::seal(prefix, &master, [3; 24], body).unwrap();
    place.write_alone(file.bytes());
    let refused = add_location(&mut place.unlock().unwrap(), "/a");
    assert!(matches!(refused, Err(Error::SequenceUsedUp(_))));
    assert_eq!(place.read(), file.bytes());
}

#[test]
fn a_keystore_left_by_a_crash_opens_and_the_next_change_tidies() {
    let place = Place::new();
    drop(place.create());
    std::fs::write(place.directory.path().join(".keystore.a1b2c3.new"), b"half").unwrap();
    std::fs::hard_link(&place.path, durable::previous(&place.path)).unwrap();
    let mut keystore = place.unlock().unwrap();
    add_location(&mut keystore, "/a").unwrap();
    assert_eq!(place.names(), 2);
}

fn rule(text: &str) -> RuleRecord {
    let process = "/bin/true".into();
    let (encrypted, guard) = (false, false);
    let (package, bindings) = (None, RuleBindings::default());
    let text = text.into();
    RuleRecord { text, process, encrypted, sha256: [1; 32], size: 1, guard, package, bindings }
}

#[test]
fn how_far_the_audit_log_came_is_kept_with_every_save() {
    let place = Place::new();
    let mut keystore = place.create();
    add_location(&mut keystore, "/a").unwrap();
    assert_eq!(place.unlock().unwrap().audit_head(), None);
    let head = AuditHead { sequence: 7, hash: [9; 32] };
    keystore.keep_audit_head(Box::new(move || Some(head)));
    add_location(&mut keystore, "/b").unwrap();
    assert_eq!(place.unlock().unwrap().audit_head(), Some(head));
    keystore.keep_audit_head(Box::new(|| None));
    add_location(&mut keystore, "/c").unwrap();
    assert_eq!(place.unlock().unwrap().audit_head(), Some(head), "what is known stays");
}

#[test]
fn a_category_gets_a_new_key_and_keeps_the_old_one_until_it_is_retired() {
    let place = Place::new();
    let mut keystore = place.create();
    keystore.update(|draft| draft.add_category("mysql")).unwrap();
    let begun = keystore.update(|draft| draft.rotate_category("mysql", true, 5, 77)).unwrap();
    assert_eq!((begun.target, begun.data, begun.rate, begun.started), (2, true, 5, 77));
    keystore
        .update(|draft| {
            draft.set_rotation_rate("mysql", 6);
            Ok(())
        })
        .unwrap();
    assert!(keystore.copies_agree());
    std::fs::write(crate::keystore::backup_path(keystore.path()), b"x").unwrap();
    assert!(!keystore.copies_agree());
    keystore.mend().unwrap();
    assert!(keystore.copies_agree());
    let mut again = place.unlock().unwrap();
    assert_eq!(again.rotation("mysql").unwrap().rate, 6);
    let keys = again.category("mysql").unwrap().clone();
    assert!(keys.key(1).is_ok() && keys.current_epoch() == 2);
    for (name, data) in [("mysql", false), ("none", true)] {
        let refused = again.update(|draft| draft.rotate_category(name, data, 0, 1)).unwrap_err();
        assert!(matches!(refused, Error::Rotating(_) | Error::NoSuchCategory(_)), "{refused}");
    }
    again
        .update(|draft| {
            draft.retire_epochs("mysql");
            Ok(())
        })
        .unwrap();
    let last = place.unlock().unwrap();
    assert!(last.rotations().is_empty() && last.category("mysql").unwrap().key(1).is_err());
    assert!(last.category("mysql").unwrap().key(2).unwrap().same_as(keys.key(2).unwrap()));
}

#[test]
fn while_a_key_is_changed_older_keys_can_be_imported_and_newer_ones_cannot() {
    let place = Place::new();
    let mut keystore = place.create();
    let first = keystore.update(|draft| draft.add_category("mysql")).unwrap();
    for _ in 0..2 {
        keystore.update(|draft| draft.rotate_category("mysql", false, 0, 1)).unwrap();
        let retire = |draft: &mut Draft| {
            draft.retire_epochs("mysql");
            Ok(())
        };
        keystore.update(retire).unwrap();
    }
    keystore.update(|draft| draft.rotate_category("mysql", false, 0, 1)).unwrap();
    let again = |keys: &CategoryKeys| keys.without_epochs_before(0);
    let newer = again(keystore.category("mysql").unwrap()).with_new_epoch().unwrap();
    let refused = keystore.update(|draft| draft.import_category("mysql", newer));
    assert!(matches!(refused, Err(Error::Rotating(_))));
    keystore.update(|draft| draft.import_category("mysql", again(&first))).unwrap();
    let keys = keystore.category("mysql").unwrap();
    assert_eq!(keys.epochs().map(|(epoch, _)| epoch).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(keystore.rotation("mysql").unwrap().target, keys.current_epoch());
}
