use super::*;
use crate::crypto::kdf::Params;
use crate::keystore::{NewSlot, Sealed, Secret};

fn secret() -> Secret {
    Secret::passphrase(b"passphrase", b"salt")
}

struct Place {
    directory: tempfile::TempDir,
    path: PathBuf,
}

/// A keystore that was saved twice, and a backup of each of its generations.
struct Backups {
    place: Place,
    first: Vec<u8>,
    second: Vec<u8>,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keystore");
        Self { directory, path }
    }

    fn saved_twice() -> Backups {
        let place = Self::new();
        let cheap = Params::with_log_n(Params::MIN_LOG_N).unwrap();
        let slot = NewSlot::Stretched(secret(), cheap);
        let mut keystore = Keystore::create(&place.path, &slot, 1).unwrap();
        let first = keystore.sealed_bytes().to_vec();
        keystore.update(|draft| draft.add_category("mysql").map(drop)).unwrap();
        let second = keystore.sealed_bytes().to_vec();
        Backups { place, first, second }
    }

    /// Writes what a file of that name holds; none where `bytes` are empty.
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        let _ = std::fs::remove_file(&path);
        if !bytes.is_empty() {
            durable::create(&path, bytes, MODE).unwrap();
        }
        path
    }

    /// The bytes of every file that is there.
    fn everything(&self) -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let path = self.directory.path().join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Restores from the file of that name, and stops after so many steps.
    fn restore(&self, from: &str, steps: usize) {
        let from = Sealed::load_alone(&self.directory.path().join(from)).unwrap();
        let mut keystore = from.unlock(&secret()).unwrap();
        let all: [&dyn Fn(&mut Keystore); 4] = [
            &|keystore| drop(keep(&self.path, keystore.sealed_bytes()).unwrap()),
            &|keystore| keystore.write_first(&self.path).unwrap(),
            &|_| remove_second(&self.path).unwrap(),
            &|keystore| assert!(keystore.save_second_copy()),
        ];
        match steps {
            // The test below must not know more steps than there are.
            ALL => drop(keystore.put_in_place(&self.path).unwrap()),
            steps => all.iter().take(steps).for_each(|step| step(&mut keystore)),
        }
    }

    /// Opens the keystore as the next start does, and mends it.
    fn opens(&self, what: &str) -> Keystore {
        let opened = Sealed::load(&self.path).and_then(|sealed| sealed.unlock(&secret()));
        let mut keystore = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
        keystore.mend().unwrap();
        keystore
    }
}

const ALL: usize = 5;

#[test]
fn a_restore_from_a_copy_beside_the_keystore_loses_no_copy_wherever_it_stops() {
    for from in ["keystore.backup", "keystore.previous", "keystore.replaced.1", "elsewhere"] {
        for (what, damage) in [("cut", 100), ("last byte", usize::MAX)] {
            for steps in 0..=ALL {
                let Backups { place, first, second } = Place::saved_twice();
                let mut damaged = second.clone();
                damaged.truncate(damage);
                *damaged.last_mut().unwrap() ^= 1;
                place.put("keystore", &damaged);
                place.put("keystore.backup", if from == "keystore.backup" { &second } else { b"" });
                place.put(from, &second);
                place.put("keystore.replaced.2", &first);
                place.restore(from, steps);
                let what = format!("{from}, {what}, {steps} steps");
                let there = place.everything();
                for kept in [&first, &second, &damaged] {
                    assert!(there.contains(kept), "{what}");
                }
                if from == "keystore.backup" || steps > 1 {
                    assert_eq!(place.opens(&what).sequence(), 2, "{what}");
                    assert!(place.everything().contains(&second), "{what}");
                }
            }
        }
    }
}

#[test]
fn restores_one_after_the_other_keep_every_keystore_that_there_was() {
    for steps in 0..=ALL {
        let Backups { place, first, second } = Place::saved_twice();
        place.put("one", &first);
        place.restore("one", ALL);
        assert_eq!(place.read("keystore"), first);
        assert_eq!(place.read("keystore.replaced.2"), second);
        // Another keystore of the same generation, and then back to the newest.
        let other = Place::saved_twice().second;
        place.put("other", &other);
        place.restore("other", ALL);
        place.restore("one", ALL);
        place.restore("keystore.replaced.2", steps);
        for gone in ["one", "other"] {
            place.put(gone, b"");
        }
        let there = place.everything();
        for kept in [&first, &second, &other] {
            assert!(there.contains(kept), "{steps} steps");
        }
        assert_eq!(place.read("keystore.replaced.2.2"), other, "{steps} steps");
        if steps >= ALL - 1 {
            assert_eq!(
                (place.read("keystore"), place.read("keystore.backup")),
                (second.clone(), second)
            );
        }
        place.opens(&format!("{steps} steps"));
    }
}

#[test]
fn a_second_copy_that_is_newer_than_the_backup_and_sound_is_kept() {
    for steps in 0..=ALL {
        let Backups { place, first, second } = Place::saved_twice();
        place.put("keystore", b"rubbish");
        place.put("one", &first);
        assert_eq!(place.read("keystore.backup"), second);
        place.restore("one", steps);
        let what = format!("{steps} steps");
        let there = place.everything();
        assert!(there.contains(&second) && there.contains(&b"rubbish".to_vec()), "{what}");
        let opened = place.opens(&what);
        assert_eq!(opened.sequence(), if steps > 2 { 1 } else { 2 }, "{what}");
        if steps > 0 {
            assert_eq!(place.read("keystore.replaced.2"), second, "{what}");
            assert_eq!(place.read("keystore.replaced.damaged"), b"rubbish", "{what}");
        }
    }
}

#[test]
fn what_is_kept_already_is_not_kept_again_and_nothing_at_all_is_fine() {
    let Backups { place, first, second } = Place::saved_twice();
    place.put("one", &first);
    let kept = |from: &str| {
        let from = Sealed::load_alone(&place.directory.path().join(from)).unwrap();
        from.unlock(&secret()).unwrap().put_in_place(&place.path).unwrap()
    };
    let two = place.path.with_file_name("keystore.replaced.2");
    assert_eq!(kept("one"), std::slice::from_ref(&two));
    assert_eq!(kept("one"), [] as [PathBuf; 0]);
    place.put("keystore", &second);
    assert_eq!(kept("one"), [two]);
    place.put("keystore", b"");
    place.put("keystore.backup", b"");
    assert_eq!(kept("one"), [] as [PathBuf; 0]);
    assert_eq!(place.read("keystore.backup"), first);
}
