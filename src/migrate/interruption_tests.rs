//! Stopped before each step, and carried on from there; and failures in the middle.

use super::fixture::{Look, NOTHING, Sandbox, make_tree, paths, snapshot};
use super::{Error, Phase, Recovered, Step};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

type Snapshot = BTreeMap<PathBuf, Look>;

/// The tree is complete, plain or encrypted as the journal says, and nothing else is left.
fn check_whole(sandbox: &mut Sandbox, data: &Path, before: &Snapshot, note: &str) {
    match sandbox.journal.records.first().map(|record| record.phase) {
        None => {
            assert_eq!(snapshot(data), *before, "{note}");
        }
        Some(Phase::Encrypted) => {
            assert!(fs::symlink_metadata(data).unwrap().is_symlink(), "{note}");
            assert_eq!(paths(&sandbox.home()).len(), 2, "{note}");
            assert_eq!(sandbox.recover().unwrap(), [Recovered::Nothing], "{note}");
            sandbox.decrypt().unwrap();
            assert_eq!(snapshot(data), *before, "{note}");
        }
        Some(other) => panic!("{note}: still {other:?}"),
    }
    let beside = fs::read_dir(sandbox.home()).unwrap().count();
    assert_eq!(beside, 1, "{note}: something is left beside the original");
    assert_eq!(sandbox.stored(), NOTHING, "{note}");
}

fn small_tree(data: &Path) {
    fs::create_dir_all(data.join("sub")).unwrap();
    fs::write(data.join("sub/rows"), vec![3; 5000]).unwrap();
    fs::write(data.join("more"), b"more").unwrap();
}

fn encrypt_telling(
    sandbox: &mut Sandbox,
    data: &Path,
    progress: &mut dyn FnMut(Step),
) -> super::Result<()> {
    sandbox.with(progress, |context| super::encrypt(data, "mysql", context)).map(|_| ())
}

fn decrypt_telling(sandbox: &mut Sandbox, progress: &mut dyn FnMut(Step)) -> super::Result<()> {
    let record = sandbox.journal.records[0].clone();
    sandbox.with(progress, |context| super::decrypt(&record, context))
}

#[test]
fn encrypting_stopped_before_any_step_is_finished_or_undone() {
    let mut outcomes = Vec::new();
    for stop in 0.. {
        let mut sandbox = Sandbox::new();
        let data = sandbox.home().join("data");
        make_tree(&data);
        let before = snapshot(&data);
        let done = sandbox
            .crashing_at(stop, |sandbox, progress| encrypt_telling(sandbox, &data, progress));
        outcomes.extend(sandbox.recover().unwrap());
        check_whole(&mut sandbox, &data, &before, &format!("stopped before step {stop}"));
        if done.is_some() {
            break;
        }
    }
    assert!(outcomes.contains(&Recovered::Undone) && outcomes.contains(&Recovered::Finished));
}

#[test]
fn decrypting_stopped_before_any_step_is_finished_or_undone() {
    let mut outcomes = Vec::new();
    for stop in 0.. {
        let mut sandbox = Sandbox::new();
        let data = sandbox.home().join("data");
        make_tree(&data);
        let before = snapshot(&data);
        sandbox.encrypt(&data).unwrap();
        let done = sandbox.crashing_at(stop, decrypt_telling);
        outcomes.extend(sandbox.recover().unwrap());
        check_whole(&mut sandbox, &data, &before, &format!("stopped before step {stop}"));
        if done.is_some() {
            break;
        }
    }
    assert!(outcomes.contains(&Recovered::Undone) && outcomes.contains(&Recovered::Finished));
}

/// Stops an operation at each step, the recovery at each of its own, and then recovers for good.
fn recovery_can_be_stopped_too(
    prepare: fn(&mut Sandbox, &Path),
    work: fn(&mut Sandbox, &Path, &mut dyn FnMut(Step)),
) {
    for stop in 0.. {
        let mut first_done = false;
        for again in 0.. {
            let mut sandbox = Sandbox::new();
            let data = sandbox.home().join("data");
            small_tree(&data);
            let before = snapshot(&data);
            prepare(&mut sandbox, &data);
            let done =
                sandbox.crashing_at(stop, |sandbox, progress| work(sandbox, &data, progress));
            first_done = done.is_some();
            let recovered = sandbox
                .crashing_at(again, |sandbox, progress| sandbox.recover_telling(progress).unwrap());
            sandbox.recover().unwrap();
            let note = format!("stopped before step {stop}, recovery before {again}");
            check_whole(&mut sandbox, &data, &before, &note);
            if recovered.is_some() {
                break;
            }
        }
        if first_done {
            break;
        }
    }
}

#[test]
fn recovering_from_encrypting_can_be_stopped_before_any_step() {
    recovery_can_be_stopped_too(
        |_, _| {},
        |sandbox, data, progress| encrypt_telling(sandbox, data, progress).unwrap(),
    );
}

#[test]
fn recovering_from_decrypting_can_be_stopped_before_any_step() {
    recovery_can_be_stopped_too(
        |sandbox, data| drop(sandbox.encrypt(data).unwrap()),
        |sandbox, _, progress| decrypt_telling(sandbox, progress).unwrap(),
    );
}

/// Encrypts while `meddle` interferes at each step; the tree it leaves must be what is found after.
fn meddled(meddle: impl Fn(&Step, &Path)) -> (Sandbox, PathBuf, super::Result<()>) {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    small_tree(&data);
    let result = encrypt_telling(&mut sandbox, &data, &mut |step| meddle(&step, &data));
    (sandbox, data, result)
}

#[test]
fn what_changes_during_the_copy_is_noticed_and_left_alone() {
    for place in [Step::Attributes, Step::Comparing, Step::Placing, Step::Swapping] {
        let (sandbox, data, result) = meddled(|step, data| {
            if *step == place {
                fs::write(data.join("more"), b"changed").unwrap();
            }
        });
        assert!(
            matches!(result, Err(Error::Changed(_) | Error::Differs { .. })),
            "{place:?}: {result:?}"
        );
        assert_eq!(fs::read(data.join("more")).unwrap(), b"changed", "{place:?}");
        assert_eq!(sandbox.journal.records, [], "{place:?}");
        assert_eq!(sandbox.stored(), NOTHING, "{place:?}");
        assert_eq!(fs::read_dir(sandbox.home()).unwrap().count(), 1, "{place:?}");
    }
}

#[test]
fn a_new_name_during_the_copy_is_noticed() {
    let (sandbox, data, result) = meddled(|step, data| {
        if *step == Step::Comparing {
            fs::write(data.join("sub/new"), b"new").unwrap();
        }
    });
    assert!(matches!(result, Err(Error::Changed(_))), "{result:?}");
    assert_eq!(fs::read(data.join("sub/new")).unwrap(), b"new");
    assert_eq!(sandbox.journal.records, []);
}

#[test]
fn a_directory_swapped_for_a_symlink_leads_nowhere() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("rows"), b"of somebody else").unwrap();
    let (sandbox, data, result) = meddled(|step, data| {
        if *step == (Step::Copying { path: data.join("sub/rows") }) {
            fs::rename(data.join("sub"), data.join("aside")).unwrap();
            std::os::unix::fs::symlink(elsewhere.path(), data.join("sub")).unwrap();
        }
    });
    assert!(matches!(result, Err(Error::Io { .. } | Error::Changed(_))), "{result:?}");
    assert_eq!(fs::read(elsewhere.path().join("rows")).unwrap(), b"of somebody else");
    assert!(data.join("aside/rows").exists());
    assert_eq!(sandbox.stored(), NOTHING);
}

#[test]
fn another_thing_put_on_the_path_before_the_swap_goes_back_there() {
    let (sandbox, data, result) = meddled(|step, data| {
        if *step == Step::Swapping {
            fs::rename(data, data.with_file_name("moved")).unwrap();
            fs::create_dir(data).unwrap();
            fs::write(data.join("other"), b"other").unwrap();
        }
    });
    assert!(matches!(result, Err(Error::Changed(_))), "{result:?}");
    assert_eq!(fs::read(data.join("other")).unwrap(), b"other");
    assert_eq!(fs::read(data.with_file_name("moved").join("more")).unwrap(), b"more");
    assert_eq!(sandbox.stored(), NOTHING);
}

#[test]
fn a_journal_that_fails_at_the_end_undoes_everything() {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    make_tree(&data);
    let before = snapshot(&data);
    sandbox.journal.refuses = Some(Phase::Encrypted);
    let error = sandbox.encrypt(&data).unwrap_err();
    assert!(matches!(error, Error::Journal(_)), "{error}");
    check_whole(&mut sandbox, &data, &before, "the journal failed");

    sandbox.journal.refuses = Some(Phase::Decrypting);
    sandbox.encrypt(&data).unwrap();
    assert!(matches!(sandbox.decrypt(), Err(Error::Journal(_))));
    sandbox.journal.refuses = None;
    check_whole(&mut sandbox, &data, &before, "the journal failed again");
}

#[test]
fn a_link_replaced_after_a_crash_does_not_cost_the_original() {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    small_tree(&data);
    let mut swapping = false;
    // The step after the exchange.
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        encrypt_telling(&mut sandbox, &data, &mut |step| {
            if swapping {
                std::panic::resume_unwind(Box::new(()));
            }
            swapping = step == Step::Swapping;
        })
    }));
    assert!(stopped.is_err());
    assert!(fs::symlink_metadata(&data).unwrap().is_symlink());
    fs::remove_file(&data).unwrap();
    fs::write(&data, b"put there by somebody").unwrap();

    let error = sandbox.recover().unwrap_err();
    let Error::Displaced { kept, .. } = &error else { panic!("{error}") };
    assert_eq!(fs::read_dir(kept).unwrap().count(), 1);
    assert_eq!(fs::read(&data).unwrap(), b"put there by somebody");

    fs::remove_file(&data).unwrap();
    assert_eq!(sandbox.recover().unwrap(), [Recovered::Undone]);
    assert_eq!(fs::read(data.join("more")).unwrap(), b"more");
}

#[test]
fn missing_ciphertext_is_an_error_and_nothing_is_forgotten() {
    let mut sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    small_tree(&data);
    sandbox.encrypt(&data).unwrap();
    fs::remove_dir_all(sandbox.storage().join("mysql")).unwrap();
    assert!(matches!(sandbox.recover(), Err(Error::CiphertextMissing(_))));
    assert!(matches!(sandbox.decrypt(), Err(Error::CiphertextMissing(_))));
    assert_eq!(sandbox.journal.records.len(), 1);
}
