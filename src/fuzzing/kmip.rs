//! What a key server answers.

use super::input::Input;
use crate::secrets::kmip::fuzzing::{Read, read, request, told};
use crate::secrets::kmip::{Error, Malformed};

/// The object that is asked for.
const OBJECT: &str = "49a1ca88-6bea-4fb2-b450-7e58802c3038";

/// Runs the target.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() {
        b'q' => question(input.rest()),
        _ => answer(input.rest()),
    }
}

/// The name of an object comes through in a request.
fn question(name: &[u8]) {
    let name = String::from_utf8_lossy(name);
    let version = (1, 4);
    assert_eq!(told(&request(version, &name)), Ok((version, name.into_owned())));
}

fn answer(bytes: &[u8]) {
    let Read { secret, .. } = match read(bytes, OBJECT) {
        Ok(read) => read,
        Err(malformed) => {
            assert!(!malformed.to_string().is_empty());
            return;
        }
    };
    match secret {
        Ok(secret) => {
            let secret = secret.expose();
            let found = secret.is_empty() || bytes.windows(secret.len()).any(|part| part == secret);
            assert!(found, "a secret that is not in the answer");
            let other = read(bytes, "another object");
            assert!(
                matches!(other, Err(Malformed::Value(_))),
                "the answer is about another object"
            );
        }
        Err(Error::Refused { message, .. }) => {
            assert!(message.chars().count() <= 200 && !message.chars().any(char::is_control));
        }
        Err(other) => assert!(!other.to_string().is_empty()),
    }
    assert!(read(&bytes[..bytes.len().min(8)], OBJECT).is_err(), "its beginning is no answer");
}
