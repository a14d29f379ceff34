//! Recovery codes as people type them.

use crate::format::recovery_code::{LEN, decode, encode};

/// Runs the target.
pub fn run(bytes: &[u8]) {
    let code = match decode(bytes) {
        Ok(code) => code,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(code.expose().len(), LEN);
    let printed = encode(&code);
    let again = decode(printed.as_bytes()).expect("what is printed can be read");
    assert_eq!(again.expose(), code.expose());
    assert_eq!(*encode(&again), *printed);
}
