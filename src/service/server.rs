//! The sockets: one takes commands, from root only; one tells anyone the status. That of the guards
//! is served by [`super::guards::socket`] with what stands here.

use super::engine::Engine;
use super::frame;
use super::migration::Finished;
use super::protocol::{Event, Failure, FailureKind, Request};
use super::{audit, requests};
use crate::access::Caller;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::fs::{Permissions, set_permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// How long a client that does not take its answer is waited for.
const SLOW_CLIENT: Duration = Duration::from_secs(10);

/// Connections served at once on each of these two; further ones are closed.
const MAX_CLIENTS: usize = 64;

/// Serves the control socket from threads of its own.
///
/// # Errors
/// The kernel's, when the socket cannot be made.
pub fn serve_control(engine: Arc<Engine>) -> io::Result<()> {
    let listener = listen(&engine.paths().control_socket(), 0o600)?;
    serve("control", listener, MAX_CLIENTS, move |socket| {
        // What breaks a connection is the client's to tell.
        let _ = serve_client(&engine, socket);
    })
}

/// Serves the status socket from a thread of its own. It never reads.
///
/// # Errors
/// As [`serve_control`].
pub fn serve_status(engine: Arc<Engine>) -> io::Result<()> {
    let listener = listen(&engine.paths().status_socket(), 0o666)?;
    serve("status", listener, MAX_CLIENTS, move |mut socket| {
        let status = serde_json::to_vec(&engine.status()).unwrap_or_default();
        let _ = socket.write_all(&status);
    })
}

/// Makes a socket, in place of one that a dead service left behind.
///
/// # Errors
/// The kernel's.
pub fn listen(path: &Path, mode: u32) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Whoever connects before the mode is set is told apart by who they are.
    let listener = UnixListener::bind(path)?;
    set_permissions(path, Permissions::from_mode(mode))?;
    Ok(listener)
}

/// Serves each connection on a thread of its own, `clients` of them at once.
///
/// # Errors
/// When there can be no thread.
pub fn serve(
    name: &str,
    listener: UnixListener,
    clients: usize,
    client: impl Fn(UnixStream) + Send + Sync + 'static,
) -> io::Result<()> {
    let client = Arc::new(client);
    let served = Arc::new(());
    let accept = move || {
        for socket in listener.incoming() {
            let Ok(socket) = socket else {
                // No descriptors left, most likely: not a reason to spin.
                thread::sleep(Duration::from_millis(100));
                continue;
            };
            if Arc::strong_count(&served) > clients {
                continue;
            }
            let (client, turn) = (client.clone(), served.clone());
            let _ = socket.set_write_timeout(Some(SLOW_CLIENT));
            // A client that cannot be served (no threads left, say) sees its connection closed.
            let _ = thread::Builder::new().name("client".into()).spawn(move || {
                client(socket);
                drop(turn);
            });
        }
    };
    thread::Builder::new().name(name.into()).spawn(accept).map(drop)
}

fn serve_client(engine: &Engine, mut socket: UnixStream) -> Result<(), frame::Error> {
    let peer = getsockopt(&socket, PeerCredentials).map_err(io::Error::from)?;
    if peer.uid() != 0 {
        let failure = Failure::new(FailureKind::Denied, "only root may talk to the service");
        return frame::write(&mut socket, &Event::Failed(failure));
    }
    let asker = Caller { tid: peer.pid().cast_unsigned(), uid: peer.uid(), gid: peer.gid() };
    socket.set_read_timeout(Some(SLOW_CLIENT))?;
    loop {
        let request: Request = match frame::read(&mut socket) {
            Err(frame::Error::Closed) => return Ok(()),
            request => request?,
        };
        // Work goes on when the client has gone away or is stopped: half-done work would have to be
        // undone. Once it did not take a frame in time it gets no more.
        let gone = AtomicBool::new(false);
        let tell = &mut |progress| {
            if !gone.load(Relaxed) && frame::write(&mut socket, &Event::Progress(progress)).is_err()
            {
                gone.store(true, Relaxed);
            }
        };
        let gone_away = || gone.load(Relaxed);
        let nothing = Finished::default();
        let work = || requests::execute(engine, &request, nothing, &gone_away, tell);
        let done = if matches!(request, Request::Status) {
            work()
        } else {
            audit::on_behalf(engine, asker, work)
        };
        let last = match done {
            Ok(answer) => Event::Done(answer),
            Err(failure) => Event::Failed(failure),
        };
        let told = frame::write(&mut socket, &last);
        engine.after_reply();
        told?;
    }
}
