//! Looking host names up. A static program cannot use the system's resolver itself, so `getent` does.

use super::Error;
use crate::sys::tool::ask;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// The addresses of `server`, a host name or an address, with their port.
pub(super) fn addresses(
    (host, port): (&str, u16),
    server: &str,
    limit: Duration,
) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if host.starts_with('-') {
        return Err(Error::Name(host.into()));
    }
    let told = ask(Path::new("/usr/bin/getent"), &["ahosts", host], limit);
    let told = told.map(|output| output.stdout).unwrap_or_default();
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(&told).lines() {
        let address = line.split_whitespace().next().and_then(|word| word.parse().ok());
        let address = address.map(|address: IpAddr| SocketAddr::new(address, port));
        found.extend(address.filter(|address| !found.contains(address)));
    }
    if found.is_empty() { Err(Error::Lookup(server.into())) } else { Ok(found) }
}
