//! Talks to the running service.
//!
//! One connection carries one request. Promises to bound what it reads and to wipe every buffer that
//! held a secret. It does not know what a request means, and never works in the service's place.

use super::Paths;
use super::frame;
use super::paths::DEFAULT_STATE_DIR;
use super::protocol::{Answer, Event, Failure, FailureKind, Progress, Request, Status};
use crate::access::suggest::{COMMAND, shell_word};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr};
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest status accepted, in bytes.
const MAX_STATUS: u64 = 1 << 20;
/// How long a service may keep whoever asks for its status waiting.
const STATUS_PATIENCE: Duration = Duration::from_secs(5);

/// Time until a service that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// A connection to the running service.
pub struct Service {
    stream: UnixStream,
    paths: Paths,
}

/// Connects to the service; `None` when none runs.
///
/// # Errors
/// [`FailureKind::Denied`] when the caller may not; [`FailureKind::Failed`] for anything else.
pub fn connect(paths: &Paths) -> Result<Option<Service>, Failure> {
    match connect_to(paths, &paths.control_socket()) {
        Ok(stream) => Ok(Some(Service { stream, paths: paths.clone() })),
        Err(failure) if failure.kind == FailureKind::NotRunning => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Has the running service carry out `request`, and shows its progress.
///
/// # Errors
/// [`FailureKind::NotRunning`] when none answers; else as [`Service::call`].
pub fn call(
    paths: &Paths,
    request: Request,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    connect(paths)?.ok_or_else(|| not_running(paths))?.call(request, progress)
}

impl Service {
    /// Has the service carry out `request`, and shows its progress. The request, which may hold a secret, is
    /// gone as soon as it is sent.
    ///
    /// # Errors
    /// The service's own [`Failure`]; [`FailureKind::Failed`] when the connection breaks before the
    /// outcome is known.
    pub fn call(
        &mut self,
        request: Request,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Answer, Failure> {
        let socket = self.paths.control_socket();
        let sent = frame::write(&mut self.stream, &request);
        drop(request);
        if let Err(error) = &sent
            && !matches!(error, frame::Error::Io(_))
        {
            return Err(broken(&self.paths, &socket, error));
        }
        // A service that refuses the caller may answer and close without reading: its answer tells
        // more than the broken pipe does.
        loop {
            match (frame::read(&mut self.stream), &sent) {
                (Ok(Event::Progress(step)), _) => progress(step),
                (Ok(Event::Done(answer)), _) => return Ok(answer),
                (Ok(Event::Failed(failure)), _) => return Err(failure),
                (Err(_), Err(error)) => return Err(broken(&self.paths, &socket, error)),
                (Err(error), Ok(())) => return Err(broken(&self.paths, &socket, &error)),
            }
        }
    }
}

/// What the service tells anyone; `None` when no service runs.
///
/// # Errors
/// [`FailureKind::Denied`] when the socket's directory is closed to the caller;
/// [`FailureKind::Failed`] when what answers is no status.
pub fn status(paths: &Paths) -> Result<Option<Status>, Failure> {
    let socket = paths.status_socket();
    unless_dying(|| {
        let Some(stream) = connect_impatiently(paths, &socket)? else { return Ok(None) };
        let mut told = Vec::new();
        let read = (&stream).take(MAX_STATUS).read_to_end(&mut told);
        read.map_err(|error| Unanswered::of(paths, &socket, error.into()))?;
        if told.is_empty() {
            return Err(Unanswered::of(paths, &socket, frame::Error::Closed));
        }
        let status = serde_json::from_slice(&told);
        status.map(Some).map_err(|_| Unanswered::of(paths, &socket, frame::Error::Malformed))
    })
}

/// The same as root asks it, on the control socket.
///
/// # Errors
/// As [`status`].
pub fn status_for_root(paths: &Paths) -> Result<Option<Status>, Failure> {
    let socket = paths.control_socket();
    unless_dying(|| {
        let Some(mut stream) = connect_impatiently(paths, &socket)? else { return Ok(None) };
        let unanswered = |error| Unanswered::of(paths, &socket, error);
        // A service that refuses may answer and close without reading.
        let sent = frame::write(&mut stream, &Request::Status);
        let told = frame::read(&mut stream);
        match told.map_err(|error| unanswered(sent.err().unwrap_or(error)))? {
            Event::Done(Answer::Status(status)) => Ok(Some(*status)),
            Event::Failed(failure) => Err(failure.into()),
            _ => Err(unanswered(frame::Error::Malformed)),
        }
    })
}

/// Why there is no status.
struct Unanswered {
    failure: Failure,
    /// The connection ended.
    ended: bool,
}

impl Unanswered {
    fn of(paths: &Paths, socket: &Path, error: frame::Error) -> Self {
        let ended = match &error {
            frame::Error::Closed => true,
            frame::Error::Io(error) => matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
            ),
            _ => false,
        };
        Self { failure: broken(paths, socket, &error), ended }
    }
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self { failure, ended: false }
    }
}

/// Asks again when the connection ends without an answer: a service that is killed is connected to until the kernel
/// has taken it away, and does not run any more.
fn unless_dying(
    ask: impl Fn() -> Result<Option<Status>, Unanswered>,
) -> Result<Option<Status>, Failure> {
    let deadline = Instant::now() + STATUS_PATIENCE;
    loop {
        match ask() {
            Err(unanswered) if unanswered.ended && Instant::now() < deadline => {
                std::thread::sleep(ASK_AGAIN);
            }
            other => return other.map_err(|unanswered| unanswered.failure),
        }
    }
}

/// Connects to what must answer within [`STATUS_PATIENCE`]; `None` when no service runs.
fn connect_impatiently(paths: &Paths, socket: &Path) -> Result<Option<UnixStream>, Failure> {
    match impatient(socket).map_err(|error| unreachable_at(paths, socket, &error)) {
        Ok(stream) => Ok(Some(stream)),
        Err(failure) if failure.kind == FailureKind::NotRunning => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// A stopped service takes no connections: once enough are waiting, a further one waits to be among them. So
/// the limit is set before connecting, which the standard library does not offer.
fn impatient(socket: &Path) -> io::Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let made = nix::sys::socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    let stream = UnixStream::from(made);
    stream.set_write_timeout(Some(STATUS_PATIENCE))?;
    stream.set_read_timeout(Some(STATUS_PATIENCE))?;
    nix::sys::socket::connect(stream.as_raw_fd(), &UnixAddr::new(socket)?)?;
    Ok(stream)
}

fn connect_to(paths: &Paths, socket: &Path) -> Result<UnixStream, Failure> {
    UnixStream::connect(socket).map_err(|error| unreachable_at(paths, socket, &error))
}

fn unreachable_at(paths: &Paths, socket: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => not_running(paths),
        ErrorKind::PermissionDenied => Failure::new(
            FailureKind::Denied,
            format!("cannot connect to {}: {error}", socket.display()),
        )
        .hint("run the command as root (sudo)"),
        ErrorKind::WouldBlock => silent(socket),
        _ => Failure::new(
            FailureKind::Failed,
            format!("cannot connect to {}: {error}", socket.display()),
        ),
    }
}

/// The failure of a command that needs a running service.
pub fn not_running(paths: &Paths) -> Failure {
    let message = format!("no service runs for {}", paths.state().display());
    Failure::new(FailureKind::NotRunning, message).hint(command(paths, "start"))
}

/// The command line that does `verb` to this very instance, for a hint.
pub fn command(paths: &Paths, verb: &str) -> String {
    let state = paths.state();
    if state == Path::new(DEFAULT_STATE_DIR) {
        format!("ezncrypt {verb}")
    } else {
        format!("ezncrypt --state-dir {} {verb}", state.display())
    }
}

/// The command line of `ezncrypt-access-control` for this very instance, for a hint.
pub fn access_control(paths: &Paths, arguments: &str) -> String {
    let state = paths.state();
    if state == Path::new(DEFAULT_STATE_DIR) {
        format!("{COMMAND} {arguments}")
    } else {
        let state = shell_word(&state.to_string_lossy());
        format!("{COMMAND} --state-dir {state} {arguments}")
    }
}

/// The failure of asking a service that does not answer in time.
fn silent(socket: &Path) -> Failure {
    let (socket, patience) = (socket.display(), STATUS_PATIENCE.as_secs());
    let message = format!("the service at {socket} did not answer within {patience} seconds");
    Failure::new(FailureKind::Failed, message)
        .hint("does the disk with the state directory answer? is the service stopped?")
}

fn broken(paths: &Paths, socket: &Path, error: &frame::Error) -> Failure {
    if matches!(error, frame::Error::Io(error) if error.kind() == ErrorKind::WouldBlock) {
        return silent(socket);
    }
    let message = format!("the talk with the service at {} broke off: {error}", socket.display());
    Failure::new(FailureKind::Failed, message).hint(command(paths, "status"))
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
