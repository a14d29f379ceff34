//! One connection, one question, one answer, all by one deadline.

use super::tls::{Client, host_and_port};
use super::ttlv::message_length;
use super::{Error, lookup};
use crate::crypto::SecretBytes;
use crate::secrets::config::Kmip;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longest answer accepted, in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// A secure connection to a key server.
pub(super) struct Connection {
    server: String,
    stream: StreamOwned<ClientConnection, Timed>,
}

impl Connection {
    /// Connects. The first question completes the handshake.
    pub fn open(config: &Kmip, client: &Client, deadline: Instant) -> Result<Self, Error> {
        let server = &config.server;
        let late = || Error::TimedOut(server.clone());
        let limit = left(deadline).ok_or_else(late)?;
        let addresses = lookup::addresses(host_and_port(server), server, limit)?;
        let socket = connect(server, &addresses, deadline)?;
        let session =
            client.session().map_err(|source| Error::Tls { server: server.clone(), source })?;
        let stream = StreamOwned::new(session, Timed { socket, deadline });
        Ok(Self { server: server.clone(), stream })
    }

    /// Sends a message and reads the one that answers it.
    pub fn ask(&mut self, question: &[u8]) -> Result<SecretBytes, Error> {
        let asked = self.stream.write_all(question).and_then(|()| self.stream.flush());
        asked.map_err(|error| self.failed(error))?;
        let mut head = [0; 8];
        self.stream.read_exact(&mut head).map_err(|error| self.failed(error))?;
        let length = message_length(&head);
        if !(8..=MAX_ANSWER).contains(&length) {
            return Err(Error::Garbage(self.server.clone()));
        }
        let mut answer = SecretBytes::new(vec![0; length]);
        let (start, rest) = answer.expose_mut().split_at_mut(8);
        start.copy_from_slice(&head);
        let read = self.stream.read_exact(rest);
        read.map_err(|error| self.failed(error))?;
        Ok(answer)
    }

    fn failed(&self, error: io::Error) -> Error {
        let server = self.server.clone();
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match (tls, error.kind()) {
            (Some(source), _) => Error::Tls { server, source: source.clone() },
            (None, ErrorKind::TimedOut | ErrorKind::WouldBlock) => Error::TimedOut(server),
            (None, _) => Error::Broken { server, source: error },
        }
    }
}

/// Tries the addresses in turn; the last one's failure counts.
fn connect(server: &str, addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, Error> {
    let mut last = Error::Lookup(server.into());
    for (tried, address) in addresses.iter().enumerate() {
        let Some(left) = left(deadline) else { return Err(Error::TimedOut(server.into())) };
        // One that swallows everything leaves time for the others.
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(1);
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(socket) => return Ok(socket),
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                last = Error::TimedOut(server.into());
            }
            Err(source) => last = Error::Unreachable { server: server.into(), source },
        }
    }
    Err(last)
}

fn left(deadline: Instant) -> Option<Duration> {
    deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

/// A socket whose every call ends by the deadline.
struct Timed {
    socket: TcpStream,
    deadline: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        left(self.deadline).ok_or_else(|| ErrorKind::TimedOut.into())
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
