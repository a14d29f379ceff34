//! The system's log: each line as one datagram. Never waits, and never a failure.

use super::line;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// authpriv.
const FACILITY: u8 = 10 << 3;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;
const INFO: u8 = 6;

/// Longest datagram; rsyslog cuts longer ones.
const MAX_LEN: usize = 8000;

/// Where datagrams go.
pub struct Syslog {
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    /// To the socket at `path`, when there is one.
    pub fn new(path: &Path) -> Self {
        Self { path: path.into(), socket: None }
    }

    /// Sends a line, if it can be sent at once.
    pub fn send(&mut self, event: &str, line: &str) {
        let message = datagram(event, line);
        for _ in 0..2 {
            if self.socket.is_none() {
                self.socket = connected(&self.path).ok();
            }
            let Some(socket) = &self.socket else { return };
            match socket.send(message.as_bytes()) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => {}
                _ => return,
            }
            // The daemon was started anew: once more to the new one.
            self.socket = None;
        }
    }
}

fn connected(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    Ok(socket)
}

fn datagram(event: &str, line: &str) -> String {
    let priority = FACILITY | severity(event);
    let head = format!("<{priority}>ezncrypt[{}]: @cee: ", std::process::id());
    if head.len() + line.len() <= MAX_LEN {
        return head + line;
    }
    let envelope = line::parse(line.as_bytes());
    let (sequence, time) = envelope.map_or((0, ""), |found| (found.sequence, found.time));
    let event = serde_json::Value::from(event);
    head + &format!(
        "{{\"seq\":{sequence},\"time\":\"{time}\",\"event\":{event},\"shortened\":true}}"
    )
}

fn severity(event: &str) -> u8 {
    match event {
        "denied"
        | "would_deny"
        | "guard_refused"
        | "secret_refused"
        | "lines_left_out"
        | "log_cut"
        | "log_replaced"
        | "not_recovered"
        | "sector_damaged"
        | "header_damaged"
        | "header_copy_damaged"
        | "end_mark_missing"
        | "end_mark_inside"
        | "damage_found" => WARNING,
        "allowed" | "seal" | "rotated" => INFO,
        _ => NOTICE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn listen(path: &Path) -> UnixDatagram {
        let _ = std::fs::remove_file(path);
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket
    }

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = vec![0; 1 << 16];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_daemon_that_comes_goes_and_comes_again_gets_lines_while_it_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut syslog = Syslog::new(&path);
        syslog.send("start", "{}");
        let first = listen(&path);
        syslog.send("denied", "{1}");
        let pid = std::process::id();
        assert_eq!(received(&first), format!("<84>ezncrypt[{pid}]: @cee: {{1}}"));
        drop(first);
        syslog.send("denied", "{2}");
        let second = listen(&path);
        syslog.send("stop", "{3}");
        assert_eq!(received(&second), format!("<85>ezncrypt[{pid}]: @cee: {{3}}"));
    }

    #[test]
    fn a_daemon_that_does_not_read_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let _deaf = listen(&path);
        let mut syslog = Syslog::new(&path);
        let line = "x".repeat(4000);
        (0..5000).for_each(|_| syslog.send("allowed", &line));
    }

    #[test]
    fn a_line_that_is_too_long_is_named() {
        let long = format!(
            "{{\"seq\":7,\"time\":\"t\",\"event\":\"denied\",\"x\":\"{}\",\"prev\":\"{}\"}}",
            "y".repeat(MAX_LEN),
            "0".repeat(64)
        );
        let sent = datagram("denied", &long);
        assert!(
            sent.ends_with(r#"{"seq":7,"time":"t","event":"denied","shortened":true}"#),
            "{sent}"
        );
    }
}
