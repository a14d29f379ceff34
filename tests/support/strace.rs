//! Commands under strace, which stops or refuses them at a system call of choice.

use super::machine::program;
use super::process::{Outcome, run};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The calls that change a file, a directory or an attribute, or make a change last; not every processor has
/// all of them. Opening is missing: what it made is there when the call after it is reached.
pub const CHANGES: &str = "write,pwrite64,pwritev,ftruncate,fallocate,?mkdir,mkdirat,?mknod,mknodat,\
    ?symlink,symlinkat,?link,linkat,?unlink,unlinkat,?rmdir,?rename,?renameat,renameat2,?chmod,fchmod,fchmodat,\
    ?chown,?lchown,fchown,fchownat,setxattr,fsetxattr,lsetxattr,removexattr,fremovexattr,lremovexattr,\
    utimensat,fsync,fdatasync,syncfs,sync_file_range,copy_file_range";

/// The command under strace with `options`; what strace sees goes to `seen`.
pub fn strace(command: &Command, options: &[&str], seen: &Path) -> Command {
    let mut strace = Command::new(program("strace"));
    strace.args(["-f", "-qq", "-o"]).arg(seen).args(options);
    for (name, value) in command.get_envs() {
        value.map(|value| strace.env(name, value));
    }
    strace.arg(command.get_program()).args(command.get_args());
    strace
}

/// Runs a command under strace with `options`; what strace saw goes to `seen`.
#[track_caller]
pub fn under_strace(command: &Command, options: &[&str], seen: &Path) -> Outcome {
    run(&mut strace(command, options, seen))
}

/// A call of a run, by which it is found again in a run that does the same.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Which of its thread's calls of that name it is, from 1: strace counts so.
    pub nth: usize,
    /// What strace said of it, behind the number of the thread.
    pub line: String,
}

/// The calls that strace saw, in their order; descriptors are shown as paths when it ran with `-y`.
pub fn calls(seen: &Path) -> Vec<Call> {
    let text = String::from_utf8_lossy(&fs::read(seen).unwrap()).into_owned();
    let mut counts: HashMap<(String, String), usize> = HashMap::new();
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((thread, line)) = line.split_once(' ') else { continue };
        let Some((name, _)) = line.trim_start().split_once('(') else { continue };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            continue;
        }
        let count = counts.entry((thread.to_owned(), name.to_owned())).or_default();
        *count += 1;
        let line = line.trim_start().to_owned();
        found.push(Call { name: name.to_owned(), nth: *count, line });
    }
    found
}

/// Whether strace did what it was told to inject.
pub fn injected(seen: &Path) -> bool {
    String::from_utf8_lossy(&fs::read(seen).unwrap()).contains("INJECTED")
}
