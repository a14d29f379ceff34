//! The configuration file: where the service's own secret comes from, and how the mount is served. TOML; read only
//! when nobody else could have written it.

use super::file;
use serde::Deserialize;
use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest configuration accepted, in bytes.
const MAX_FILE: usize = 64 << 10;

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] file::Error),
    /// Others could have written it.
    #[error("{path} may be written by others than root (mode {mode:04o}, owner {owner})", path = path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// Its owner.
        owner: u32,
    },
    /// It is not what it should be.
    #[error("{path}:{line}:{column}: {what}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character in it, from 1.
        column: usize,
        /// What is wrong, without what stands there: that may be a secret in the wrong place.
        what: String,
    },
    /// It says something that cannot be.
    #[error("{path}: {problem}", path = path.display())]
    Meaning {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: Problem,
    },
}

/// What is wrong with a configuration that is written as it should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum Problem {
    /// None of the sources, or more than one.
    #[error("[unattended] names exactly one of file, command, credential and kmip")]
    Sources,
    /// A path that depends on the working directory.
    #[error("paths in [unattended] are absolute, and so is a command's program")]
    Relative,
    /// A path where a name is needed.
    #[error("a credential is named without a path")]
    CredentialName,
    /// `stdin` of what is no command.
    #[error("stdin goes with command")]
    Stdin,
    /// No address.
    #[error("server is HOST, HOST:PORT or [IPV6]:PORT")]
    Server,
    /// No name, or a very long one.
    #[error("object has 1 to 1024 characters")]
    Object,
    /// A time out of bounds.
    #[error("timeout_seconds is 1 to 300, retry_for_seconds 0 to 3600")]
    Times,
}

/// Where the service's own secret comes from, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unattended {
    /// Where it comes from.
    pub source: Source,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long attempts are repeated when they fail for a reason that may pass.
    pub retry_for: Duration,
}

/// All that the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// About unattended starts.
    pub unattended: Option<Unattended>,
    /// About the mount.
    pub transport: Option<Transport>,
}

/// How the kernel's requests reach the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// As the kernel offers.
    Auto,
    /// Through `/dev/fuse`.
    Device,
    /// Through io_uring; the kernel is told to offer it.
    IoUring,
}

/// A source of the service's own secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file that only its owner can read.
    File(PathBuf),
    /// What a program prints.
    Command {
        /// The program and its arguments.
        argv: Vec<OsString>,
        /// What it reads on standard input.
        stdin: Option<PathBuf>,
    },
    /// A credential that systemd hands over.
    Credential(String),
    /// A key server that speaks KMIP.
    Kmip(Kmip),
}

/// A key server, and who asks it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kmip {
    /// Host name or address, and port after a colon; 5696 without one.
    pub server: String,
    /// The name that its certificate bears, where that is not the one in `server`.
    pub server_name: Option<String>,
    /// Certificates of those who sign the server's certificate, in PEM.
    pub ca: PathBuf,
    /// The client's certificate and those between it and its root, in PEM.
    pub certificate: PathBuf,
    /// The client's private key, in PEM, without a password.
    pub key: PathBuf,
    /// The key's unique identifier at the server.
    pub object: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    unattended: Option<WrittenUnattended>,
    mount: Option<WrittenMount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMount {
    transport: Option<Transport>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUnattended {
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
    stdin: Option<PathBuf>,
    credential: Option<String>,
    kmip: Option<Kmip>,
    #[serde(default = "ten")]
    timeout_seconds: u64,
    #[serde(default = "sixty")]
    retry_for_seconds: u64,
}

fn ten() -> u64 {
    10
}

fn sixty() -> u64 {
    60
}

/// Reads the configuration; nothing is configured when there is no file.
///
/// # Errors
/// Why it is not used.
pub fn read(path: &Path) -> Result<Configuration, Error> {
    let (content, mode, owner) = match file::public_of(path, MAX_FILE) {
        Err(file::Error::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(Configuration::default());
        }
        content => content?,
    };
    check_trust(path, mode, owner)?;
    parse(path, content.expose())
}

/// The same for what is in the file; `path` is for messages.
///
/// # Errors
/// [`Error::Syntax`], [`Error::Meaning`].
pub fn parse(path: &Path, content: &[u8]) -> Result<Configuration, Error> {
    let text = String::from_utf8_lossy(content);
    let written: Written = toml::from_str(&text).map_err(|error| syntax(path, &text, &error))?;
    let checked = written.unattended.map(WrittenUnattended::checked).transpose();
    let unattended = checked.map_err(|problem| Error::Meaning { path: path.into(), problem })?;
    Ok(Configuration { unattended, transport: written.mount.and_then(|mount| mount.transport) })
}

/// The position and what is wrong there. The parser's own words show the line.
fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let before = text.get(..error.span().unwrap_or_default().start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Error::Syntax { path: path.into(), line, column, what: without_value(error.message()) }
}

/// `invalid type: string "VALUE", expected u64` without the value.
fn without_value(message: &str) -> String {
    let is_of_value =
        ["invalid type: ", "invalid value: "].iter().any(|it| message.starts_with(it));
    match (message.find(['"', '`']), message.rfind(", expected ")) {
        (Some(from), Some(to)) if is_of_value && from < to => {
            format!("{}{}", message[..from].trim_end(), &message[to..])
        }
        _ => message.to_owned(),
    }
}

/// Root's, or this user's own, and nobody else's to write. Whoever can write it says what runs as root.
fn check_trust(path: &Path, mode: u32, owner: u32) -> Result<(), Error> {
    let ours = owner == 0 || owner == rustix::process::geteuid().as_raw();
    if ours && mode & 0o022 == 0 {
        Ok(())
    } else {
        Err(Error::Untrusted { path: path.into(), mode, owner })
    }
}

impl WrittenUnattended {
    fn checked(self) -> Result<Unattended, Problem> {
        let Self { file, command, stdin, credential, kmip, timeout_seconds, retry_for_seconds } =
            self;
        if !(1..=300).contains(&timeout_seconds) || retry_for_seconds > 3600 {
            return Err(Problem::Times);
        }
        if stdin.is_some() && command.is_none() {
            return Err(Problem::Stdin);
        }
        let source = match (file, command, credential, kmip) {
            (Some(path), None, None, None) => Source::File(path),
            (None, Some(argv), None, None) => {
                Source::Command { argv: argv.into_iter().map(OsString::from).collect(), stdin }
            }
            (None, None, Some(name), None) => Source::Credential(name),
            (None, None, None, Some(kmip)) => Source::Kmip(kmip),
            _ => return Err(Problem::Sources),
        };
        source.check()?;
        let seconds = Duration::from_secs;
        let (timeout, retry_for) = (seconds(timeout_seconds), seconds(retry_for_seconds));
        Ok(Unattended { source, timeout, retry_for })
    }
}

impl Kmip {
    /// The port that KMIP is assigned.
    const PORT: u16 = 5696;

    /// Host and port; none when `server` is no address.
    pub fn address(&self) -> Option<(&str, u16)> {
        let server = self.server.as_str();
        let (host, port) = match server.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
            }
            None if server.parse::<IpAddr>().is_ok() => (server, None),
            None => {
                server.split_once(':').map_or((server, None), |(host, port)| (host, Some(port)))
            }
        };
        let port = port.map_or(Some(Self::PORT), |port| port.parse().ok())?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
        let usable = !host.is_empty() && !host.starts_with('-') && host.bytes().all(plain);
        let bracketed = host.contains(':') && host.parse::<IpAddr>().is_err();
        (usable && !bracketed && port != 0).then_some((host, port))
    }
}

impl Source {
    fn check(&self) -> Result<(), Problem> {
        let paths: Vec<&Path> = match self {
            Self::File(path) => vec![path],
            Self::Command { argv, stdin } => {
                let program = argv.first().map_or(Path::new(""), |program| Path::new(program));
                stdin.iter().map(PathBuf::as_path).chain([program]).collect()
            }
            Self::Credential(name) => {
                let plain = !name.is_empty() && name != "." && name != ".." && !name.contains('/');
                return if plain { Ok(()) } else { Err(Problem::CredentialName) };
            }
            Self::Kmip(kmip) if kmip.address().is_none() => return Err(Problem::Server),
            Self::Kmip(Kmip { object, .. }) if !(1..=1024).contains(&object.len()) => {
                return Err(Problem::Object);
            }
            Self::Kmip(Kmip { ca, certificate, key, .. }) => vec![ca, certificate, key],
        };
        if paths.into_iter().all(Path::is_absolute) { Ok(()) } else { Err(Problem::Relative) }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "the file {}", path.display()),
            Self::Command { argv, .. } => {
                let program = argv.first().cloned().unwrap_or_default();
                write!(formatter, "the command {}", Path::new(&program).display())
            }
            Self::Credential(name) => write!(formatter, "the credential {name}"),
            Self::Kmip(kmip) => write!(formatter, "the key server {}", kmip.server),
        }
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
