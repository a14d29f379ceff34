//! How far the audit log had come, so that cutting its end off is noticed. What is in the log is not
//! known here.

use super::text;
use serde::{Deserialize, Serialize};

/// The newest line of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditHead {
    /// Its number, from 1.
    pub sequence: u64,
    /// SHA-256 of its bytes, without the newline.
    #[serde(with = "text::hex")]
    pub hash: [u8; 32],
}
