//! Frames on a socket: a length as u32 little endian, then JSON. Buffers that may hold secrets are
//! wiped.

use super::protocol::MAX_FRAME;
use crate::crypto::SecretBytes;
use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, ErrorKind, Read, Write};

/// Sends one frame.
///
/// # Errors
/// The socket's.
pub fn send(socket: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    // Room for what is usual, so that no half-filled buffer with a secret is left behind by growth.
    let mut frame = SecretBytes::new(Vec::with_capacity(64 << 10));
    frame.expose_mut().extend_from_slice(&[0; 4]);
    serde_json::to_writer(frame.expose_mut(), message)?;
    let length = frame.expose().len() - 4;
    let encoded = u32::try_from(length).ok().filter(|_| length <= MAX_FRAME);
    let encoded = encoded.ok_or_else(|| io::Error::from(ErrorKind::FileTooLarge))?;
    frame.expose_mut()[..4].copy_from_slice(&encoded.to_le_bytes());
    socket.write_all(frame.expose())
}

/// Receives one frame; `None` when the other side has closed.
///
/// # Errors
/// The socket's; `InvalidData` for a frame that is too long or does not parse.
pub fn receive<T: DeserializeOwned>(socket: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match socket.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut frame = SecretBytes::new(vec![0; length]);
    socket.read_exact(frame.expose_mut())?;
    Ok(Some(serde_json::from_slice(frame.expose())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::protocol::{Event, Progress};

    #[test]
    fn frames_come_back_one_by_one_until_the_end() {
        let mut wire = Vec::new();
        for text in ["one", "two"] {
            send(&mut wire, &Event::Progress(Progress::Step(text.into()))).unwrap();
        }
        let mut wire = wire.as_slice();
        for text in ["one", "two"] {
            let event: Event = receive(&mut wire).unwrap().unwrap();
            assert_eq!(event, Event::Progress(Progress::Step(text.into())));
        }
        assert!(receive::<Event>(&mut wire).unwrap().is_none());
    }

    #[test]
    fn hostile_frames_are_errors_and_allocate_nothing_large() {
        assert!(receive::<Event>(&mut [0xff, 0xff, 0xff, 0xff, b'{'].as_slice()).is_err());
        assert!(receive::<Event>(&mut [5, 0, 0, 0, b'{'].as_slice()).is_err());
        assert!(receive::<Event>(&mut [2, 0, 0, 0, b'{', b'{'].as_slice()).is_err());
    }
}
