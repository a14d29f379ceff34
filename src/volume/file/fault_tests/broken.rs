//! The write path broken on purpose, one way at a time: each is noticed, so that passing shows something.

use super::crashes;
use super::{Checked, errors};
use crate::storage::double::broken::Broken;

/// Fails unless what is broken was noticed, and as what it is.
fn noticed(what: Broken, told: &str, checked: Checked) {
    match checked {
        Ok(()) => panic!("{what:?} was not noticed"),
        Err(fault) => assert!(fault.contains(told), "{what:?}, noticed as: {fault}"),
    }
}

#[test]
fn a_sync_that_does_nothing_is_noticed() {
    let what = Broken::SkippedSync;
    noticed(what, "after a power cut", crashes::all_short(1, Some(what)));
}

#[test]
fn a_failed_sync_that_is_tried_again_is_noticed() {
    let what = Broken::RetriedSync;
    noticed(what, "tried again and believed", errors::all_short(2, Some(what)));
}

#[test]
fn a_size_that_is_set_before_its_sectors_are_written_is_noticed() {
    let what = Broken::SizeFirst;
    noticed(what, "the size told of", crashes::all_short(1, Some(what)));
}

#[test]
fn a_header_that_is_written_after_its_sectors_is_noticed() {
    let what = Broken::HeaderLast;
    noticed(what, "cannot open", crashes::all_short(1, Some(what)));
}

#[test]
fn a_header_that_is_not_synced_before_it_is_needed_is_noticed() {
    let what = Broken::HeaderUnsynced;
    noticed(what, "after a power cut", crashes::all_short(1, Some(what)));
}

#[test]
fn a_new_file_that_is_extended_before_its_header_is_synced_is_noticed() {
    let what = Broken::HeaderUnsynced;
    noticed(what, "after a power cut", crashes::all_extended(Some(what)));
}

#[test]
fn sectors_from_an_unaligned_buffer_are_noticed() {
    let what = Broken::UnalignedBuffer;
    noticed(what, "after a kill", crashes::all_short(1, Some(what)));
}

#[test]
fn sectors_that_are_written_in_halves_are_noticed() {
    let what = Broken::HalfSectors;
    noticed(what, "after a kill", crashes::all_short(1, Some(what)));
}

#[test]
fn a_nonce_that_is_used_twice_is_noticed() {
    let what = Broken::ReusedNonce;
    noticed(what, "a nonce was used twice", crashes::all_short(1, Some(what)));
}

#[test]
fn plaintext_that_is_kept_too_long_is_noticed() {
    let what = Broken::KeptPlaintext;
    noticed(what, "which it never did", crashes::all_short(3, Some(what)));
}

#[test]
fn a_failed_write_that_is_not_taken_back_is_noticed() {
    let what = Broken::NoRollback;
    noticed(what, "", errors::all_short(2, Some(what)));
}
