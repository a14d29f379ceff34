//! Where a key server is. A static program has no name service of its own, so the system's `getent` is
//! asked.

use super::{Error, Stage};
use crate::sys::tool::{self, Question};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

/// The most of an answer that is read, in bytes.
const LONGEST: u64 = 16 << 10;

/// Addresses that are tried, at most.
const MOST: usize = 8;

/// The addresses of a host, at least one.
///
/// # Errors
/// When there is none, or finding one takes until `deadline`.
pub fn addresses(host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let unknown = || Error::Name(host.to_owned());
    let getent = ["/usr/bin/getent", "/bin/getent"].map(Path::new);
    let getent = getent.into_iter().find(|path| path.exists()).ok_or_else(unknown)?;
    let limit = deadline.saturating_duration_since(Instant::now());
    let arguments = &["ahosts", host];
    let question =
        Question { program: getent, arguments, input: Stdio::null(), limit, longest: LONGEST };
    let told = tool::answer(question).map_err(|error| match error.kind() {
        ErrorKind::TimedOut => Error::TimedOut(Stage::Name),
        _ => unknown(),
    })?;
    let found = listed(&String::from_utf8_lossy(&told.stdout), port);
    if found.is_empty() { Err(unknown()) } else { Ok(found) }
}

/// The addresses in what `getent ahosts` prints: one a line, once for each kind of socket.
fn listed(text: &str, port: u16) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for line in text.lines() {
        let address = line.split_whitespace().next().and_then(|word| word.parse::<IpAddr>().ok());
        let address = address.map(|address| SocketAddr::new(address, port));
        found.extend(address.filter(|address| !found.contains(address)));
    }
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_address_is_listed_once_and_the_rest_is_passed_over() {
        let text = "::1  STREAM localhost\n::1  DGRAM\n127.0.0.1 STREAM\nnonsense\n\n";
        let shown: Vec<String> = listed(text, 9).iter().map(SocketAddr::to_string).collect();
        assert_eq!(shown, ["[::1]:9", "127.0.0.1:9"]);
    }

    #[test]
    fn the_systems_names_are_found_and_others_are_not() {
        let deadline = Instant::now() + Duration::from_secs(60);
        let found = addresses("localhost", 5696, deadline).unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
        let unknown = addresses("no-such-host.invalid", 5696, deadline);
        assert!(matches!(unknown, Err(Error::Name(_))));
    }
}
