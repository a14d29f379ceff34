//! The keystore on a disk that fails (`storage::double::names`): whatever is saved, whenever it is broken off,
//! the old generation or the new one opens, and can be changed.

use super::*;
use crate::storage::double::broken::{self, Broken};
use crate::storage::double::names::{Left, record};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::rc::Rc;

/// A keystore that two RSA keys open, none of which costs much.
struct Store {
    place: Place,
    first: Rc<PrivateKey>,
    second: Rc<PrivateKey>,
}

/// A change, and whether the second key opens what is saved then.
type Change = (&'static str, fn(&Store, &mut Keystore) -> Result<()>, bool);

const CHANGES: [Change; 5] = [
    ("a location is added", |_, keystore| add_location(keystore, "/b").map(drop), true),
    ("a keyslot is removed", |store, keystore| store.remove_second_slot(keystore), false),
    (
        "a keyslot is added",
        |_, keystore| keystore.add_slot(&cheap_slot(b"other", b"grain"), "other", 2).map(drop),
        true,
    ),
    (
        "the master key is changed",
        |store, keystore| {
            let sealed = store.place.load()?;
            let shown = slot_key(sealed.slots(), &sealed.id(), &store.first);
            keystore.rotate_master(&shown, &[], &[], 5)
        },
        true,
    ),
    (
        "both copies are made the same",
        |store, keystore| {
            let _ = std::fs::remove_file(&store.place.path);
            keystore.mend().map(drop)
        },
        true,
    ),
];

/// A directory in memory: thousands of files are synced.
fn place() -> Place {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = directory.path().join("keystore");
    Place { directory, path }
}

/// The keystore in `place` opened by a key of its first copy, or of the second where that is all there is.
fn open(place: &Place, private: &PrivateKey, slot: usize) -> Result<Keystore> {
    let sealed = place.load()?;
    let rsa: Vec<_> = sealed
        .slots()
        .iter()
        .filter_map(|slot| match slot {
            crate::format::keystore::Slot::Rsa(slot) => Some(slot),
            _ => None,
        })
        .collect();
    let rsa = rsa.get(slot).ok_or(Error::WrongSecret)?;
    let key = rsa.slot_secret(&sealed.id(), private).map_err(|_| Error::WrongSecret)?;
    sealed.unlock(&Secret::SlotKey { slot: rsa.id, key })
}

impl Store {
    fn new() -> Self {
        let ((first, one), (second, other)) = (pair(), pair());
        let place = place();
        let mut keystore = Keystore::create(&place.path, &NewSlot::Rsa(one), 1).unwrap();
        keystore.add_slot(&NewSlot::Rsa(other), "second", 2).unwrap();
        add_location(&mut keystore, "/a").unwrap();
        Self { place, first: first.into(), second: second.into() }
    }

    /// The same once more.
    fn again(&self) -> Self {
        let copy = place();
        for file in std::fs::read_dir(self.place.directory.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copy.directory.path().join(file.file_name())).unwrap();
        }
        Self { place: copy, first: self.first.clone(), second: self.second.clone() }
    }

    fn open(&self) -> Keystore {
        open(&self.place, &self.first, 0).unwrap()
    }

    fn remove_second_slot(&self, keystore: &mut Keystore) -> Result<()> {
        let slot = keystore.find_slot("second")?;
        keystore.remove_slot(slot)
    }

    /// What a crash left opens as a generation from `old` to `new`, and goes on from there.
    fn judge(
        &self,
        left: &Left,
        old: u64,
        new: u64,
        second: bool,
    ) -> std::result::Result<(), String> {
        let place = place();
        left.put(place.directory.path());
        let told = |error: Error| format!("{}: {error}", left.told);
        let mut keystore = open(&place, &self.first, 0).map_err(told)?;
        let oldest = if left.complete { new } else { old };
        if !(oldest..=new).contains(&keystore.sequence()) {
            return Err(format!("{}: generation {}, not {oldest}", left.told, keystore.sequence()));
        }
        let by_second = open(&place, &self.second, 1);
        if left.complete && by_second.is_ok() != second {
            return Err(format!("{}: the second key opens: {}", left.told, by_second.is_ok()));
        }
        keystore.mend().map_err(told)?;
        if !keystore.copies_agree() {
            return Err(format!("{}: the copies differ", left.told));
        }
        let locations = keystore.locations().len();
        add_location(&mut keystore, "/later").map_err(told)?;
        let again = open(&place, &self.first, 0).map_err(told)?;
        if again.locations().len() == locations + 1 { Ok(()) } else { Err(left.told.clone()) }
    }

    /// Does a change, with a call that fails if there is a plan, and judges all crashes meanwhile and afterwards.
    fn tried(
        &self,
        change: &Change,
        plan: Option<(usize, bool, Errno)>,
    ) -> std::result::Result<usize, String> {
        let (_, act, second) = change;
        let mut keystore = self.open();
        let old = keystore.sequence();
        let directory = self.place.directory.path();
        let (done, record) = record(directory, plan, || act(self, &mut keystore));
        let new = keystore.sequence();
        if plan.is_none() {
            done.as_ref().map_err(ToString::to_string)?;
        }
        let mut seen = BTreeSet::new();
        for mut left in record.crashes() {
            // A change that failed may be there or not.
            left.complete &= done.is_ok();
            if seen.insert((left.shape(), left.complete)) {
                let newest = if done.is_ok() { new } else { new + 1 };
                self.judge(&left, old, newest, *second)?;
            }
        }
        if plan.is_none() && seen.len() < 4 {
            return Err(format!("only {} states", seen.len()));
        }
        Ok(record.calls)
    }
}

/// > The keystore is the one before the change that was going on or the one after it, and once a
/// > command has answered it is the one after.
#[test]
fn whatever_is_saved_and_wherever_that_is_broken_off_the_old_or_the_new_keystore_opens() {
    let store = Store::new();
    for change in &CHANGES {
        store.again().tried(change, None).unwrap_or_else(|fault| panic!("{}: {fault}", change.0));
    }
}

#[test]
fn whichever_call_fails_when_something_is_saved_the_old_or_the_new_keystore_opens() {
    let store = Store::new();
    for change in &CHANGES {
        let calls = store.again().tried(change, None).unwrap();
        for at in 0..calls {
            for (errno, lasting) in [(Errno::IO, false), (Errno::NOSPC, true)] {
                let tried = store.again().tried(change, Some((at, lasting, errno)));
                tried.unwrap_or_else(|fault| panic!("{}, {errno} at call {at}: {fault}", change.0));
            }
        }
    }
}

#[test]
fn a_keystore_that_is_being_made_is_there_or_is_not() {
    let (private, spki) = pair();
    let place = place();
    let (done, record) = record(place.directory.path(), None, || {
        Keystore::create(&place.path, &NewSlot::Rsa(spki), 1)
    });
    done.unwrap();
    for left in record.crashes() {
        let after = super::faults::place();
        left.put(after.directory.path());
        match open(&after, &private, 0) {
            Ok(keystore) => assert_eq!(keystore.sequence(), 1),
            Err(Error::Missing(_)) if !left.complete => {}
            Err(error) => panic!("{}: {error}", left.told),
        }
    }
}

#[test]
fn what_is_broken_on_purpose_when_a_keystore_is_saved_is_noticed() {
    let store = Store::new();
    let ways = [Broken::RemovedFirst, Broken::UnsyncedRename, Broken::UnsyncedDirectory];
    for what in ways {
        let noticed = CHANGES
            .iter()
            .any(|change| broken::with(Some(what), || store.again().tried(change, None).is_err()));
        assert!(noticed, "{what:?} was not noticed");
    }
}
