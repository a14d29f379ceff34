//! What is said on the control socket and on the guards': frames, requests, answers.

use super::input::Input;
use crate::service::frame::{self, Error};
use crate::service::guards::wire;
use crate::service::protocol::{Event, MAX_FRAME, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Runs the target.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() {
        b'q' => said::<Request>(input.rest()),
        b'e' => said::<Event>(input.rest()),
        b'k' => said::<wire::Ask>(input.rest()),
        b'a' => said::<wire::Answer>(input.rest()),
        b'b' => said::<wire::Briefing>(input.rest()),
        _ => any_bytes(input.rest()),
    }
}

/// Frames as a peer sends them, with whatever lengths.
fn any_bytes(mut wire: &[u8]) {
    loop {
        let whole = wire;
        match frame::read::<Request>(&mut wire) {
            Ok(_) | Err(Error::Malformed) => assert!(wire.len() + 4 <= whole.len()),
            Err(Error::TooLong(length)) => {
                assert!(length > MAX_FRAME && wire.len() + 4 == whole.len());
                return;
            }
            Err(Error::Closed) => return assert!(whole.is_empty()),
            Err(Error::Io(error)) => {
                return assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
            }
        }
    }
}

/// One body: what is read is written so that it is read as the same.
fn said<T: Serialize + DeserializeOwned>(body: &[u8]) {
    let mut wire = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
    wire.extend_from_slice(body);
    let Ok(value) = frame::read::<T>(&mut wire.as_slice()) else { return };
    let printed = written(&value);
    let again = frame::read::<T>(&mut printed.as_slice()).expect("what is written can be read");
    assert_eq!(written(&again), printed);
    let cut = frame::read::<T>(&mut &printed[..printed.len() - 1]);
    assert!(matches!(cut, Err(Error::Io(_))));
}

fn written(value: &impl Serialize) -> Vec<u8> {
    let mut wire = Vec::new();
    frame::write(&mut wire, value).unwrap();
    wire
}
