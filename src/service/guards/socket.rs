//! The guard socket: tells a guard its briefing and writes its reports to the log. Open to any user,
//! since a guard runs as whoever starts the server; it gives no rights and takes no commands.

use super::super::engine::Engine;
use super::super::frame;
use super::super::protocol::{Failure, FailureKind};
use super::super::server;
use super::registry::{Error as Unclear, Guard};
use super::reload;
use super::turns::Turns;
use super::wire::{Answer, Ask, Report};
use super::{briefing, own};
use crate::access::{self, Program, Terms};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Connections served at once.
const MAX_CLIENTS: usize = 256;
/// Longest frame accepted, in bytes: a report holds a whole command line.
const MAX_FRAME: usize = 1 << 20;
/// How long a guard may take for one frame.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long whoever is no guard may take to say what is not read.
const IMPATIENCE: Duration = Duration::from_millis(300);
/// What is kept for the log of each list in a report, in bytes.
const MAX_LOGGED: usize = 4096;

/// Serves the guard socket from threads of its own.
///
/// # Errors
/// The kernel's, when the socket cannot be made.
pub fn serve(engine: Arc<Engine>) -> io::Result<()> {
    let listener = server::listen(&engine.paths().guard_socket(), 0o666)?;
    let turns = Turns::default();
    server::serve("guards", listener, MAX_CLIENTS, move |socket| {
        // What breaks a connection is the guard's to tell.
        let _ = serve_client(&engine, &turns, socket);
    })
}

/// Who is at the other end.
struct Peer {
    pid: u32,
    uid: u32,
    gid: u32,
    program: Arc<Program>,
}

fn serve_client(
    engine: &Arc<Engine>,
    turns: &Turns,
    mut socket: UnixStream,
) -> Result<(), frame::Error> {
    let credentials = getsockopt(&socket, PeerCredentials).map_err(io::Error::from)?;
    let Some(_turn) = turns.take(credentials.uid()) else { return Ok(()) };
    let pid = credentials.pid().cast_unsigned();
    let Ok(program) = engine.policy().who(pid) else { return not_mine(&mut socket) };
    let peer = Peer { pid, uid: credentials.uid(), gid: credentials.gid(), program };
    let registry = engine.guards().registry();
    if registry.guard(&peer.program.path).is_none() {
        if own::runs_in(engine, &peer.program) {
            let fields = log_fields(&peer, &Report::default());
            let reason = "no guard is registered at this path";
            engine.log().write_limited("guard_refused", with_reason(fields, reason));
        }
        return not_mine(&mut socket);
    }
    loop {
        let mut timed = Timed { socket: &socket, deadline: Instant::now() + PATIENCE };
        let ask: Ask = match frame::read_at_most(&mut timed, MAX_FRAME) {
            Err(frame::Error::Closed) => return Ok(()),
            ask => ask?,
        };
        frame::write(&mut socket, &answer(engine, &peer, ask))?;
    }
}

/// Something is read first, so that the answer is not lost to a connection that breaks.
fn not_mine(socket: &mut UnixStream) -> Result<(), frame::Error> {
    let mut timed = Timed { socket: &*socket, deadline: Instant::now() + IMPATIENCE };
    let _ = timed.read(&mut [0; 4096]);
    frame::write(socket, &Answer::NotMine)
}

fn answer(engine: &Arc<Engine>, peer: &Peer, ask: Ask) -> Answer {
    let registry = engine.guards().registry();
    let guard = match registry.guard(&peer.program.path) {
        None => return Answer::NotMine,
        Some(guard) => guard,
    };
    let allowed = running(engine).and_then(|()| verify(engine, peer, guard));
    match ask {
        Ask::Brief { name } => {
            let text = allowed.and_then(|guard| brief(engine, guard, &name));
            text.map_or_else(|failure| refuse(engine, peer, failure), Answer::Briefing)
        }
        Ask::Starting(report) => {
            engine.log().write_limited("guard_start", log_fields(peer, &report));
            if let (Ok(guard), Some(at)) = (allowed, &report.socket) {
                reload::watch(engine, guard, peer.pid, Path::new(at));
            }
            Answer::Noted
        }
        Ask::Refused(report) => {
            engine.log().write_limited("guard_refused", log_fields(peer, &report));
            Answer::Noted
        }
    }
}

fn refuse(engine: &Engine, peer: &Peer, failure: Failure) -> Answer {
    let fields = log_fields(peer, &Report::default());
    engine.log().write_limited("guard_refused", with_reason(fields, &failure.message));
    Answer::Failed(failure)
}

/// The keys are there.
fn running(engine: &Engine) -> Result<(), Failure> {
    engine.with_keystore(|_| Ok(()))
}

/// A guard's own file must be the one that its rule was made for.
fn verify<'a>(
    engine: &Engine,
    peer: &Peer,
    guard: Result<&'a Guard, &Unclear>,
) -> Result<&'a Guard, Failure> {
    let guard = guard?;
    let Some(server) = &guard.encrypted else {
        return Err(briefing::Error::Decrypted(guard.server.clone()).into());
    };
    let ask = access::Ask {
        category: &server.category,
        paths: &[&guard.server],
        below: false,
        access: access::Access::Execute,
    };
    let caller = access::Caller { tid: peer.pid, uid: peer.uid, gid: peer.gid };
    let refused = |reason: String| {
        let message =
            format!("the guard {:?} may not run {:?}: {reason}", guard.path, guard.server);
        Failure::new(FailureKind::Denied, message)
            .hint(format!("ezncrypt guard install {}", guard.server.display()))
    };
    match engine.policy().grant(caller, &ask) {
        Ok(grant) if grant.terms == Terms::Declaration => Ok(guard),
        Ok(_) => Err(refused("its rule is not a guard's".into())),
        Err(reason) => Err(refused(reason.to_string())),
    }
}

fn brief(engine: &Engine, guard: &Guard, name: &OsStr) -> Result<String, Failure> {
    if !guard.names.iter().any(|known| known == name) {
        let message = format!("no guard is registered for the name {name:?}");
        return Err(Failure::new(FailureKind::Denied, message).hint(format!(
            "call {} by one of its names: {:?}",
            guard.path.display(),
            guard.names
        )));
    }
    let state = engine.guards();
    let permit = state.permits.of(&guard.path, Instant::now());
    Ok(briefing::text(&state.registry(), guard, permit)?)
}

fn log_fields(peer: &Peer, report: &Report) -> Value {
    let Report { arguments, removed, warnings, refusals, socket: _ } = report;
    json!({
        "pid": peer.pid,
        "uid": peer.uid,
        "program": peer.program.path.to_string_lossy(),
        "arguments": shortened(arguments.iter().map(logged)),
        "removed": shortened(removed.iter().map(logged)),
        "warnings": shortened(warnings.iter().cloned()),
        "refusals": shortened(refusals.iter().cloned()),
    })
}

fn with_reason(mut fields: Value, reason: &str) -> Value {
    fields["reason"] = reason.into();
    fields
}

/// A word as the log may hold it: without the value of an option whose name speaks of a secret.
fn logged(word: &OsString) -> String {
    const SECRETS: [&str; 5] = ["password", "auth", "token", "secret", "filekey"];
    let word = word.to_string_lossy();
    match word.split_once('=') {
        Some((name, _)) if SECRETS.iter().any(|s| name.to_ascii_lowercase().contains(s)) => {
            format!("{name}=...")
        }
        _ => word.into_owned(),
    }
}

/// As many of the words as the log has room for; a last one tells how many there were more.
fn shortened(words: impl Iterator<Item = String>) -> Vec<String> {
    let (mut kept, mut room, mut more) = (Vec::new(), MAX_LOGGED, 0);
    for word in words {
        match room.checked_sub(word.len()) {
            Some(left) if more == 0 => {
                room = left;
                kept.push(word);
            }
            _ => more += 1,
        }
    }
    if more > 0 {
        kept.push(format!("... and {more} more"));
    }
    kept
}

/// Reads until a moment, however slowly the other end sends.
struct Timed<'a> {
    socket: &'a UnixStream,
    deadline: Instant,
}

impl Read for Timed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left))?;
        let mut socket = self.socket;
        socket.read(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn words_for_the_log_are_cut_at_a_limit_and_the_rest_is_counted() {
        let words = |count: usize| (0..count).map(|_| "x".repeat(1024));
        assert_eq!(shortened(words(4)).len(), 4);
        let cut = shortened(words(6));
        assert_eq!((cut.len(), cut[4].as_str()), (5, "... and 2 more"));
        assert_eq!(shortened(["y".repeat(1 << 20)].into_iter()), ["... and 1 more"]);
    }

    #[test]
    fn what_may_be_a_secret_is_kept_out_of_the_log() {
        assert_eq!(logged(&"--wsrep-SST-Auth=u:pass".into()), "--wsrep-SST-Auth=...");
        assert_eq!(logged(&"--port=3306".into()), "--port=3306");
        assert_eq!(logged(&"mysqld".into()), "mysqld");
    }

    #[test]
    fn a_slow_sender_is_not_waited_for_beyond_the_deadline() {
        let (mut sender, socket) = UnixStream::pair().unwrap();
        sender.write_all(&[9]).unwrap();
        let deadline = Instant::now() + Duration::from_millis(50);
        let mut timed = Timed { socket: &socket, deadline };
        let read: Result<Ask, _> = frame::read_at_most(&mut timed, MAX_FRAME);
        assert!(matches!(read, Err(frame::Error::Io(_))));
        assert!(Instant::now() >= deadline);
    }

    #[test]
    fn a_request_is_no_question_of_a_guard() {
        let mut wire = Vec::new();
        frame::write(&mut wire, &super::super::super::protocol::Request::Rules).unwrap();
        let read: Result<Ask, _> = frame::read_at_most(&mut wire.as_slice(), MAX_FRAME);
        assert!(matches!(read, Err(frame::Error::Malformed)));
        let long = u32::try_from(MAX_FRAME + 1).unwrap().to_le_bytes();
        let read: Result<Ask, _> = frame::read_at_most(&mut long.as_slice(), MAX_FRAME);
        assert!(matches!(read, Err(frame::Error::TooLong(_))));
    }
}
