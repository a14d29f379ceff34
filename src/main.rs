//! The one binary: it acts by the name it is called by.

use std::process::ExitCode;

fn main() -> ExitCode {
    ezncrypt::cli::run(std::env::args_os())
}
