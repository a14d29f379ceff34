//! Keystore files, and what their bodies say.

use super::container;
use super::input::Input;
use crate::format::keystore::Purpose;
use crate::keystore::fuzzing::contents_again;

/// Runs the target.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() {
        b'c' => container::changed(Purpose::Keystore, input.rest()),
        b'j' => contents(input.rest()),
        _ => container::any_bytes(Purpose::Keystore, input.rest()),
    }
}

fn contents(json: &[u8]) {
    let Some(printed) = contents_again(json) else { return };
    let again = contents_again(printed.expose()).expect("what is written can be read");
    assert!(again.expose() == printed.expose(), "contents change by being written and read");
}
