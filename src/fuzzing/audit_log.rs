//! The audit log: any files, and one that was written, changed.

pub use crate::service::audit::fuzzing::run;
