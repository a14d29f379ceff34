//! `ezncrypt demo`: the whole job in a throw-away state directory, by the real commands.

use crate::cli::output;
use crate::fuse;
use crate::service::protocol::{Failure, FailureKind};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const SECRET_TEXT: &str = "Ada Lovelace, card 4111 1111 1111 1111";

/// Programs that the demonstration lets in; the first that is there and is not `cat` itself.
const READERS: [&str; 4] = ["/usr/bin/head", "/usr/bin/tail", "/usr/bin/tac", "/usr/bin/nl"];

/// Shows the whole job. Needs no root: an ordinary user gets a user namespace of their own.
///
/// # Errors
/// When a step does not do what it should, or the machine lacks what it takes; says which.
pub fn run() -> Result<(), Failure> {
    if !geteuid().is_root() {
        become_root_of_a_namespace()?;
    }
    let demo = Demo::prepare()?;
    match fuse::device_available() {
        Ok(()) => demo.with_mount(),
        Err(error) => {
            say(&format!("/dev/fuse cannot be opened here: {error}."));
            say("It is what shows plaintext to allowed programs. To get it:");
            say("  on a machine:      modprobe fuse");
            say("  in a container:    docker run --device /dev/fuse --cap-add SYS_ADMIN …");
            say("Without it, this is encrypting, verifying and decrypting:\n");
            demo.without_mount()
        }
    }
}

/// Enters a user namespace in which this user is root, and a mount namespace to mount in.
fn become_root_of_a_namespace() -> Result<(), Failure> {
    let (uid, gid) = (geteuid(), getegid());
    let cannot = |what: &str, why: &dyn std::fmt::Display| {
        let message = format!("cannot make a user namespace of your own: {what}: {why}");
        Failure::new(FailureKind::Denied, message)
            .hint("run it as root: sudo ezncrypt demo; or allow user namespaces on this machine")
    };
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
        .map_err(|errno| cannot("unshare", &errno))?;
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {uid} 1")),
        ("gid_map", format!("0 {gid} 1")),
    ] {
        fs::write(Path::new("/proc/self").join(file), text)
            .map_err(|error| cannot(file, &error))?;
    }
    Ok(())
}

/// The stage: a directory with a sample to encrypt, secrets, and a state directory.
struct Demo {
    directory: TempDir,
    program: PathBuf,
    mounted: std::cell::Cell<bool>,
}

impl Demo {
    fn prepare() -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(io("find this program"))?;
        let directory = tempfile::Builder::new()
            .prefix("ezncrypt-demo-")
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir()
            .map_err(io("make a temporary directory"))?;
        let demo = Self { directory, program, mounted: false.into() };
        fs::create_dir(demo.data()).map_err(io("make the sample"))?;
        let sample = format!("id,name\n1,\"{SECRET_TEXT}\"\n");
        fs::write(demo.sample(), &sample).map_err(io("write the sample"))?;
        for name in ["passphrase", "salt"] {
            demo.write_secret(name)?;
        }
        Ok(demo)
    }

    fn with_mount(&self) -> Result<(), Failure> {
        let reader = reader()?;
        let before = self.snapshot()?;
        let sample = self.sample();
        self.title("1. A keystore, and the service");
        self.ezncrypt(&["init".as_ref(), "--scrypt-log-n".as_ref(), "14".as_ref()])?;
        self.ezncrypt(&["start".as_ref()])?;
        self.mounted.set(true);
        self.title("2. A directory is encrypted in place");
        self.ezncrypt(&["-e".as_ref(), "@demo".as_ref(), self.data().as_os_str()])?;
        self.show_at_rest()?;
        self.title("3. Without a rule nobody reads it, root included");
        self.expect_denied(Command::new("cat").arg(&sample))?;
        self.title("4. A rule lets one program in");
        let rule = format!("ALLOW @demo * {}", reader.display());
        self.access_control(&["-a".as_ref(), rule.as_ref()])?;
        self.access_control(&["-l".as_ref()])?;
        self.expect_plaintext(Command::new(&reader).arg(&sample))?;
        self.expect_denied(Command::new("cat").arg(&sample))?;
        self.title("5. Decrypted and compared");
        self.ezncrypt(&["-d".as_ref(), self.data().as_os_str()])?;
        self.expect_same(&before)?;
        self.ezncrypt(&["stop".as_ref()])?;
        self.mounted.set(false);
        say("\nThat is the whole job. Everything it made is removed again.");
        Ok(())
    }

    fn without_mount(&self) -> Result<(), Failure> {
        let before = self.snapshot()?;
        self.title("1. A keystore");
        self.ezncrypt(&["init".as_ref(), "--scrypt-log-n".as_ref(), "14".as_ref()])?;
        self.title("2. A directory is encrypted in place, read back and compared");
        self.ezncrypt(&["-e".as_ref(), "@demo".as_ref(), self.data().as_os_str()])?;
        self.show_at_rest()?;
        self.title("3. Every sector is verified, decrypted and compared");
        self.ezncrypt(&["-d".as_ref(), self.data().as_os_str()])?;
        self.expect_same(&before)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("customers")
    }

    fn sample(&self) -> PathBuf {
        self.data().join("customers.csv")
    }

    fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn write_secret(&self, name: &str) -> Result<(), Failure> {
        let random = crate::crypto::random::<16>().map_err(|error| {
            Failure::new(FailureKind::Failed, format!("cannot draw a secret: {error}"))
        })?;
        let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.directory.path().join(name);
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(io("write a secret"))
    }

    fn title(&self, text: &str) {
        say(&format!("\n{text}"));
    }

    fn ezncrypt(&self, arguments: &[&OsStr]) -> Result<(), Failure> {
        self.our_command("ezncrypt", arguments)
    }

    fn access_control(&self, arguments: &[&OsStr]) -> Result<(), Failure> {
        self.our_command("ezncrypt-access-control", arguments)
    }

    fn our_command(&self, name: &str, arguments: &[&OsStr]) -> Result<(), Failure> {
        let mut command = Command::new(&self.program);
        command.arg0(name).args(arguments);
        let shown = format!("{name} {}", words(arguments));
        for (variable, path) in [
            ("EZNCRYPT_STATE_DIR", self.state()),
            ("EZNCRYPT_PASSPHRASE_FILE", self.directory.path().join("passphrase")),
            ("EZNCRYPT_SALT_FILE", self.directory.path().join("salt")),
        ] {
            command.env(variable, path);
        }
        let output = self.run(&mut command, &shown)?;
        if output.status.success() { Ok(()) } else { Err(unexpected(&shown, "it failed")) }
    }

    fn expect_plaintext(&self, command: &mut Command) -> Result<(), Failure> {
        let shown = shown(command);
        let output = self.run(command, &shown)?;
        let right = String::from_utf8_lossy(&output.stdout).contains(SECRET_TEXT);
        if right { Ok(()) } else { Err(unexpected(&shown, "it should have read the plaintext")) }
    }

    fn expect_denied(&self, command: &mut Command) -> Result<(), Failure> {
        let shown = shown(command);
        let output = self.run(command, &shown)?;
        let denied = !output.status.success() && output.stdout.is_empty();
        if denied { Ok(()) } else { Err(unexpected(&shown, "it should have been denied")) }
    }

    /// Runs a command and shows it with what it printed.
    fn run(&self, command: &mut Command, shown: &str) -> Result<Output, Failure> {
        say(&format!("# {shown}"));
        let output = command.output().map_err(io(shown))?;
        for text in [&output.stdout, &output.stderr] {
            for line in String::from_utf8_lossy(text).lines() {
                say(&format!("    {line}"));
            }
        }
        Ok(output)
    }

    /// Shows the first bytes of the sample's ciphertext, and that the plaintext is not in it.
    fn show_at_rest(&self) -> Result<(), Failure> {
        let original = self.sample();
        let below = original.strip_prefix("/").unwrap_or(&original);
        let stored = self.state().join("storage/demo").join(below);
        let bytes = fs::read(&stored).map_err(io("read the ciphertext"))?;
        say(&format!("# the bytes at rest: {}", stored.display()));
        for line in bytes[4096.min(bytes.len())..].chunks(16).take(4) {
            let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let text: String = line.iter().map(|byte| printable(*byte)).collect();
            say(&format!("    {}  {text}", hex.join(" ")));
        }
        let leaked = bytes.windows(SECRET_TEXT.len()).any(|part| part == SECRET_TEXT.as_bytes());
        if leaked { Err(unexpected("storage", "it holds plaintext")) } else { Ok(()) }
    }

    /// Contents, mode and times of the sample.
    fn snapshot(&self) -> Result<(Vec<u8>, u32, i64, i64), Failure> {
        let metadata = fs::symlink_metadata(self.sample()).map_err(io("look at the sample"))?;
        let contents = fs::read(self.sample()).map_err(io("read the sample"))?;
        Ok((contents, metadata.mode(), metadata.mtime(), metadata.mtime_nsec()))
    }

    fn expect_same(&self, before: &(Vec<u8>, u32, i64, i64)) -> Result<(), Failure> {
        if self.data().is_symlink() || self.snapshot()? != *before {
            return Err(unexpected("decrypting", "the directory is not as it was"));
        }
        say("# compared: bytes, mode and times are as they were");
        Ok(())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if self.mounted.get() {
            let _ = self.ezncrypt(&["stop".as_ref(), "--force".as_ref()]);
        }
    }
}

/// A program to let in that is another file than `cat` (in some systems all are one).
fn reader() -> Result<PathBuf, Failure> {
    let identity = |path: &Path| fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    let cat = identity(Path::new("/usr/bin/cat")).or_else(|| identity(Path::new("/bin/cat")));
    let other = |path: &PathBuf| identity(path).is_some_and(|found| Some(found) != cat);
    READERS.iter().map(PathBuf::from).find(other).ok_or_else(|| {
        let message = format!("none of {} is here to be let in", READERS.join(", "));
        Failure::new(FailureKind::Failed, message).hint("install coreutils")
    })
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() { char::from(byte) } else { '.' }
}

fn words(arguments: &[&OsStr]) -> String {
    let quote = |argument: &&OsStr| {
        let text = argument.to_string_lossy();
        if text.contains([' ', '*']) { format!("\"{text}\"") } else { text.into_owned() }
    };
    arguments.iter().map(quote).collect::<Vec<_>>().join(" ")
}

fn shown(command: &Command) -> String {
    let arguments: Vec<_> = command.get_args().collect();
    format!("{} {}", command.get_program().to_string_lossy(), words(&arguments))
}

fn unexpected(what: &str, how: &str) -> Failure {
    Failure::new(FailureKind::Failed, format!("the demonstration went wrong at `{what}`: {how}"))
}

fn io<'a>(what: &'a str) -> impl Fn(std::io::Error) -> Failure + 'a {
    move |error| Failure::new(FailureKind::Failed, format!("cannot {what}: {error}"))
}

fn say(line: &str) {
    // Whoever closed the output sees no more, but what was made is still removed.
    let _ = output::text(&format!("{line}\n"));
}
