//! Programs and callers for the tests of this module.

use super::run::Observed;
use super::*;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

/// A running program that answers each line with the same line, killed when dropped.
pub struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Running {
    /// Starts a copy of `cat`.
    pub fn start(program: &Path) -> Self {
        Self::command(&mut Command::new(program))
    }

    /// Starts a command that ends up as a copy of `cat`, and waits until it is.
    pub fn command(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Another test's fork may still hold a just written program open for writing.
        let mut child = loop {
            match command.spawn() {
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                    std::thread::yield_now();
                }
                result => break result.unwrap(),
            }
        };
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut running = Self { child, input, output: BufReader::new(output) };
        running.echo();
        running
    }

    pub fn tid(&self) -> u32 {
        self.child.id()
    }

    /// Gives a line that is not answered.
    pub fn send(&mut self) {
        self.input.write_all(b"there\n").unwrap();
    }

    /// Gives a line and waits for the answer.
    pub fn echo(&mut self) {
        self.send();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        assert_eq!(answer, "there\n");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory with a copy of `cat` at `program`, its path free of links.
pub struct Place {
    pub program: PathBuf,
    _dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::copy("/bin/cat", root.join("program")).unwrap();
        Self { program: root.join("program"), _dir: dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.program.with_file_name(name)
    }
}

/// Appends to a program, which still runs.
pub fn edit(program: &Path) {
    File::options().append(true).open(program).unwrap().write_all(b"x").unwrap();
}

/// Callers out of a table.
#[derive(Default)]
pub struct Table(Mutex<HashMap<u32, Arc<Program>>>, Mutex<HashMap<u32, PathBuf>>);

impl Table {
    pub fn set(&self, tid: u32, program: Program) {
        self.0.lock().unwrap().insert(tid, Arc::new(program));
    }

    /// What is read when the program of `tid` is opened though it was deleted.
    pub fn set_contents(&self, tid: u32, file: &Path) {
        self.1.lock().unwrap().insert(tid, file.into());
    }
}

impl Callers for Table {
    fn program(&self, tid: u32) -> Result<Arc<Program>, Unknown> {
        let gone = || Unknown::Unreadable { tid, source: io::ErrorKind::NotFound.into() };
        self.0.lock().unwrap().get(&tid).cloned().ok_or_else(gone)
    }

    fn observe(&self, _: u32, program: &Program, _: &Mount) -> io::Result<Observed> {
        Observed::like_own(program)
    }

    fn who(&self, _: u32, program: &Program) -> io::Result<Who> {
        Who::look(std::process::id(), program)
    }

    fn parent(&self, _: u32) -> io::Result<u32> {
        Ok(0)
    }

    fn open_program(&self, tid: u32) -> io::Result<File> {
        let path = self.1.lock().unwrap().get(&tid).cloned();
        File::open(path.ok_or(io::ErrorKind::NotFound)?)
    }
}

type Files = HashMap<PathBuf, (Identity, [u8; 32])>;

/// Encrypted programs out of a table, and how often one was hashed.
#[derive(Default, Clone)]
pub struct Encrypted {
    pub files: Arc<Mutex<Files>>,
    pub hashed: Arc<Mutex<u32>>,
}

impl EncryptedPrograms for Encrypted {
    fn identify(&self, mount_relative: &Path) -> io::Result<Identity> {
        let files = self.files.lock().unwrap();
        files.get(mount_relative).map(|file| file.0).ok_or(io::ErrorKind::NotFound.into())
    }

    fn hash(&self, mount_relative: &Path) -> io::Result<(Identity, [u8; 32])> {
        *self.hashed.lock().unwrap() += 1;
        let files = self.files.lock().unwrap();
        files.get(mount_relative).copied().ok_or(io::ErrorKind::NotFound.into())
    }
}

/// Programs without a mount.
pub fn plain_programs() -> Arc<Programs> {
    let mount = Mount { path: "/nowhere/ezncrypted".into(), device: None };
    Arc::new(Programs::new(mount, Box::new(Encrypted::default())))
}
