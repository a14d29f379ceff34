//! SIGHUP once a server answers: it then loads the grant tables, however it was started.

use super::super::engine::Engine;
use super::registry::Guard;
use crate::sys::caller::Process;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::json;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a server is waited for.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is asked.
const STEP: Duration = Duration::from_millis(200);
/// How long one answer is waited for.
const ANSWER: Duration = Duration::from_secs(5);
/// Servers waited for at once; further ones are not told.
const AT_ONCE: usize = 16;

/// Counts the servers that are waited for.
#[derive(Default)]
pub struct Reloads(Arc<()>);

/// A process that is about to become a server.
struct Starting {
    pid: u32,
    handle: OwnedFd,
    server: PathBuf,
    socket: PathBuf,
}

/// Waits, on a thread of its own, until process `pid`, a guard, has become its server and answers on
/// `socket`, then tells it to load the privileges. Ends with the process.
pub fn watch(engine: &Arc<Engine>, guard: &Guard, pid: u32, socket: &Path) {
    let wanted = guard.record.as_ref().is_some_and(|record| record.reload_privileges);
    let Some(server) = guard.encrypted.as_ref().filter(|_| wanted && socket.is_absolute()) else {
        return;
    };
    let turn = engine.guards().reloads.0.clone();
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let handle = number.and_then(|number| pidfd_open(number, PidfdFlags::empty()).ok());
    // The one more is the counter's own.
    let Some(handle) = handle.filter(|_| Arc::strong_count(&turn) <= AT_ONCE + 1) else {
        let fields = json!({ "pid": pid, "server": server.path.to_string_lossy() });
        engine.log().write_limited("privileges_not_reloaded", fields);
        return;
    };
    let starting = Starting { pid, handle, server: server.path.clone(), socket: socket.to_owned() };
    let engine = engine.clone();
    let work = move || {
        let told = starting.wait().is_some();
        let event = if told { "privileges_reloaded" } else { "privileges_not_reloaded" };
        let fields = json!({ "pid": pid, "server": starting.server.to_string_lossy() });
        engine.log().write_limited(event, fields);
        drop(turn);
    };
    let _ = std::thread::Builder::new().name("reload".into()).spawn(work);
}

impl Starting {
    /// Returns when the signal was sent; nothing when the process ended or the time is over.
    fn wait(&self) -> Option<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.runs_server() && self.answers().unwrap_or(false) && self.runs_server() {
                return pidfd_send_signal(&self.handle, Signal::HUP).ok();
            }
            if self.ended_within(STEP) {
                return None;
            }
        }
        None
    }

    /// A guard that has not executed the server yet would be killed by the signal.
    fn runs_server(&self) -> bool {
        let seen = Process::open(self.pid).and_then(|process| process.program_path());
        seen.is_ok_and(|program| program == self.server) && !self.ended_within(Duration::ZERO)
    }

    /// Whether the process itself listens on the socket and greets.
    fn answers(&self) -> io::Result<bool> {
        // As the process sees it: it may have a mount namespace of its own.
        let below = self.socket.strip_prefix("/").unwrap_or(&self.socket);
        let path = Path::new("/proc").join(self.pid.to_string()).join("root").join(below);
        let flags = SocketFlags::CLOEXEC;
        let client = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        // Also how long connecting to a full queue may take.
        set_socket_timeout(&client, Timeout::Send, Some(ANSWER))?;
        set_socket_timeout(&client, Timeout::Recv, Some(ANSWER))?;
        connect(&client, &SocketAddrUnix::new(&path)?)?;
        let listener = socket_peercred(&client)?.pid.as_raw_nonzero().get();
        let greeted = UnixStream::from(client).read(&mut [0])? > 0;
        Ok(greeted && u32::try_from(listener) == Ok(self.pid))
    }

    fn ended_within(&self, limit: Duration) -> bool {
        let Ok(limit) = Timespec::try_from(limit) else { return true };
        poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&limit)).is_ok_and(|n| n > 0)
    }
}
