//! Process life, control socket, log: what runs behind `ezncrypt start`, and how to reach it.

pub mod frame;
pub mod lock;
pub mod log;
pub mod paths;
pub mod protocol;

pub use paths::Paths;
