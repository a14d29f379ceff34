//! One connection, one question, one answer, in memory that is wiped: TLS is given our own buffers, since
//! those that it would allocate are not.

use super::message::RESPONSE_MESSAGE;
use super::ttlv::{self, HEADER, Malformed};
use super::{Error, Stage};
use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, InsufficientSizeError};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Longest answer, in bytes: an object of a few kilobytes and what is said about it.
const LONGEST: usize = 64 << 10;

/// What may be under way from the server without being understood: its longest flight of messages.
const INCOMING: usize = 128 << 10;

/// A connection on which nothing was asked yet.
pub struct Channel<'a> {
    socket: TcpStream,
    deadline: Instant,
    tls: UnbufferedClientConnection,
    name: &'a str,
    incoming: Zeroizing<Vec<u8>>,
    filled: usize,
    outgoing: Zeroizing<Vec<u8>>,
    answer: Zeroizing<Vec<u8>>,
}

/// Connects to the first address that answers.
///
/// # Errors
/// When none does by `deadline`.
pub fn open<'a>(
    addresses: &[SocketAddr],
    identity: &Arc<ClientConfig>,
    name: &'a str,
    deadline: Instant,
) -> Result<Channel<'a>, Error> {
    let no_name = |_| Error::ServerName(name.to_owned());
    let server = ServerName::try_from(name.to_owned()).map_err(no_name)?;
    let socket = connect(addresses, deadline)?;
    let tls = UnbufferedClientConnection::new(identity.clone(), server).map_err(Error::Own)?;
    Ok(Channel {
        socket,
        deadline,
        tls,
        name,
        incoming: Zeroizing::new(vec![0; INCOMING]),
        filled: 0,
        outgoing: Zeroizing::new(Vec::new()),
        answer: Zeroizing::new(Vec::with_capacity(LONGEST)),
    })
}

fn connect(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, Error> {
    let mut last = Error::TimedOut(Stage::Connect);
    for (number, address) in addresses.iter().enumerate() {
        // An address that swallows everything leaves time for the others.
        let share = u32::try_from(addresses.len() - number).unwrap_or(1);
        let Some(left) = left(deadline) else { return Err(Error::TimedOut(Stage::Connect)) };
        match TcpStream::connect_timeout(address, (left / share).max(Duration::from_millis(1))) {
            Ok(socket) => return Ok(socket),
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                last = Error::TimedOut(Stage::Connect);
            }
            Err(error) => last = Error::Unreachable(error),
        }
    }
    Err(last)
}

fn left(deadline: Instant) -> Option<Duration> {
    Some(deadline.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
}

/// What to do after TLS was let have its say.
enum Next {
    Again,
    Receive(Stage),
    Answered,
}

impl Channel<'_> {
    /// Asks, and returns the whole answer.
    ///
    /// # Errors
    /// When TLS is refused, or there is no answer by the deadline.
    pub fn ask(mut self, question: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut unasked = Some(question);
        loop {
            match self.step(&mut unasked)? {
                Next::Again => {}
                Next::Receive(stage) => self.receive(stage)?,
                Next::Answered => return Ok(self.answer),
            }
        }
    }

    fn step(&mut self, unasked: &mut Option<&[u8]>) -> Result<Next, Error> {
        let incoming = self.incoming.get_mut(..self.filled).unwrap_or_default();
        let status = self.tls.process_tls_records(incoming);
        let mut used = status.discard;
        let next = match status.state.map_err(|error| Error::of_tls(error, self.name))? {
            ConnectionState::ReadTraffic(mut state) => {
                while let Some(record) = state.next_record() {
                    let record = record.map_err(|error| Error::of_tls(error, self.name))?;
                    used += record.discard;
                    take(&mut self.answer, record.payload)?;
                }
                if is_whole(&self.answer)? { Next::Answered } else { Next::Again }
            }
            ConnectionState::EncodeTlsData(mut state) => {
                append(&mut self.outgoing, |room| state.encode(room).map_err(encode_room))?;
                Next::Again
            }
            ConnectionState::TransmitTlsData(state) => {
                send(&mut self.socket, &mut self.outgoing, self.deadline, Stage::Handshake)?;
                state.done();
                Next::Again
            }
            ConnectionState::BlockedHandshake => Next::Receive(Stage::Handshake),
            ConnectionState::WriteTraffic(mut state) => match unasked.take() {
                Some(question) => {
                    append(&mut self.outgoing, |room| {
                        state.encrypt(question, room).map_err(encrypt_room)
                    })?;
                    send(&mut self.socket, &mut self.outgoing, self.deadline, Stage::Answer)?;
                    Next::Again
                }
                None => Next::Receive(Stage::Answer),
            },
            ConnectionState::PeerClosed | ConnectionState::Closed => {
                return Err(Error::Closed(Stage::Answer));
            }
            // Only servers get early data; a state that is not known yet is nothing we could handle.
            _ => return Err(Error::Closed(Stage::Handshake)),
        };
        self.incoming.copy_within(used..self.filled, 0);
        self.filled -= used;
        Ok(next)
    }

    fn receive(&mut self, stage: Stage) -> Result<(), Error> {
        let room = self.incoming.get_mut(self.filled..).unwrap_or_default();
        if room.is_empty() {
            return Err(Malformed::Long.into());
        }
        loop {
            let left = left(self.deadline).ok_or(Error::TimedOut(stage))?;
            self.socket.set_read_timeout(Some(left)).map_err(Error::Unreachable)?;
            match self.socket.read(room) {
                Ok(0) => return Err(Error::Closed(stage)),
                Ok(length) => {
                    self.filled += length;
                    return Ok(());
                }
                Err(error) => passing(error, stage)?,
            }
        }
    }
}

/// Whether the whole answer is there. Nothing but an answer is waited for.
fn is_whole(answer: &[u8]) -> Result<bool, Malformed> {
    let Some((header, value)) = answer.split_first_chunk::<HEADER>() else { return Ok(false) };
    let [high, middle, low, ..] = *header;
    if u32::from_be_bytes([0, high, middle, low]) != RESPONSE_MESSAGE {
        return Err(Malformed::Missing(RESPONSE_MESSAGE));
    }
    let length = ttlv::value_length(header);
    if length > LONGEST - HEADER { Err(Malformed::Long) } else { Ok(value.len() >= length) }
}

/// Never grows what it appends to: growing would leave a copy behind.
fn take(answer: &mut Zeroizing<Vec<u8>>, payload: &[u8]) -> Result<(), Malformed> {
    if answer.len() + payload.len() > LONGEST {
        return Err(Malformed::Long);
    }
    answer.extend_from_slice(payload);
    Ok(())
}

fn send(
    socket: &mut TcpStream,
    outgoing: &mut Zeroizing<Vec<u8>>,
    deadline: Instant,
    stage: Stage,
) -> Result<(), Error> {
    let mut unsent = outgoing.as_slice();
    while !unsent.is_empty() {
        let left = left(deadline).ok_or(Error::TimedOut(stage))?;
        socket.set_write_timeout(Some(left)).map_err(Error::Unreachable)?;
        match socket.write(unsent) {
            Ok(length) => unsent = unsent.get(length..).unwrap_or_default(),
            Err(error) => passing(error, stage)?,
        }
    }
    outgoing.clear();
    Ok(())
}

/// What a failed read or write means, unless it is only to be repeated.
fn passing(error: io::Error, stage: Stage) -> Result<(), Error> {
    match error.kind() {
        ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(()),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Err(Error::Closed(stage)),
        _ => Err(Error::Unreachable(error)),
    }
}

/// Appends what `write` writes, which says how much room it needs when there is too little.
fn append(
    outgoing: &mut Vec<u8>,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Result<usize, Error>>,
) -> Result<(), Error> {
    let used = outgoing.len();
    let mut room = 4096;
    loop {
        outgoing.resize(used + room, 0);
        match write(outgoing.get_mut(used..).unwrap_or_default()) {
            Ok(written) => {
                outgoing.truncate(used + written);
                return Ok(());
            }
            Err(Ok(needed)) if needed > room => room = needed,
            Err(Ok(_)) => return Err(Error::Closed(Stage::Handshake)),
            Err(Err(error)) => return Err(error),
        }
    }
}

fn encode_room(error: EncodeError) -> Result<usize, Error> {
    match error {
        EncodeError::InsufficientSize(InsufficientSizeError { required_size, .. }) => {
            Ok(required_size)
        }
        EncodeError::AlreadyEncoded => Err(Error::Closed(Stage::Handshake)),
    }
}

fn encrypt_room(error: EncryptError) -> Result<usize, Error> {
    match error {
        EncryptError::InsufficientSize(InsufficientSizeError { required_size, .. }) => {
            Ok(required_size)
        }
        EncryptError::EncryptExhausted => Err(Error::Closed(Stage::Answer)),
    }
}
