//! Key bundles, and what their bodies say: whoever made one may be anybody.

use super::container;
use super::input::Input;
use crate::format::keystore::Purpose;
use crate::keystore::fuzzing::bundle_again;

/// Runs the target.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() {
        b'c' => container::changed(Purpose::Bundle, input.rest()),
        b'j' => contents(input.rest()),
        _ => container::any_bytes(Purpose::Bundle, input.rest()),
    }
}

fn contents(json: &[u8]) {
    let Some(printed) = bundle_again(json) else { return };
    let again = bundle_again(printed.expose()).expect("what is written can be read");
    assert!(again.expose() == printed.expose(), "keys change by being written and read");
}
