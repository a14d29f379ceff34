//! Frames of the control socket: a length as u32 little endian, then that many bytes of JSON.
//!
//! Promises that no peer makes it allocate more than [`MAX_FRAME`], and that every buffer a frame
//! was in is wiped, since a frame may hold a secret. Knows nothing of what frames say.

use super::protocol::MAX_FRAME;
use crate::crypto::SecretBytes;
use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};

/// What can go wrong with a frame. No variant carries its content.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The peer closed the connection where a frame should begin.
    #[error("the connection was closed")]
    Closed,
    /// A length beyond [`MAX_FRAME`].
    #[error("a frame of {0} bytes is longer than the protocol allows")]
    TooLong(usize),
    /// The bytes are not JSON of the expected kind.
    #[error("a frame does not have the expected content")]
    Malformed,
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes `value` as one frame.
///
/// # Errors
/// [`Error::TooLong`] before anything was written; [`Error::Io`] when the connection fails.
pub fn write(to: &mut impl Write, value: &impl Serialize) -> Result<(), Error> {
    // Measured first: a buffer that grew would leave unwiped copies behind.
    let mut measured = Length(0);
    serde_json::to_writer(&mut measured, value).map_err(|_| Error::Malformed)?;
    let length = u32::try_from(measured.0).map_err(|_| Error::TooLong(measured.0))?;
    if measured.0 > MAX_FRAME {
        return Err(Error::TooLong(measured.0));
    }
    let mut frame = SecretBytes::new(Vec::with_capacity(4 + measured.0));
    frame.expose_mut().extend_from_slice(&length.to_le_bytes());
    serde_json::to_writer(frame.expose_mut(), value).map_err(|_| Error::Malformed)?;
    to.write_all(frame.expose())?;
    Ok(to.flush()?)
}

/// Reads one frame.
///
/// # Errors
/// [`Error::Closed`] when there is none; [`Error::Io`] with `UnexpectedEof` when it ends early.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<T, Error> {
    read_at_most(from, MAX_FRAME)
}

/// Reads one frame of at most `longest` bytes.
///
/// # Errors
/// As [`read`].
pub fn read_at_most<T: DeserializeOwned>(from: &mut impl Read, longest: usize) -> Result<T, Error> {
    let mut prefix = [0; 4];
    let first = loop {
        match from.read(&mut prefix) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    if first == 0 {
        return Err(Error::Closed);
    }
    from.read_exact(&mut prefix[first..])?;
    let length = u32::from_le_bytes(prefix) as usize;
    if length > longest {
        return Err(Error::TooLong(length));
    }
    let mut body = SecretBytes::new(vec![0; length]);
    from.read_exact(body.expose_mut())?;
    serde_json::from_slice(body.expose()).map_err(|_| Error::Malformed)
}

/// Counts what is written to it.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{Event, Request};
    use super::*;
    use proptest::prelude::*;

    /// Requests and an answer as they are on the wire.
    const SAMPLES: [&str; 5] = [
        r#"{"RuleAdd":{"rule":"ALLOW @m * /bin/x","package":null,"secret":{"Passphrase":[[112],[115]]}}}"#,
        r#"{"Explain":{"path":{"Unix":[47,97]},"access":"read","about":{"Pid":7}}}"#,
        r#"{"Mode":{"seconds":3600,"secret":{"Passphrase":[[112],[115]]}}}"#,
        r#"{"RulePreview":{"number":1}}"#,
        r#"{"Failed":{"kind":"Usage","message":"m","hint":null}}"#,
    ];

    #[test]
    fn the_samples_are_what_they_should_be() {
        for sample in &SAMPLES[..4] {
            assert!(serde_json::from_str::<Request>(sample).is_ok(), "{sample}");
        }
        assert!(serde_json::from_str::<Event>(SAMPLES[4]).is_ok());
    }

    #[test]
    fn a_frame_is_its_length_then_json() {
        let mut wire = Vec::new();
        write(&mut wire, &["a"]).unwrap();
        assert_eq!(wire, b"\x05\0\0\0[\"a\"]");
        let back: Vec<String> = read(&mut wire.as_slice()).unwrap();
        assert_eq!(back, ["a"]);
    }

    #[test]
    fn a_hostile_length_is_refused_before_any_byte_of_the_body_is_read() {
        let wire = u32::MAX.to_le_bytes();
        assert!(matches!(read::<u8>(&mut wire.as_slice()), Err(Error::TooLong(_))));
    }

    #[test]
    fn a_frame_that_ends_early_is_not_a_closed_connection() {
        assert!(matches!(read::<u8>(&mut [].as_slice()), Err(Error::Closed)));
        assert!(matches!(read::<u8>(&mut [1, 0].as_slice()), Err(Error::Io(_))));
        assert!(matches!(read::<u8>(&mut [2, 0, 0, 0, b'1'].as_slice()), Err(Error::Io(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = read::<Request>(&mut bytes.as_slice());
        }

        #[test]
        fn any_body_and_any_damage_to_a_request_is_read_or_refused_without_a_panic(
            bytes: Vec<u8>, which in 0..SAMPLES.len(), at: usize, byte: u8, cut: bool,
        ) {
            let mut damaged = SAMPLES[which].as_bytes().to_vec();
            let at = at % damaged.len();
            damaged[at] = byte;
            if cut {
                damaged.truncate(at);
            }
            for body in [&bytes, &damaged] {
                let mut wire = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
                wire.extend_from_slice(body);
                let _ = read::<Request>(&mut wire.as_slice());
                let _ = read::<Event>(&mut wire.as_slice());
            }
        }

        #[test]
        fn any_texts_come_back_as_they_were(texts: Vec<String>) {
            let mut wire = Vec::new();
            write(&mut wire, &texts).unwrap();
            prop_assert_eq!(read::<Vec<String>>(&mut wire.as_slice()).unwrap(), texts);
        }
    }
}
