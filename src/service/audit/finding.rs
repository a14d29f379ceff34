//! What verifying may find, in words.

use serde::{Deserialize, Serialize};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Files that were read.
    pub files: u64,
    /// Lines that have the form of one.
    pub lines: u64,
    /// Number of the first line; 0 when there is none.
    pub first: u64,
    /// Number of the last line.
    pub last: u64,
    /// Seals that hold.
    pub seals: u64,
    /// Lines after the last seal that holds.
    pub unsealed: u64,
    /// The last number that rotation has removed.
    pub dropped_through: u64,
    /// What is to be told, in the order of the files.
    pub findings: Vec<Finding>,
    /// Findings beyond those listed.
    pub more: u64,
    /// Whether any of them is an alarm.
    pub alarm: bool,
}

/// Something to be told, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Name of the file.
    pub file: String,
    /// Number of the line in the file, from 1; 0 for the whole.
    pub line: u64,
    /// The line's own number, when it has one.
    pub sequence: Option<u64>,
    /// What it is.
    pub what: What,
}

/// What may be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum What {
    /// The file cannot be read.
    #[error("cannot be read")]
    Unreadable,
    /// Bytes that do not have the form of a line, and that nobody told of.
    #[error("is not a line of this log: it was changed, or put here")]
    Foreign,
    /// The line before does not have the hash that this one names.
    #[error("was changed, or the line before it was")]
    Changed,
    /// Numbers that no line has.
    #[error("lines {from} to {to} are missing before it")]
    Missing {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// A number that is not higher than the one before.
    #[error("its number does not follow {after}: lines were put here, or their order was changed")]
    OutOfOrder {
        /// The number before.
        after: u64,
    },
    /// The log begins later than rotation accounts for.
    #[error("the log is cut at its front: lines {from} to {to} are missing")]
    CutAtFront {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// The log ends before the newest line that is known.
    #[error("the log is cut at its end: lines {from} to {to} are missing")]
    CutAtEnd {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// There are lines after the newest one that was written.
    #[error("was not written by the service, which is at line {last}")]
    Beyond {
        /// The newest one.
        last: u64,
    },
    /// The line is another one than is known to have been there.
    #[error("was changed: it is not the line that the keystore, or the service, knows")]
    NotAsKnown,
    /// The seal is not one.
    #[error("the seal does not hold: it, or a line since the seal before, was changed")]
    SealBroken,
    /// The service found the log cut or changed, and went on.
    #[error(
        "the log had been cut or changed: it was known to reach line {known}, and ended with line {found}"
    )]
    ToldCut {
        /// As it was known.
        known: u64,
        /// As it was found.
        found: u64,
    },
    /// The file had been taken away.
    #[error("the file before it was moved or removed while the service ran")]
    ToldReplaced,
    /// What is left of lines after a crash, as the next line tells.
    #[error("{lines} line(s) torn by a crash or a full disk")]
    Torn {
        /// How many.
        lines: u64,
    },
    /// The same at the end of the log, where no next line tells of it.
    #[error("the log ends within a line: torn by a crash, or cut")]
    TornEnd,
    /// Lines that were found unsealed.
    #[error(
        "{lines} line(s) before it were found unsealed: whoever wrote them did not come to seal them"
    )]
    FoundUnsealed {
        /// How many.
        lines: u64,
    },
    /// Lines that could not be written.
    #[error("{lines} line(s) could not be written before it")]
    Lost {
        /// How many.
        lines: u64,
    },
}

impl What {
    /// Whether somebody must have tampered, and not only something gone wrong.
    pub fn is_alarm(&self) -> bool {
        !matches!(
            self,
            Self::Torn { .. } | Self::TornEnd | Self::FoundUnsealed { .. } | Self::Lost { .. }
        )
    }
}
