//! An encrypted file, the program that may read it, and whoever attacks.

use super::support::Instance;
use super::support::machine::program;
use super::support::process::{Outcome, Running, run, until};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{PipeWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What the encrypted file holds.
pub const SECRET: &str = "PlaintextThatOnlyTheReaderMayTell";

/// The ordinary user.
pub const NOBODY: u32 = 65534;

/// What a denied program says.
const DENIED: &str = "Permission denied";

const PATIENCE: Duration = Duration::from_secs(60);

/// Who attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    Root,
    Nobody,
}

pub use User::{Nobody, Root};

impl User {
    pub const BOTH: [Self; 2] = [Nobody, Root];

    pub fn id(self) -> u32 {
        if self == Root { 0 } else { NOBODY }
    }

    /// A program that this user starts.
    ///
    /// Its environment is one that says nothing.
    pub fn starts<S: AsRef<OsStr>>(
        self,
        program: impl AsRef<OsStr>,
        words: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(program);
        command.args(words).current_dir("/").env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        if self == Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// A shell script that this user starts; `$1` and so on are the words.
    pub fn shell<S: AsRef<OsStr>>(
        self,
        script: &str,
        words: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = self.starts("/bin/bash", ["-e", "-c", script, "bash"]);
        command.args(words);
        command
    }
}

/// An instance with one encrypted file, and the same file in the clear. Everybody may read and
/// change both, as far as modes and owners go.
pub struct Stage {
    pub instance: Instance,
}

impl Stage {
    /// Without any rule.
    pub fn new() -> Self {
        let stage = Self { instance: Instance::started() };
        for name in ["plain", "data"] {
            let directory = stage.open_directory(name);
            stage.directory(&format!("{name}/sub"));
            fs::write(directory.join("file"), format!("{SECRET}\n")).unwrap();
            set_mode(&directory.join("file"), 0o666);
        }
        stage.instance.encrypt("@data", &stage.at("data"));
        stage.directory("bin");
        stage.build(
            "greeting.c",
            "bin/libgreeting.so.1",
            &["-shared", "-fPIC", "-Wl,-soname,libgreeting.so.1"],
        );
        stage.build_reader("bin/reader", &[]);
        stage
    }

    /// With a rule that allows the reader under these parameters.
    pub fn allowing(parameters: &str) -> Self {
        let stage = Self::new();
        stage.allow(parameters);
        stage
    }

    /// Adds a rule for the reader with these parameters.
    #[track_caller]
    pub fn allow(&self, parameters: &str) {
        self.rule(&format!("ALLOW @data * {} {parameters}", self.reader().display()));
    }

    #[track_caller]
    pub fn rule(&self, rule: &str) {
        self.instance.access(["-a", rule.trim_end()]).succeeds();
    }

    /// Deletes all rules.
    #[track_caller]
    pub fn without_rules(&self) {
        let rules = self.instance.access(["-l", "--json"]).succeeds().json();
        for _ in rules.as_array().unwrap() {
            self.instance.access(["-d", "1"]).succeeds();
        }
    }

    /// A path in the working directory.
    pub fn at(&self, name: &str) -> PathBuf {
        self.instance.work().join(name)
    }

    /// The allowed program.
    pub fn reader(&self) -> PathBuf {
        self.at("bin/reader")
    }

    /// The file of the encrypted directory, by its old path.
    pub fn secret(&self) -> PathBuf {
        self.at("data/file")
    }

    /// The same contents for everybody.
    pub fn plain(&self) -> PathBuf {
        self.at("plain/file")
    }

    /// A new directory that everybody may enter, and root change.
    pub fn directory(&self, name: &str) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(&path).unwrap();
        set_mode(&path, 0o755);
        path
    }

    /// A new directory that everybody may change.
    pub fn open_directory(&self, name: &str) -> PathBuf {
        let path = self.directory(name);
        set_mode(&path, 0o777);
        path
    }

    /// A directory of the ordinary user's.
    pub fn home(&self) -> PathBuf {
        let path = self.directory("home");
        own(&path, Nobody);
        path
    }

    /// Compiles one of the sources beside this file; its path in the working directory.
    #[track_caller]
    pub fn build(&self, source: &str, to: &str, flags: &[&str]) -> PathBuf {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process_check");
        let path = self.at(to);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut compiler = Command::new(program("gcc"));
        compiler.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&path);
        run(compiler.arg(sources.join(source)).args(flags)).succeeds();
        set_mode(&path, 0o755);
        path
    }

    /// Compiles the reader, or what differs from it by the flags.
    #[track_caller]
    pub fn build_reader(&self, to: &str, flags: &[&str]) -> PathBuf {
        let library = self.at("bin/libgreeting.so.1");
        let found = format!("-Wl,-rpath,{},--enable-new-dtags", self.at("bin").display());
        self.build("reader.c", to, &[flags, &[library.to_str().unwrap(), &found]].concat())
    }

    /// A program that does the same and that no rule allows.
    pub fn other(&self) -> PathBuf {
        let path = self.at("bin/other");
        if path.exists() { path } else { self.build_reader("bin/other", &["-DOTHER"]) }
    }

    /// The attacker's library, of this user.
    pub fn spy(&self, to: &str, owner: User, flags: &[&str]) -> PathBuf {
        let path = self.build("spy.c", to, &[&["-shared", "-fPIC"], flags].concat());
        own(&path, owner);
        path
    }

    /// The lines of the audit log.
    pub fn log(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.instance.state().join("log/audit.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Those about denials.
    pub fn denials(&self) -> Vec<serde_json::Value> {
        self.log().into_iter().filter(|line| line["event"] == "denied").collect()
    }

    /// Fails the test unless the reader reads the encrypted file for both users.
    #[track_caller]
    pub fn assert_reader_works(&self) {
        for user in User::BOTH {
            let mut command = user.starts(self.reader(), [os("read"), self.secret().into()]);
            assert!(tells(&run(&mut command).succeeds()), "the reader is not allowed: {user:?}");
        }
    }

    /// Fails the test unless the attack reads a file that is not encrypted, and is denied the
    /// encrypted one, as an ordinary user and as root, with a line in the log that has one of these
    /// reasons.
    #[track_caller]
    pub fn assert_denied(&self, reasons: &[&str], attack: impl Fn(User, &Path) -> Command) {
        for user in User::BOTH {
            self.assert_denied_to(user, reasons, |file| attack(user, file));
        }
    }

    /// Like [`Stage::assert_denied`], as this user.
    #[track_caller]
    pub fn assert_denied_to(
        &self,
        user: User,
        reasons: &[&str],
        attack: impl Fn(&Path) -> Command,
    ) -> Attacked {
        let plain = run(&mut attack(&self.plain()));
        assert!(tells(&plain), "{user:?}: no attack: a blind test: {plain}");
        let before = self.denials().len();
        let denied = run(&mut attack(&self.secret()));
        self.assert_told_nothing(&denied, before, reasons);
        Attacked { plain, denied }
    }

    /// Fails the test unless this ended by a denial that was logged behind the first `before` ones.
    #[track_caller]
    pub fn assert_told_nothing(&self, outcome: &Outcome, before: usize, reasons: &[&str]) {
        assert!(!tells(outcome), "it reads the plaintext: {outcome}");
        assert!(outcome.code != Some(0), "it was not denied: {outcome}");
        let said = outcome.stderr.contains(DENIED) || outcome.stdout.contains(DENIED);
        assert!(said, "it was not denied: {outcome}");
        self.assert_logged(before, reasons);
    }

    /// Fails the test unless a denial was logged, behind the first `before` ones, for such a reason.
    #[track_caller]
    pub fn assert_logged(&self, before: usize, reasons: &[&str]) {
        let denials = self.denials();
        let new = &denials[before..];
        let fits = |line: &serde_json::Value| {
            let why = line["reason"].as_str().unwrap_or("").to_lowercase();
            reasons.iter().any(|reason| why.contains(&reason.to_lowercase()))
        };
        assert!(new.iter().any(fits), "none of {reasons:?} is in the log: {new:#?}");
    }

    /// Fails the test unless this path is the reader's: a path-only check would let it in.
    #[track_caller]
    pub fn assert_disguised(&self, attacked: &Attacked) {
        let line = format!("exe {}\n", self.reader().display());
        assert!(attacked.plain.stdout.contains(&line), "a blind test: {}", attacked.plain);
        assert!(attacked.denied.stdout.contains(&line), "a blind test: {}", attacked.denied);
    }
}

/// An attack on a file in the clear, and on the encrypted one.
pub struct Attacked {
    pub plain: Outcome,
    pub denied: Outcome,
}

/// Whether the plaintext is in what it printed.
pub fn tells(outcome: &Outcome) -> bool {
    outcome.stdout.contains(SECRET) || outcome.stderr.contains(SECRET)
}

pub fn os(word: &str) -> std::ffi::OsString {
    word.into()
}

/// The words `steps... FILE`.
pub fn steps(steps: &[&str], file: &Path) -> Vec<std::ffi::OsString> {
    steps.iter().map(|step| os(step)).chain([file.into()]).collect()
}

pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

pub fn own(path: &Path, user: User) {
    std::os::unix::fs::chown(path, Some(user.id()), Some(user.id())).unwrap();
}

/// A process that waits for a line at each of its `wait` words.
pub struct Held {
    running: Running,
    input: Option<PipeWriter>,
    waits: usize,
}

impl Held {
    /// Starts it and waits for its first `wait`.
    #[track_caller]
    pub fn start(mut command: Command) -> Self {
        let (output, input) = std::io::pipe().unwrap();
        let running = Running::spawn(command.stdin(Stdio::from(output)));
        let mut held = Self { running, input: Some(input), waits: 0 };
        held.until_it_waits();
        held
    }

    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// What it printed until now.
    pub fn so_far(&mut self) -> Outcome {
        self.running.so_far()
    }

    /// Lets it go on to its next `wait`.
    #[track_caller]
    pub fn go_on(&mut self) {
        self.input.as_mut().unwrap().write_all(b"\n").unwrap();
        self.until_it_waits();
    }

    #[track_caller]
    fn until_it_waits(&mut self) {
        self.waits += 1;
        until("it waits", PATIENCE, || {
            let so_far = self.running.so_far();
            let waits = so_far.stdout.matches("ready\n").count() == self.waits;
            assert!(waits || self.running.ended().is_none(), "it ended: {}", self.running.so_far());
            waits
        });
    }

    /// Lets it go on to its end.
    #[track_caller]
    pub fn ends(mut self) -> Outcome {
        self.input = None;
        let ended = self.running.finish(PATIENCE);
        ended.unwrap_or_else(|| panic!("it does not end: {}", self.running.so_far()))
    }
}

/// The program of a process by the path that the kernel tells, as a path-only check would ask.
pub fn path_of(pid: u32) -> PathBuf {
    fs::read_link(format!("/proc/{pid}/exe")).unwrap()
}
