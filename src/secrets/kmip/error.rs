//! Why a key server gave no secret.

use super::ttlv::Malformed;
use crate::secrets::file;
use rustls::{AlertDescription, CertificateError};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a key server gave no secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name service does not answer, or knows no such name.
    #[error("the address of {0} cannot be found")]
    Name(String),
    /// Nobody answers at the address.
    #[error("it cannot be reached: {0}")]
    Unreachable(io::Error),
    /// The time limit of the attempt.
    #[error("it did not answer in time ({0})")]
    TimedOut(Stage),
    /// It hung up.
    #[error("it closed the connection without an answer ({0})")]
    Closed(Stage),
    /// A file with certificates or our private key.
    #[error(transparent)]
    File(#[from] file::Error),
    /// A file without what must be in it.
    #[error("{path} holds no {what} in PEM format that is understood", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// A certificate or a private key.
        what: &'static str,
    },
    /// They do not belong together, or are of a kind that is not known.
    #[error("certificate and private key cannot be used: {0}")]
    Own(rustls::Error),
    /// Not a name that a certificate could have.
    #[error("{0} is not a name that a certificate could be for")]
    ServerName(String),
    /// Its certificate's time is over.
    #[error("its certificate has expired")]
    ServerExpired,
    /// Its certificate's time has not begun, or this machine's clock is wrong: before the network is up it
    /// may not have been set.
    #[error("its certificate is not valid yet, by the clock of this machine")]
    ServerNotYetValid,
    /// Its certificate was issued by somebody else.
    #[error("its certificate was not issued by the authority in the file that ca names")]
    ServerForeign,
    /// Its certificate is somebody else's.
    #[error("its certificate is for another name than {0}")]
    ServerOtherName(String),
    /// Its certificate is wrong in another way.
    #[error("its certificate is not accepted: {0}")]
    ServerCertificate(CertificateError),
    /// It does not let us in.
    #[error("it refuses our certificate ({})", alert(*.0))]
    WeRefused(AlertDescription),
    /// No TLS connection could be made, or what came was none.
    #[error("no TLS connection: {0}")]
    Tls(rustls::Error),
    /// It is no KMIP server.
    #[error("its answer is not KMIP: {0}")]
    Malformed(#[from] Malformed),
    /// It says no.
    #[error("it refuses: {reason}: {message}")]
    Refused {
        /// Why.
        reason: Reason,
        /// In its own words.
        message: String,
    },
    /// The object is a certificate, a private key or the like.
    #[error("the object is neither a symmetric key nor secret data (its type is {0})")]
    ObjectType(u32),
    /// The object is in a format that is not its plain bytes.
    #[error("the object is not in raw format (its format is {0})")]
    Format(u32),
    /// The object would have to be unwrapped.
    #[error("the object is wrapped by another key")]
    Wrapped,
}

impl Error {
    /// Whether the same attempt may succeed later with nobody doing anything here.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Name(_) | Self::Unreachable(_) | Self::TimedOut(_) | Self::Closed(_) => true,
            Self::ServerNotYetValid => true,
            // A server that is starting, stopping or out of something says so.
            Self::Tls(rustls::Error::AlertReceived(alert)) => {
                matches!(alert, AlertDescription::InternalError | AlertDescription::UserCanceled)
            }
            Self::Refused { reason, .. } => *reason == Reason::GENERAL_FAILURE,
            _ => false,
        }
    }

    /// What a TLS error means, when the server was to be called `name`.
    pub fn of_tls(error: rustls::Error, name: &str) -> Self {
        use AlertDescription as A;
        use CertificateError as C;
        match error {
            rustls::Error::InvalidCertificate(why) => match why {
                C::Expired | C::ExpiredContext { .. } => Self::ServerExpired,
                C::NotValidYet | C::NotValidYetContext { .. } => Self::ServerNotYetValid,
                C::UnknownIssuer | C::BadSignature => Self::ServerForeign,
                C::NotValidForName | C::NotValidForNameContext { .. } => {
                    Self::ServerOtherName(name.to_owned())
                }
                other => Self::ServerCertificate(other),
            },
            rustls::Error::AlertReceived(
                alert @ (A::BadCertificate
                | A::UnsupportedCertificate
                | A::CertificateRevoked
                | A::CertificateExpired
                | A::CertificateUnknown
                | A::CertificateRequired
                | A::UnknownCA
                | A::AccessDenied),
            ) => Self::WeRefused(alert),
            other => Self::Tls(other),
        }
    }
}

fn alert(alert: AlertDescription) -> &'static str {
    use AlertDescription as A;
    match alert {
        A::CertificateExpired => "it has expired",
        A::UnknownCA => "it does not know who issued it",
        A::CertificateRevoked => "it was revoked",
        A::CertificateRequired => "it saw none",
        A::AccessDenied => "it may not",
        _ => "it does not say why",
    }
}

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Finding the address.
    Name,
    /// Connecting.
    Connect,
    /// Agreeing on keys.
    Handshake,
    /// Waiting for the object.
    Answer,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "looking up its address",
            Self::Connect => "connecting",
            Self::Handshake => "TLS handshake",
            Self::Answer => "waiting for the object",
        })
    }
}

/// A *Result Reason* of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason(pub u32);

impl Reason {
    /// Also said of a version that the server does not speak.
    pub const INVALID_MESSAGE: Self = Self(4);
    /// The server cannot say what is wrong with itself.
    pub const GENERAL_FAILURE: Self = Self(0x100);
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            1 => "item not found",
            2 => "response too large",
            3 => "authentication not successful",
            4 => "invalid message",
            5 => "operation not supported",
            6 => "missing data",
            7 => "invalid field",
            8 => "feature not supported",
            0x0a => "cryptographic failure",
            0x0b => "illegal operation",
            0x0c => "permission denied",
            0x0d => "object archived",
            0x0f => "application namespace not supported",
            0x10 => "key format type not supported",
            0x100 => "general failure",
            other => return write!(f, "reason {other}"),
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AlertDescription as A;

    fn of_alert(alert: AlertDescription) -> Error {
        Error::of_tls(rustls::Error::AlertReceived(alert), "server")
    }

    fn of_certificate(why: CertificateError) -> Error {
        Error::of_tls(rustls::Error::InvalidCertificate(why), "server")
    }

    fn refused(reason: u32) -> Error {
        Error::Refused { reason: Reason(reason), message: String::new() }
    }

    #[test]
    fn a_clock_that_is_not_set_and_a_server_in_trouble_pass_and_what_somebody_must_mend_does_not() {
        for passes in [
            of_certificate(CertificateError::NotValidYet),
            of_alert(A::InternalError),
            refused(0x100),
        ] {
            assert!(passes.may_pass(), "{passes}");
        }
        for stays in [
            of_certificate(CertificateError::Expired),
            of_certificate(CertificateError::UnknownIssuer),
            of_alert(A::HandshakeFailure),
            of_alert(A::CertificateExpired),
            refused(0x0c),
            refused(1),
        ] {
            assert!(!stays.may_pass(), "{stays}");
        }
    }
}
